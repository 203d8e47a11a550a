/**
 * One run as its client lives through it: what comes from the daemon goes to our stdout and stderr, what comes from our
 * stdin, signals and terminal goes to the daemon, and an ask becomes a question. Ends with one exit status.
 */
import { randomUUID } from 'node:crypto';
import tty from 'node:tty';
import type { Connection } from '../connection.ts';
import type { Decision } from '../protocol/decision.ts';
import { SbxError } from '../protocol/errors.ts';
import type { Frame } from '../protocol/frames.ts';
import type { Approval, Exit, MethodName, Params, RunEvent, Violation } from '../protocol/messages.ts';
import { statuses, statusOfExit, statusOfSignal } from './exit-status.ts';
import { Input } from './input.ts';
import { JsonLines } from './json-lines.ts';
import { Output } from './output.ts';
import { askOnTerminal } from './prompt.ts';
import type { RawMode } from './raw-mode.ts';
import { formatEnd, formatError, formatSentence, formatViolation } from './report.ts';
import type { RunWish } from './run-arguments.ts';
import type { SignalTarget } from './signals.ts';
import type { Surroundings } from './surroundings.ts';
import { measureTerminal } from './terminal.ts';

export class LiveRun implements SignalTarget {
  readonly runId = randomUUID();
  /** The exit status. Never rejects. */
  readonly ended: Promise<number>;
  readonly #wish: RunWish;
  readonly #surroundings: Surroundings;
  readonly #output: Output;
  readonly #json: JsonLines | undefined;
  readonly #violations: Violation[] = [];
  #end: (status: number) => void = () => undefined;
  #connection: Connection | undefined;
  #number: Promise<number> | undefined;
  #decision: Decision | undefined;
  #answeredNo = false;
  /** On the terminal, by a question that showed the whole decision. */
  #wasAsked = false;
  #cancelled = false;
  #running = false;
  /** What fails from now on only fails because it is over. */
  #over = false;
  #input: Input | undefined;
  #raw: RawMode | undefined;
  #question: { readonly approvalId: string; readonly abort: AbortController } | undefined;

  constructor(wish: RunWish, surroundings: Surroundings) {
    this.#wish = wish;
    this.#surroundings = surroundings;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#output = new Output({
      onFull: () => this.#connection?.pause(),
      onDrained: () => this.#connection?.resume(),
      onBroken: (error) => this.#breakOff(error),
    });
    this.#json = wish.json ? new JsonLines((line) => this.#output.write(1, line)) : undefined;
  }

  /** Before any request that may bring events. */
  attach(connection: Connection): void {
    this.#connection = connection;
    connection.listen({
      onEvent: ({ seq, event }) => this.#receive(seq, event),
      onOutput: (frame) => this.#show(frame),
      onStdinAck: ({ bytes }) => this.#input?.acknowledge(bytes),
      onLost: (error) => this.fail(error),
    });
  }

  /** `number`: of the run in binary frames, once the daemon has said it. */
  follow(number: Promise<number>): void {
    this.#number = number;
  }

  get number(): Promise<number> | undefined {
    return this.#number;
  }

  /** Before another attempt with another daemon. */
  detach(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  say(line: string): void {
    // In raw mode a line feed does not return to the left edge.
    this.#output.write(2, Buffer.from(`${line}${this.#raw?.isRaw ? '\r\n' : '\n'}`));
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#raw?.leave();
    if (error instanceof SbxError) {
      const { code, message, help } = error;
      this.#json?.line({ type: 'error', code, message, ...(help === undefined ? {} : { help }) });
    }
    this.say(formatError(error));
    void this.#finish(statuses.failed);
  }

  isRunning(): boolean {
    return this.#running;
  }

  signal(signal: Params<'run.signal'>['signal']): void {
    this.#tell('run.signal', { runId: this.runId, signal });
  }

  stop(): void {
    this.#tell('run.stop', { runId: this.runId });
  }

  leave(name: NodeJS.Signals): void {
    this.#tell('run.stop', { runId: this.runId, graceMs: 0 });
    this.#raw?.leave();
    this.#over = true;
    // Not `#finish`: whoever reads our output may have stalled for good.
    this.#end(statusOfSignal(name));
  }

  /** For requests whose only failure is that the run is already over. */
  #tell<M extends MethodName>(method: M, params: Params<M>): void {
    this.#connection?.request(method, params).catch(() => undefined);
  }

  async #finish(status: number): Promise<void> {
    this.#over = true;
    this.#running = false;
    this.#raw?.leave();
    this.#input?.stop();
    this.#question?.abort.abort();
    this.#output.release();
    await this.#output.flush();
    this.#connection?.close();
    this.#end(status);
  }

  #breakOff(error: NodeJS.ErrnoException): void {
    this.#tell('run.stop', { runId: this.runId, graceMs: 0 });
    if (error.code !== 'EPIPE' && error.code !== 'EIO')
      this.say(formatSentence(`stdout cannot be written: ${error.message}`));
    void this.#finish(error.code === 'EPIPE' || error.code === 'EIO' ? statuses.brokenPipe : statuses.failed);
  }

  #show(frame: Frame): void {
    if (this.#json) this.#json.output(frame);
    else this.#output.write(frame.stream === 'stderr' ? 2 : 1, frame.payload);
  }

  #receive(seq: number, event: RunEvent): void {
    this.#json?.event(seq, event);
    switch (event.type) {
      case 'decided':
        this.#decision = event.decision;
        return;
      case 'approvalNeeded':
        this.#decision = event.approval.decision;
        this.#answer(event.approval).catch((error) => this.fail(error));
        return;
      case 'approved':
        if (event.answer === 'no') this.#answeredNo = true;
        if (this.#question?.approvalId === event.approvalId) this.#question.abort.abort();
        return;
      case 'started':
        // The command's own line ends must not meet a terminal that still adds to them.
        this.#output.hold();
        this.#start(event.sandbox.warnings)
          .catch((error) => this.fail(error))
          .finally(() => this.#output.release());
        return;
      case 'violation':
        this.#violations.push(event.violation);
        return;
      case 'exited':
        this.#exit(event.exit).catch((error) => this.fail(error));
    }
  }

  async #answer(approval: Approval): Promise<void> {
    const { approvalId } = approval;
    if (this.#wish.yes) {
      try {
        await this.#connection?.request('approval.answer', { approvalId, answer: 'once', byFlag: true });
      } catch (error) {
        if (!(error instanceof SbxError && error.code === 'locked-by-policy')) throw error;
        this.say(formatError(error));
        // No flag's answer, which would be refused as well.
        this.#tell('approval.answer', { approvalId, answer: 'no' });
      }
      return;
    }
    const { askOn } = this.#surroundings;
    if (askOn === undefined) {
      this.#tell('approval.answer', { approvalId, answer: 'no' });
      return;
    }
    const abort = new AbortController();
    this.#question = { approvalId, abort };
    this.#output.hold();
    this.#wasAsked = true;
    const answer = await askOnTerminal(askOn, approval, abort.signal);
    this.#output.release();
    this.#question = undefined;
    if (abort.signal.aborted) return;
    this.#cancelled = answer === undefined;
    await this.#connection?.request('approval.answer', { approvalId, ...(answer ?? { answer: 'no' }) });
  }

  async #start(warnings: readonly string[]): Promise<void> {
    this.#running = true;
    // A question has shown the notes already.
    const notes = this.#wasAsked ? [] : (this.#decision?.notes ?? []);
    if (tty.isatty(2)) for (const line of [...notes, ...warnings]) this.say(formatSentence(line));
    const { pty, stdin } = this.#surroundings;
    if (!pty && stdin === 'none') return;
    const run = await this.#number;
    if (run === undefined || !this.#running) return;
    this.#input = this.#openInput(run, pty !== undefined);
    if (pty) await this.#takeTerminal();
  }

  #openInput(run: number, isPty: boolean): Input {
    let sent = 0;
    let lastByte = 0x0a;
    const send = (payload: Buffer) => {
      this.#connection?.sendStdin(run, sent, payload);
      sent += payload.length;
      lastByte = payload.at(-1) ?? lastByte;
    };
    return new Input({
      send,
      end: () => {
        // A pty has no end of its own: ^D ends the input, after a first one that only ends an unfinished line.
        if (isPty) send(Buffer.from(lastByte === 0x0a ? '\x04' : '\x04\x04'));
        else this.#tell('run.closeStdin', { runId: this.runId });
      },
      fail: (error) => this.say(formatSentence(`stdin cannot be read: ${error.message}`)),
    });
  }

  async #takeTerminal(): Promise<void> {
    const resize = () => this.#tell('run.resize', { runId: this.runId, size: measureTerminal() });
    process.on('SIGWINCH', resize);
    const terminal = this.#input?.terminal;
    if (!terminal) return;
    const { RawMode } = await import('./raw-mode.ts');
    if (!this.#running) return;
    const raw = new RawMode(terminal);
    this.#raw = raw;
    raw.enter();
    // It may have changed between our question for it and now.
    resize();
    process.on('SIGTSTP', () => {
      raw.leave();
      process.kill(process.pid, 'SIGSTOP');
    });
    process.on('SIGCONT', () => {
      raw.enter();
      resize();
    });
  }

  async #exit(exit: Exit): Promise<void> {
    this.#running = false;
    this.#over = true;
    // The last of the output still belongs to the command's terminal.
    await this.#output.flush();
    this.#raw?.leave();
    const status = this.#cancelled ? statuses.cancelled : statusOfExit(exit);
    if (status !== 0) for (const violation of this.#violations) this.say(formatViolation(violation));
    for (const line of formatEnd(exit, this.#decision, this.#answeredNo)) this.say(line);
    await this.#finish(status);
  }
}
