/**
 * One run through the stages, in order: decide, approve, sandbox, stream. Whatever happens, the run ends with exactly one
 * `exited` event, and nothing it started outlives that event.
 */
import { Writable } from 'node:stream';
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import type { Approval, Exit, SandboxReport, Violation } from '../client/protocol/events.ts';
import type { LimitName } from '../client/protocol/limit-names.ts';
import { limits } from '../client/protocol/limits.ts';
import type { RunSignal } from '../client/protocol/messages.ts';
import { showBlock } from '../client/protocol/visible.ts';
import type { Answer, Approvals } from './approve/approvals.ts';
import { approvePlan } from './approve/approve.ts';
import type { FilePolicy } from './decide/file-rules.ts';
import { describeLimit, howToRaise, type Limits } from './decide/limits.ts';
import { findNetworkViolation } from './egress/blocked.ts';
import { findLimitViolation } from './limit-violation.ts';
import { LimitWatch, type WatchedLimit } from './limit-watch.ts';
import { type CarriedFolder, carryFolder } from './methods/carry-folder.ts';
import type { Session } from './methods/sessions.ts';
import { findWithheldViolations } from './request/withheld.ts';
import { collectAftermath } from './sandbox/aftermath.ts';
import type { CommandPlan, LimitReport, ProcessUse, SandboxProcess, SandboxSession } from './sandbox/model.ts';
import type { OutputStream, RunLog } from './stream/run-log.ts';
import type { StdinGate } from './stream/stdin-gate.ts';

/** How much of the error output is kept to explain a failure. */
const errorTailBytes = 8 * 1024;

export interface RunInput {
  readonly runId: string;
  readonly session: Session;
  /** As it was decided on. */
  readonly sandboxed: boolean;
  readonly plan: CommandPlan;
  readonly decision: Decision;
  /** What the policy that it was decided by says about files. */
  readonly files: FilePolicy;
  /** Hosts that the command's words name. */
  readonly hosts: readonly string[];
  readonly limits: Limits;
  /** Variables of the caller that the command does not get. */
  readonly withheld: readonly string[];
  /** Somebody can be asked. */
  readonly canAsk: boolean;
  readonly saveTo: string;
  readonly log: RunLog;
  readonly stdin: StdinGate;
  /** Carries out what an answer grants, before the command starts. */
  readonly grant: (approval: Approval, answer: Answer) => void;
  readonly approvals: Approvals;
}

interface RunOutput {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when everything was read. */
  readonly ended: Promise<void>;
}

const reasonOfLimit = {
  timeoutMs: 'timeout',
  idleTimeoutMs: 'idle-timeout',
  outputBytes: 'output-limit',
} as const satisfies Record<WatchedLimit, Exit['reason']>;

type StopReason = 'cancelled' | 'daemon-stopped' | WatchedLimit;
type Ending = Pick<Exit, 'reason' | 'code' | 'signal' | 'message' | 'help'>;

/** A terminal has no end of input of its own: the person types it. */
function terminalInput(pty: NonNullable<SandboxProcess['pty']>): Writable {
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => void pty.write(bytes).then(() => done()),
  });
}

export class Run {
  readonly #input: RunInput;
  readonly #started = performance.now();
  #process: SandboxProcess | undefined;
  #stopRequested: { graceMs: number; reason: StopReason } | undefined;
  #folder: CarriedFolder | undefined;
  #exit: Exit | undefined;
  #output: RunOutput | undefined;
  #abandoned = false;
  #size: { columns: number; rows: number } | undefined;
  #report: SandboxReport | undefined;
  #used: Pick<Exit, 'cpuMs' | 'maxRssBytes'> = {};
  readonly #watch: LimitWatch;
  #errorTail = Buffer.alloc(0);
  #isTailCut = false;
  #violations = 0;
  #unaskable: Pick<Exit, 'message' | 'help'> = {};
  /** Resolves after `exited` was sent. Never rejects. */
  readonly ended: Promise<void>;

  constructor(input: RunInput) {
    this.#input = input;
    this.#watch = new LimitWatch(input.limits, (name) => this.#stopAtLimit(name));
    this.ended = this.#run().then((exit) => {
      this.#exit = {
        ...exit,
        durationMs: performance.now() - this.#started,
        outputBytes: input.log.outputBytes,
        violations: this.#violations,
        ...this.#used,
        ...(this.#report ? { sandbox: this.#report } : {}),
        ...this.#folder,
      };
      input.log.append({ type: 'exited', exit: this.#exit });
    });
  }

  /** Set once `exited` was sent. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Bytes of input that the command has taken. */
  get stdinTakenBytes(): number {
    return this.#input.stdin.takenBytes;
  }

  /** Bytes of input that have come, whether or not the command has taken them. */
  get stdinBytes(): number {
    return this.#input.stdin.receivedBytes;
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
    this.#size = { columns, rows };
    this.#process?.pty?.resize(columns, rows);
  }

  receiveStdin(offset: number, payload: Buffer): boolean {
    return this.#input.stdin.receive(offset, payload);
  }

  closeStdin(): void {
    this.#input.stdin.end();
  }

  stop(graceMs: number = limits.stopGraceMs, reason: StopReason = 'cancelled'): void {
    this.#stopRequested ??= { graceMs, reason };
    if (this.#process) this.#process.stop(graceMs);
    else this.#input.approvals.withdraw(this.#approvalId);
  }

  /** Ends it although nobody takes its output any more: what still comes is read and forgotten. */
  abandon(reason: StopReason = 'cancelled'): void {
    this.#abandoned = true;
    this.#input.log.setSource(undefined);
    this.#output?.resume();
    this.stop(0, reason);
  }

  /** What it prints after that is read and forgotten, so that it can end. */
  #stopAtLimit(name: WatchedLimit): void {
    if (name === 'outputBytes') this.#input.log.setSource(undefined);
    this.stop(limits.stopGraceMs, name);
    if (name === 'outputBytes') this.#output?.resume();
  }

  async #run(): Promise<Ending> {
    const { decision, plan, log } = this.#input;
    try {
      log.append({ type: 'decided', decision });
      const answer = decision.effect === 'ask' ? await this.#ask(decision) : undefined;
      if (this.#stopRequested) return this.#describeStop(this.#stopRequested.reason);
      const approved = approvePlan(this.#withSize(plan), decision, answer);
      if (!approved) return { reason: 'denied', ...this.#unaskable };
      const launched = await this.#input.session.launch(approved, this.#input.sandboxed, this.#input.files);
      const { process, report } = launched;
      this.#process = process;
      // It may have come while the sandbox was made.
      if (this.#size) process.pty?.resize(this.#size.columns, this.#size.rows);
      this.#report = { ...report, ...reportLimits(this.#input.limits, process.limits) };
      log.append({ type: 'started', sandbox: this.#report });
      return await this.#stream(process, launched.explainFailure);
    } catch (error) {
      const known = error instanceof SbxError ? error : new SbxError('internal', (error as Error).message);
      return {
        reason: 'sandbox-failed',
        message: known.message,
        ...(known.help === undefined ? {} : { help: known.help }),
      };
    }
  }

  /** The terminal as it is now, which may have been resized while the run waited. */
  #withSize(plan: CommandPlan): CommandPlan {
    return this.#size && plan.pty ? { ...plan, pty: { ...plan.pty, ...this.#size } } : plan;
  }

  async #ask(decision: Decision): Promise<Answer | undefined> {
    const { approvals, canAsk, log, plan, runId, saveTo, session } = this.#input;
    if (!canAsk) return undefined;
    const approval: Approval = {
      approvalId: this.#approvalId,
      command: showBlock(plan.command),
      cwd: plan.cwd,
      decision,
      suggestions: decision.suggestions,
      saveTo,
      timeoutMs: limits.approvalTimeoutMs,
    };
    if (Buffer.byteLength(JSON.stringify(approval)) > limits.maxApprovalBytes) {
      this.#unaskable = {
        message: 'the command is too long to be asked about',
        help: 'put it into a script file and run that, or allow it by a rule',
      };
      return undefined;
    }
    const answered = approvals.ask({ runId, sessionId: session.id, approval });
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

  async #stream(process: SandboxProcess, explain: SandboxSession['explainFailure']): Promise<Ending> {
    const { log, plan, session, stdin } = this.#input;
    const input = process.stdin ?? (process.pty && terminalInput(process.pty));
    if (input) stdin.attach(input);
    const output = this.#readOutput(process);
    this.#output = output;
    if (!this.#abandoned) log.setSource(output);
    this.#watch.begin();
    if (this.#stopRequested) process.stop(this.#stopRequested.graceMs);
    const exit = await process.exit;
    this.#watch.end();
    const use = await process.use;
    this.#used = showUse(use);
    // Every writer is gone, so the pipes end; a slow viewer may still be taking what is in them.
    await output.ended;
    log.setSource(undefined);
    for (const violation of await collectAftermath(process.aftermath, plan.cwd)) this.#tell(violation);
    if (plan.reportCwd) this.#folder = carryFolder(session, plan.cwd, await process.cwd);
    if (exit.failure !== undefined) return { reason: 'sandbox-failed', message: exit.failure };
    if (exit.code !== 0 && !this.#stopRequested) this.#explainFailure(exit.code, explain);
    const signal = exit.signal === undefined ? {} : { signal: exit.signal };
    if (this.#stopRequested) return { ...this.#describeStop(this.#stopRequested.reason), code: exit.code, ...signal };
    if (use?.outOfMemory === true) return { reason: 'memory', code: exit.code, ...this.#describeLimit('memoryBytes') };
    return { reason: exit.signal === undefined ? 'exited' : 'signalled', code: exit.code, ...signal };
  }

  #describeStop(reason: StopReason): Ending {
    if (reason === 'daemon-stopped') return { reason, message: 'the daemon was stopped, and the command with it' };
    if (reason === 'cancelled') return { reason };
    return { reason: reasonOfLimit[reason], ...this.#describeLimit(reason) };
  }

  #describeLimit(name: LimitName): Pick<Exit, 'message' | 'help'> {
    const limit = this.#input.limits[name];
    if (limit === undefined) return {};
    return { message: `stopped at ${describeLimit(name, limit)}`, help: howToRaise(name, limit) };
  }

  #readOutput(process: SandboxProcess): RunOutput {
    const { log } = this.#input;
    const take = (stream: OutputStream, bytes: Buffer) => {
      if (this.#abandoned) return;
      const taken = this.#watch.take(bytes.length);
      if (taken > 0) log.appendOutput(stream, bytes.subarray(0, taken));
      if (stream !== 'stdout') this.#keepTail(bytes);
    };
    if (process.pty) {
      const { pty } = process;
      pty.onData((bytes) => take('pty', bytes));
      return this.#withWatch({ pause: pty.pause, resume: pty.resume, ended: pty.ended });
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
    return this.#withWatch({
      pause: () => streams.forEach((stream) => void stream.pause()),
      resume: () => streams.forEach((stream) => void stream.resume()),
      ended: ended.then(() => undefined),
    });
  }

  #withWatch({ pause, resume, ended }: RunOutput): RunOutput {
    return {
      pause: () => {
        this.#watch.hold();
        pause();
      },
      resume: () => {
        this.#watch.release();
        resume();
      },
      ended,
    };
  }

  #keepTail(bytes: Buffer): void {
    const joined = Buffer.concat([this.#errorTail, bytes.subarray(-errorTailBytes)]);
    this.#isTailCut ||= joined.length > errorTailBytes || bytes.length > errorTailBytes;
    this.#errorTail = Buffer.from(joined.subarray(-errorTailBytes));
  }

  #explainFailure(code: number, explain: SandboxSession['explainFailure']): void {
    const { hosts, limits: chosen, plan, sandboxed, withheld } = this.#input;
    const text = this.#errorTail.toString('utf8');
    const limit = sandboxed ? findLimitViolation({ code, errorTail: text }, chosen) : undefined;
    if (limit) this.#tell(limit);
    const network = sandboxed ? findNetworkViolation({ errorTail: text, hosts }) : undefined;
    if (network) this.#tell(network);
    for (const violation of findWithheldViolations(text, withheld)) this.#tell(violation);
    for (const violation of explain({ text, isCut: this.#isTailCut, cwd: plan.cwd, withheld })) this.#tell(violation);
  }

  #tell(violation: Violation): void {
    this.#violations++;
    this.#input.log.append({ type: 'violation', violation });
  }
}

function showUse(use: ProcessUse | undefined): Pick<Exit, 'cpuMs' | 'maxRssBytes'> {
  const { cpuMs, maxRssBytes } = use ?? {};
  return { ...(cpuMs === undefined ? {} : { cpuMs }), ...(maxRssBytes === undefined ? {} : { maxRssBytes }) };
}

/** Those that the daemon holds itself, and what the sandbox says of the others. */
function reportLimits(chosen: Limits, { limits: held, limitsAbsent }: LimitReport): LimitReport {
  const own = (Object.keys(reasonOfLimit) as WatchedLimit[]).flatMap((name) => {
    const value = chosen[name]?.value;
    return value === undefined ? [] : [{ name, value, per: 'run' as const }];
  });
  return { limits: [...own, ...held], limitsAbsent };
}
