/**
 * One run through the stages, in order: decide, approve, sandbox, stream. Whatever happens, the run ends with exactly one
 * `exited` event, and nothing it started outlives that event.
 */
import { Writable } from 'node:stream';
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import { limits } from '../client/protocol/limits.ts';
import type { Approval, Exit, RunSignal, SandboxReport } from '../client/protocol/messages.ts';
import { showBlock } from '../client/protocol/visible.ts';
import type { Answer, Approvals } from './approve/approvals.ts';
import { approvePlan } from './approve/approve.ts';
import { findNetworkViolation } from './egress/blocked.ts';
import type { CommandPlan, SandboxProcess } from './sandbox/model.ts';
import type { Session } from './sandbox/sessions.ts';
import type { OutputStream, RunLog } from './stream/run-log.ts';
import type { StdinGate } from './stream/stdin-gate.ts';

/** How much of the error output is kept to explain a failure. */
const errorTailBytes = 8 * 1024;

/** A sink that can be slow: the run's output waits while it says so. */
export interface Backpressure {
  readonly addSource: (source: { pause: () => void; resume: () => void }) => void;
  readonly removeSource: (source: { pause: () => void; resume: () => void }) => void;
}

export interface RunInput {
  readonly runId: string;
  readonly session: Session;
  readonly plan: CommandPlan;
  readonly decision: Decision;
  /** Hosts that the command's words name. */
  readonly hosts: readonly string[];
  readonly timeoutMs: number | undefined;
  /** Who answers questions; undefined when nobody can. */
  readonly approver: object | undefined;
  readonly saveTo: string;
  readonly log: RunLog;
  readonly stdin: StdinGate;
  readonly backpressure: Backpressure;
  /** Carries out what an answer grants, before the command starts. */
  readonly grant: (approval: Approval, answer: Answer) => void;
  readonly approvals: Approvals;
}

/** A terminal has no end of input of its own: the person types it. */
function terminalInput(pty: NonNullable<SandboxProcess['pty']>): Writable {
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      pty.write(bytes);
      done();
    },
  });
}

export class Run {
  readonly #input: RunInput;
  readonly #started = performance.now();
  #process: SandboxProcess | undefined;
  #stopRequested: { graceMs: number; reason: 'cancelled' | 'timeout' } | undefined;
  #report: SandboxReport | undefined;
  #errorTail = Buffer.alloc(0);
  #violations = 0;
  /** Resolves after `exited` was sent. Never rejects. */
  readonly ended: Promise<void>;

  constructor(input: RunInput) {
    this.#input = input;
    this.ended = this.#run().then((exit) => {
      this.#input.log.append({
        type: 'exited',
        exit: {
          ...exit,
          durationMs: performance.now() - this.#started,
          outputBytes: input.log.outputBytes,
          violations: this.#violations,
          ...(this.#report ? { sandbox: this.#report } : {}),
        },
      });
    });
  }

  get runId(): string {
    return this.#input.runId;
  }

  get #approvalId(): string {
    return this.#input.runId;
  }

  signal(name: RunSignal): void {
    if (this.#process) this.#process.signal(name);
    // Before the start there is nobody to signal; an interrupt of the waiting run cancels it.
    else if (name !== 'SIGWINCH') this.stop(0);
  }

  resize(columns: number, rows: number): void {
    this.#process?.pty?.resize(columns, rows);
  }

  receiveStdin(offset: number, payload: Buffer): boolean {
    return this.#input.stdin.receive(offset, payload);
  }

  closeStdin(): void {
    this.#input.stdin.end();
  }

  stop(graceMs: number = limits.stopGraceMs, reason: 'cancelled' | 'timeout' = 'cancelled'): void {
    this.#stopRequested ??= { graceMs, reason };
    if (this.#process) this.#process.stop(graceMs);
    else this.#input.approvals.withdraw(this.#approvalId);
  }

  async #run(): Promise<Pick<Exit, 'reason' | 'code' | 'signal' | 'message' | 'help'>> {
    const { decision, plan, log } = this.#input;
    try {
      log.append({ type: 'decided', decision });
      const answer = decision.effect === 'ask' ? await this.#ask(decision) : undefined;
      if (this.#stopRequested) return { reason: 'cancelled' };
      const approved = approvePlan(plan, decision, answer);
      if (!approved) return { reason: 'denied' };
      const { process, report } = await this.#input.session.launch(approved);
      this.#process = process;
      this.#report = report;
      log.append({ type: 'started', sandbox: report });
      return await this.#stream(process);
    } catch (error) {
      const known = error instanceof SbxError ? error : new SbxError('internal', (error as Error).message);
      return {
        reason: 'sandbox-failed',
        message: known.message,
        ...(known.help === undefined ? {} : { help: known.help }),
      };
    }
  }

  async #ask(decision: Decision): Promise<Answer | undefined> {
    const { approver, approvals, log, plan, saveTo } = this.#input;
    if (!approver) return undefined;
    const approval: Approval = {
      approvalId: this.#approvalId,
      command: showBlock(plan.command),
      cwd: plan.cwd,
      decision,
      suggestions: decision.suggestions,
      saveTo,
      timeoutMs: limits.approvalTimeoutMs,
    };
    const answered = approvals.ask(approval, approver);
    log.append({ type: 'approvalNeeded', approval });
    const answer = await answered;
    log.append({
      type: 'approved',
      approvalId: approval.approvalId,
      answer: answer?.answer ?? 'no',
      ...(answer?.comment === undefined ? {} : { comment: answer.comment }),
    });
    if (answer && answer.answer !== 'no') this.#input.grant(approval, answer);
    return answer;
  }

  async #stream(process: SandboxProcess): Promise<Pick<Exit, 'reason' | 'code' | 'signal' | 'message' | 'help'>> {
    const { stdin, timeoutMs, backpressure } = this.#input;
    const input = process.stdin ?? (process.pty && terminalInput(process.pty));
    if (input) stdin.attach(input);
    const output = this.#readOutput(process);
    backpressure.addSource(output);
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => this.stop(limits.stopGraceMs, 'timeout'), timeoutMs);
    if (this.#stopRequested) process.stop(this.#stopRequested.graceMs);
    const exit = await process.exit;
    clearTimeout(timer);
    // Every writer is gone, so the pipes end; a slow viewer may still be taking what is in them.
    await output.ended;
    backpressure.removeSource(output);
    if (exit.failure !== undefined) return { reason: 'sandbox-failed', message: exit.failure };
    if (exit.code !== 0 && !this.#stopRequested) this.#explainFailure();
    if (this.#stopRequested?.reason === 'timeout') {
      return { reason: 'timeout', code: exit.code, message: `stopped after ${timeoutMs} ms (--timeout)` };
    }
    const reason = this.#stopRequested ? 'cancelled' : exit.signal === undefined ? 'exited' : 'signalled';
    return { reason, code: exit.code, ...(exit.signal === undefined ? {} : { signal: exit.signal }) };
  }

  #readOutput(process: SandboxProcess): { pause: () => void; resume: () => void; ended: Promise<void> } {
    const { log } = this.#input;
    const take = (stream: OutputStream, bytes: Buffer) => {
      log.appendOutput(stream, bytes);
      if (stream !== 'stdout') this.#keepTail(bytes);
    };
    if (process.pty) {
      const { pty } = process;
      pty.onData((bytes) => take('pty', bytes));
      return { pause: pty.pause, resume: pty.resume, ended: pty.ended };
    }
    const streams = (['stdout', 'stderr'] as const).flatMap((name) => {
      const stream = process[name];
      if (!stream) return [];
      stream.on('data', (bytes: Buffer) => take(name, bytes));
      return [stream];
    });
    const ended = Promise.all(
      streams.map(
        (stream) => new Promise<void>((resolve) => stream.once('close', resolve).once('error', () => resolve())),
      ),
    );
    return {
      pause: () => streams.forEach((stream) => void stream.pause()),
      resume: () => streams.forEach((stream) => void stream.resume()),
      ended: ended.then(() => undefined),
    };
  }

  #keepTail(bytes: Buffer): void {
    const joined = Buffer.concat([this.#errorTail, bytes.subarray(-errorTailBytes)]);
    this.#errorTail = Buffer.from(joined.subarray(-errorTailBytes));
  }

  #explainFailure(): void {
    const violation = findNetworkViolation({ errorTail: this.#errorTail.toString('utf8'), hosts: this.#input.hosts });
    if (!violation) return;
    this.#violations++;
    this.#input.log.append({ type: 'violation', violation });
  }
}
