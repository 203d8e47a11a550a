/**
 * Our side of a run's input: stdin goes to the command, and for a command on a terminal of its own also every key and
 * every new size of ours. The terminal is put back the way it was whatever happens.
 */
import type { Connection } from '../connection.ts';
import type { MethodName, Params } from '../protocol/messages.ts';
import type { DetachKeys } from './detach-keys.ts';
import { Input } from './input.ts';
import type { RawMode } from './raw-mode.ts';
import { measureTerminal } from './terminal.ts';

export interface RunInputOptions {
  readonly connection: Connection;
  readonly runId: string;
  /** Number of the run in binary frames. */
  readonly run: number;
  /** Bytes of stdin that the daemon has already. */
  readonly from: number;
  readonly pty: boolean;
  /** Only when the run is to go on without us: what ends our part in it. */
  readonly detachKeys: DetachKeys | undefined;
  readonly onDetach: () => void;
  readonly onFault: (message: string) => void;
}

export class RunInput {
  readonly #options: RunInputOptions;
  readonly #input: Input;
  #sent: number;
  #lastByte = 0x0a;
  #raw: RawMode | undefined;
  #isLent = false;
  #wasRaw = false;

  constructor(options: RunInputOptions) {
    this.#options = options;
    this.#sent = options.from;
    this.#input = new Input(
      {
        send: (payload) => this.#receive(payload),
        end: () => this.#end(),
        fail: (error) => options.onFault(`stdin cannot be read: ${error.message}`),
      },
      options.from,
    );
  }

  get isRaw(): boolean {
    return this.#raw?.isRaw === true;
  }

  /** `bytes`: how much the command has taken since the start. */
  acknowledge(bytes: number): void {
    this.#input.acknowledge(bytes);
  }

  /** Hands over keys and size. `redraw`: whatever runs there has drawn for somebody else before. */
  async takeTerminal(redraw: boolean): Promise<void> {
    const resize = () => this.#tell('run.resize', { size: measureTerminal() });
    process.on('SIGWINCH', resize);
    const terminal = this.#input.terminal;
    if (!terminal) return;
    const { RawMode } = await import('./raw-mode.ts');
    // It ended meanwhile.
    if (terminal.destroyed) return;
    const raw = new RawMode(terminal);
    this.#raw = raw;
    if (this.#isLent) this.#wasRaw = true;
    else raw.enter();
    if (redraw) {
      // Only a size that differs makes the kernel tell the program.
      const { columns, rows } = measureTerminal();
      this.#tell('run.resize', { size: { columns, rows: rows > 1 ? rows - 1 : rows + 1 } });
    }
    // It may have changed between our question for it and now.
    resize();
    process.on('SIGTSTP', () => {
      raw.leave();
      process.kill(process.pid, 'SIGSTOP');
    });
    process.on('SIGCONT', () => {
      if (!this.#isLent) raw.enter();
      resize();
    });
  }

  giveBackTerminal(): void {
    this.#raw?.leave();
  }

  /** Somebody else reads what is typed for a while: a question about a connection of the command. */
  lendTerminal(): void {
    this.#isLent = true;
    this.#input.suspend();
    this.#wasRaw = this.isRaw;
    this.#raw?.leave();
  }

  takeBackTerminal(): void {
    this.#isLent = false;
    if (this.#wasRaw) this.#raw?.enter();
    this.#wasRaw = false;
    this.#input.goOn();
  }

  stop(): void {
    this.#raw?.leave();
    this.#input.stop();
  }

  #receive(payload: Buffer): void {
    const { detachKeys } = this.#options;
    if (!detachKeys) {
      this.#send(payload);
      return;
    }
    const { passed, detached } = detachKeys.filter(payload);
    this.#send(passed);
    if (detached) this.#options.onDetach();
  }

  #send(payload: Buffer): void {
    if (payload.length === 0) return;
    const { connection, run } = this.#options;
    connection.sendStdin(run, this.#sent, payload);
    this.#sent += payload.length;
    this.#lastByte = payload.at(-1) ?? this.#lastByte;
  }

  #end(): void {
    const { pty, detachKeys } = this.#options;
    if (!pty) this.#tell('run.closeStdin', {});
    // A pty has no end of its own: ^D ends the input, after a first one that only ends an unfinished line. Where the run
    // goes on without us, the end of our input is none of its.
    else if (!detachKeys) this.#send(Buffer.from(this.#lastByte === 0x0a ? '\x04' : '\x04\x04'));
  }

  /** For requests whose only failure is that the run is already over. */
  #tell<M extends MethodName>(method: M, params: Omit<Params<M>, 'runId'>): void {
    const { connection, runId } = this.#options;
    connection.request(method, { ...params, runId } as Params<M>).catch(() => undefined);
  }
}
