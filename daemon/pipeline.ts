/**
 * One run through the stages, in order: decide, approve, sandbox, stream. Whatever happens, the run ends with exactly one
 * `exited` event, and nothing it started outlives that event.
 */
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import type { Approval, Exit, SandboxReport, Violation } from '../client/protocol/events.ts';
import { limits } from '../client/protocol/limits.ts';
import type { RunSignal } from '../client/protocol/messages.ts';
import { showBlock } from '../client/protocol/visible.ts';
import type { Answer, Approvals } from './approve/approvals.ts';
import { approvePlan } from './approve/approve.ts';
import type { FilePolicy } from './decide/file-rules.ts';
import type { Limits } from './decide/limits.ts';
import { ErrorTail, explainFailedCommand } from './failed-command.ts';
import { LimitWatch, type WatchedLimit } from './limit-watch.ts';
import { type CarriedFolder, carryFolder } from './methods/carry-folder.ts';
import type { RunNetwork } from './methods/run-network.ts';
import type { Session } from './methods/sessions.ts';
import { describeReached, describeStop, type Ending, reportLimits, type StopReason, showUse } from './run-ending.ts';
import { collectAftermath } from './sandbox/aftermath.ts';
import type { CommandPlan, SandboxProcess, SandboxSession } from './sandbox/model.ts';
import { findInput, type RunOutput, readOutput } from './stream/read-output.ts';
import type { RunLog } from './stream/run-log.ts';
import type { StdinGate } from './stream/stdin-gate.ts';

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
  /** What the run may reach, and who is asked about the rest. */
  readonly network: RunNetwork;
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
  readonly #errorTail = new ErrorTail();
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
        violations: this.#violations + input.network.violations,
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
      if (this.#stopRequested) return describeStop(this.#stopRequested.reason, this.#input.limits);
      const approved = approvePlan(this.#withSize(plan), decision, answer);
      if (!approved) return { reason: 'denied', ...this.#unaskable };
      const { files, network, sandboxed, session } = this.#input;
      const launched = await session.launch(approved, sandboxed, files, network.openWayOut);
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
    const { limits: chosen, log, plan, session, stdin } = this.#input;
    const input = findInput(process);
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
    await this.#input.network.end();
    for (const violation of await collectAftermath(process.aftermath, plan.cwd)) this.#tell(violation);
    if (plan.reportCwd) this.#folder = carryFolder(session, plan.cwd, await process.cwd);
    if (exit.failure !== undefined) return { reason: 'sandbox-failed', message: exit.failure };
    if (exit.code !== 0 && !this.#stopRequested) {
      for (const violation of explainFailedCommand(exit.code, this.#errorTail, this.#input, explain))
        this.#tell(violation);
    }
    const signal = exit.signal === undefined ? {} : { signal: exit.signal };
    if (this.#stopRequested) return { ...describeStop(this.#stopRequested.reason, chosen), code: exit.code, ...signal };
    if (use?.outOfMemory === true)
      return { reason: 'memory', code: exit.code, ...describeReached('memoryBytes', chosen) };
    return { reason: exit.signal === undefined ? 'exited' : 'signalled', code: exit.code, ...signal };
  }

  #readOutput(process: SandboxProcess): RunOutput {
    const { pause, resume, ended } = readOutput(process, (stream, bytes) => {
      if (this.#abandoned) return;
      const taken = this.#watch.take(bytes.length);
      if (taken > 0) this.#input.log.appendOutput(stream, bytes.subarray(0, taken));
      if (stream !== 'stdout') this.#errorTail.keep(bytes);
    });
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

  #tell(violation: Violation): void {
    this.#violations++;
    this.#input.log.append({ type: 'violation', violation });
  }
}
