/** Output that a caller awaits as a whole, up to a limit. */
import type { OutputEvent } from './run-events.ts';

export type Encoding = 'utf8' | 'buffer';

export class CollectedOutput {
  readonly #maxBytes: number;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False when it did not fit; what did is kept. */
  add({ stream, bytes }: OutputEvent): boolean {
    const room = this.#maxBytes - this.#bytes;
    const fits = bytes.length <= room;
    const kept = fits ? bytes : bytes.subarray(0, room);
    // A terminal has one stream; it is what was shown.
    (stream === 'stderr' ? this.#stderr : this.#stdout).push(kept);
    this.#bytes += kept.length;
    return fits;
  }

  /** Decoded at once, so that no character is cut by a frame's end. */
  read(encoding: Encoding): { stdout: string | Buffer; stderr: string | Buffer } {
    const [stdout, stderr] = [Buffer.concat(this.#stdout), Buffer.concat(this.#stderr)];
    return encoding === 'buffer'
      ? { stdout, stderr }
      : { stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8') };
  }
}
