/** The terminal hands every key to the command, and is put back the way it was whatever happens. */
import { spawnSync } from 'node:child_process';
import type tty from 'node:tty';

/**
 * Raw mode that ends with the process at the latest, also when it ends by an error. By stty, because Node's own raw mode
 * goes on turning a line feed into carriage return and line feed, which moves the cursor of a full-screen program.
 * Source: libuv, uv_tty_set_mode keeps ONLCR.
 */
export class RawMode {
  readonly #terminal: tty.ReadStream;
  #before: string | undefined;

  constructor(terminal: tty.ReadStream) {
    this.#terminal = terminal;
    process.once('exit', () => this.leave());
  }

  get isRaw(): boolean {
    return this.#before !== undefined;
  }

  enter(): void {
    const { stdout, status } = spawnSync('sh', ['-c', 'stty -g && stty raw -echo'], {
      stdio: [0, 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    this.#before = status === 0 ? stdout.trim() : '';
    if (status !== 0) this.#terminal.setRawMode(true);
  }

  leave(): void {
    const before = this.#before;
    if (before === undefined) return;
    this.#before = undefined;
    if (before !== '') spawnSync('stty', [before], { stdio: [0, 'ignore', 'ignore'] });
    else if (!this.#terminal.destroyed) this.#terminal.setRawMode(false);
  }
}
