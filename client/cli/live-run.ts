/**
 * One run as its client lives through it: what comes from the daemon goes to our stdout and stderr, what comes from our
 * stdin, signals and terminal goes to the daemon, and an ask becomes a question. Ends with one exit status.
 */
import { randomUUID } from 'node:crypto';
import tty from 'node:tty';
import type { Connection } from '../connection.ts';
import type { Decision } from '../protocol/decision.ts';
import { SbxError } from '../protocol/errors.ts';
import type { Approval, Exit, RunEvent, SandboxReport, Violation } from '../protocol/events.ts';
import type { MethodName, Params, Result } from '../protocol/messages.ts';
import { type AnswerWays, answerApproval } from './answer-approval.ts';
import type { DetachKeys } from './detach-keys.ts';
import { statuses, statusOfExit, statusOfSignal } from './exit-status.ts';
import { QuestionQueue } from './question-queue.ts';
import { formatEnd, formatEndNotes, formatError, formatSentence, formatViolations } from './report.ts';
import { RunInput } from './run-input.ts';
import { RunView } from './run-view.ts';
import type { SignalTarget } from './signals.ts';
import type { Tail } from './tail.ts';

type Attached = Pick<Result<'run.attach'>, 'run' | 'stdinBytes' | 'writer'>;

/** How a client takes part in a run. */
export interface Part extends AnswerWays {
  /** Absent for a run of our own. */
  readonly runId?: string;
  readonly json: boolean;
  readonly pty: boolean;
  readonly stdin: 'none' | 'stream';
  /** What becomes of the run when we leave it. */
  readonly whenLeft: 'stop' | 'keep';
  /** Our part ends where the run starts, with this. */
  readonly onStarted?: ((run: LiveRun) => void) | undefined;
  readonly detachKeys?: DetachKeys | undefined;
  /** Said before the first output. */
  readonly describeSandbox?: (sandbox: SandboxReport) => readonly string[];
}

export class LiveRun implements SignalTarget {
  readonly runId: string;
  /** The exit status. Never rejects. */
  readonly ended: Promise<number>;
  readonly view: RunView;
  readonly #part: Part;
  readonly #violations: Violation[] = [];
  #end: (status: number) => void = () => undefined;
  #connection: Connection | undefined;
  #attached: Promise<Attached> | undefined;
  #decision: Decision | undefined;
  #answeredNo = false;
  /** On the terminal, by a question that showed the whole decision. */
  #wasAsked = false;
  #cancelled = false;
  #running = false;
  /** What fails from now on only fails because it is over. */
  #over = false;
  #input: RunInput | undefined;
  readonly #questions = new QuestionQueue();
  /** A question is on the terminal. */
  #isLent = false;

  constructor(part: Part) {
    this.#part = part;
    this.runId = part.runId ?? randomUUID();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.view = new RunView({
      json: part.json,
      acknowledge: (seq) => this.#connection?.acknowledge(this.runId, seq),
      onBroken: (error) => this.#breakOff(error),
    });
  }

  /** Before any request that may bring events. `past`: what was there before we came, of which only the end is shown. */
  use(connection: Connection, past?: Tail): void {
    this.#connection = connection;
    const shown = past ?? this.view;
    connection.listen({
      onEvent: ({ seq, event }) => {
        if (past?.includes(seq) === true) past.skipEvent(seq);
        else this.#receive(seq, event);
      },
      onOutput: (frame) => shown.showFrame(frame),
      onGap: (gap) => shown.showGap(gap),
      onStdinAck: ({ bytes }) => this.#input?.acknowledge(bytes),
      onLost: (error) => this.fail(error),
    });
  }

  /** `attached`: what the daemon answers to the request that made us part of the run. */
  follow(attached: Promise<Attached>): void {
    this.#attached = attached;
    // Whoever asked reports what goes wrong.
    attached.catch(() => undefined);
  }

  /** It had started before we came. Nothing is shown before its keys are taken, or the first ones would be lost. */
  async join(): Promise<void> {
    this.view.hold();
    try {
      await this.#attached;
      if (this.#over) return;
      this.#running = true;
      await this.#openInput(true);
    } catch (error) {
      this.fail(error);
    } finally {
      this.view.release();
    }
  }

  /** Before another attempt with another daemon. */
  detach(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  fail(error: unknown): void {
    if (this.#over) return;
    this.#giveBackTerminal();
    const isLost = error instanceof SbxError && error.code === 'daemon-lost' && this.#part.whenLeft === 'keep';
    this.view.sayError(
      isLost ? new SbxError('daemon-lost', error.message, { help: 'sbx ps says whether the run goes on' }) : error,
    );
    void this.#finish(statuses.failed);
  }

  isRunning(): boolean {
    return this.#running;
  }

  signal(signal: Params<'run.signal'>['signal']): void {
    this.#tell('run.signal', { runId: this.runId, signal });
  }

  stop(): void {
    if (this.#part.whenLeft === 'stop') this.#tell('run.stop', { runId: this.runId });
    else this.leave('SIGINT');
  }

  leave(name: NodeJS.Signals): void {
    if (this.#part.whenLeft === 'stop') this.#tell('run.stop', { runId: this.runId, graceMs: 0 });
    this.#giveBackTerminal();
    this.#over = true;
    // Not `#finish`: whoever reads our output may have stalled for good.
    this.#end(statusOfSignal(name));
  }

  /** For requests whose only failure is that the run is already over. */
  #tell<M extends MethodName>(method: M, params: Params<M>): void {
    this.#connection?.request(method, params).catch(() => undefined);
  }

  #giveBackTerminal(): void {
    this.#input?.giveBackTerminal();
    this.view.rawTerminal = false;
  }

  async #finish(status: number): Promise<void> {
    this.#over = true;
    this.#running = false;
    this.#giveBackTerminal();
    this.#input?.stop();
    this.#questions.settleAll();
    this.view.releaseAll();
    await this.view.flush();
    this.#connection?.close();
    this.#end(status);
  }

  #breakOff(error: NodeJS.ErrnoException): void {
    const isGone = error.code === 'EPIPE' || error.code === 'EIO';
    if (this.#part.whenLeft === 'stop') this.#tell('run.stop', { runId: this.runId, graceMs: 0 });
    if (!isGone) this.view.say(formatSentence(`stdout cannot be written: ${error.message}`));
    void this.#finish(isGone ? statuses.brokenPipe : statuses.failed);
  }

  #receive(seq: number, event: RunEvent): void {
    this.view.showEvent(seq, event);
    switch (event.type) {
      case 'decided':
        this.#decision = event.decision;
        return;
      case 'approvalNeeded':
        if (event.approval.network === undefined) this.#decision = event.approval.decision;
        this.#put(event.approval);
        return;
      case 'approved':
        if (event.answer === 'no' && !this.#running) this.#answeredNo = true;
        this.#questions.settle(event.approvalId);
        return;
      case 'started':
        this.#start(event.sandbox);
        return;
      case 'violation':
        this.#violations.push(event.violation);
        return;
      case 'exited':
        this.#exit(event.exit).catch((error) => this.fail(error));
    }
  }

  #put(approval: Approval): void {
    this.#questions
      .put(approval.approvalId, (signal) => this.#answer(approval, signal))
      .catch((error) => this.fail(error));
  }

  async #answer(approval: Approval, signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    const isAsked = !this.#part.yes && this.#part.canAsk;
    const isBefore = approval.network === undefined;
    if (isBefore) this.#wasAsked = isAsked;
    if (isAsked) {
      this.view.hold();
      this.#isLent = true;
      this.#input?.lendTerminal();
    }
    await answerApproval(connection, approval, this.#part, {
      signal,
      onAsked: (cancelled) => {
        this.#isLent = false;
        this.#input?.takeBackTerminal();
        this.view.rawTerminal = this.#input?.isRaw === true;
        this.view.release();
        if (isBefore) this.#cancelled = cancelled;
        else if (cancelled) this.stop();
      },
      onLocked: (error) => this.view.say(formatError(error)),
    });
  }

  #start(sandbox: SandboxReport): void {
    this.#running = true;
    if (this.#part.onStarted) {
      this.#part.onStarted(this);
      void this.#finish(0);
      return;
    }
    // A question has shown the notes already.
    const notes = this.#wasAsked ? [] : (this.#decision?.notes ?? []);
    if (tty.isatty(2)) for (const line of [...notes, ...sandbox.warnings]) this.view.remark(formatSentence(line));
    for (const line of this.#part.describeSandbox?.(sandbox) ?? []) this.view.say(line);
    this.#openInput(false).catch((error) => this.fail(error));
  }

  async #openInput(redraw: boolean): Promise<void> {
    const { pty, stdin, detachKeys } = this.#part;
    if (!pty && stdin === 'none') return;
    // The command's own line ends must not meet a terminal that still adds to them.
    this.view.hold();
    try {
      const attached = await this.#attached;
      if (!attached?.writer || !this.#connection || !this.#running) return;
      this.#input = new RunInput({
        connection: this.#connection,
        runId: this.runId,
        run: attached.run,
        from: attached.stdinBytes,
        pty,
        detachKeys,
        onDetach: () => this.#depart(),
        onFault: (message) => this.view.say(formatSentence(message)),
      });
      // A command may connect before its input is open.
      if (this.#isLent) this.#input.lendTerminal();
      if (pty) await this.#input.takeTerminal(redraw);
      this.view.rawTerminal = this.#input.isRaw;
    } finally {
      this.view.release();
    }
  }

  #depart(): void {
    this.#giveBackTerminal();
    // The cursor stands wherever the command has left it.
    this.view.say(`\n${formatSentence('detached; the run goes on')}`);
    void this.#finish(0);
  }

  async #exit(exit: Exit): Promise<void> {
    this.#running = false;
    this.#over = true;
    // The last of the output still belongs to the command's terminal.
    await this.view.flush();
    this.#giveBackTerminal();
    const status = this.#cancelled ? statuses.cancelled : statusOfExit(exit);
    for (const line of formatViolations(this.#violations, status)) this.view.say(line);
    for (const line of formatEnd(exit, this.#decision, this.#answeredNo)) this.view.say(line);
    if (tty.isatty(2)) for (const line of formatEndNotes(exit)) this.view.say(line);
    await this.#finish(status);
  }
}
