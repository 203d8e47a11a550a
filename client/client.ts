/**
 * A client of one daemon, for programs: sessions, runs, decisions and questions over one connection that comes back by
 * itself. Nothing is lost silently: what a cut has left uncertain ends in an error that says so.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { build } from './build-id.ts';
import type { AttachOptions, CheckOptions, ConnectOptions, OpenOptions } from './client-options.ts';
import { isElsewhere } from './connect.ts';
import { readDestination } from './connect-elsewhere.ts';
import type { Connection } from './connection.ts';
import type { TcpDestination } from './dial-tcp.ts';
import { localDoors, remoteDoors } from './doors.ts';
import type { FollowedRun } from './followed-run.ts';
import { Link } from './link.ts';
import { LiveRuns } from './live-runs.ts';
import { SbxError } from './protocol/errors.ts';
import type { PendingApproval, RunEvent } from './protocol/events.ts';
import { limits, protocolVersion } from './protocol/limits.ts';
import type { Result, RunInfo, SessionInfo } from './protocol/messages.ts';
import { type AnswerWord, Questions } from './questions.ts';
import type { Run } from './run.ts';
import { type Command, hasInput, makeStart, type RunOptions, withoutUndefined } from './run-options.ts';
import { Session } from './session.ts';

/** What close waits for at most, from a daemon that does not answer. */
const closeTimeoutMs = 5_000;

export class SandboxClient {
  readonly #options: ConnectOptions;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #isLocal: boolean;
  readonly #reconnectMs: number;
  readonly #link: Link;
  readonly #questions: Questions;
  readonly #runs: LiveRuns;
  /** With whether it is to outlive this client. */
  readonly #sessions = new Map<Session, boolean>();
  #closed = false;

  private constructor(options: ConnectOptions) {
    this.#options = options;
    this.#env = options.env ?? process.env;
    this.#reconnectMs = options.reconnectMs ?? limits.reconnectMs;
    this.#isLocal = options.url === undefined && !isElsewhere(this.#env);
    this.#runs = new LiveRuns({
      connection: () => this.#link.connection,
      connected: () => this.#link.connected(),
      onEvent: (run, event) => this.#notice(run, event),
      onOver: (run) => this.#questions.withdraw(run.runId),
    });
    this.#link = new Link({
      doors: this.#isLocal ? localDoors(this.#env, options.daemonScript) : remoteDoors(this.#destination),
      hello: {
        protocol: protocolVersion,
        build,
        client: (options.clientName ?? 'sdk').slice(0, 128),
        ...(this.#isApprover ? { capabilities: ['approver' as const] } : {}),
      },
      reconnectMs: this.#reconnectMs,
      listener: {
        ...this.#runs.listener,
        onApprovalPending: (pending) => this.#put(pending),
        onApprovalSettled: ({ approvalId }) => this.#questions.settled(approvalId),
      },
      onUp: (connection, daemon) => this.#resume(connection, daemon),
      onCut: () => this.#runs.unbind(),
      onDown: (error) => this.#lose(error),
    });
    this.#questions = new Questions((params) => this.#link.request('approval.answer', params));
  }

  /** @throws {SbxError} `daemon-unreachable`, `unauthorized`, `protocol-mismatch` … */
  static async connect(options: ConnectOptions = {}): Promise<SandboxClient> {
    const client = new SandboxClient(options);
    try {
      await client.#link.connected();
      return client;
    } catch (error) {
      client.#link.close();
      throw error;
    }
  }

  /** What the daemon said of itself; undefined while there is no connection. */
  get daemon(): Result<'hello'> | undefined {
    return this.#link.hello;
  }

  /** @throws {SbxError} `bad-cwd`, `bad-workspace`, `locked-by-policy` … */
  async openSession(options: OpenOptions = {}): Promise<Session> {
    const { sessionId, workspace, fresh = true, keepMs, cwd, ...switches } = options;
    const opened = await this.#link.request(
      'session.open',
      sessionId === undefined
        ? {
            cwd: this.#folder(cwd),
            fresh,
            ...(workspace === undefined ? {} : { workspace: this.#folder(workspace) }),
            ...(fresh ? { keepMs: keepMs ?? this.#reconnectMs } : {}),
          }
        : { sessionId },
    );
    const session = new Session(opened, {
      request: (method, params) => this.#link.request(method, params),
      start: (of, command, runOptions) => this.#start(of, command, runOptions),
      onClosed: (of) => this.#closeSession(of),
    });
    this.#sessions.set(session, sessionId !== undefined || keepMs !== undefined);
    const settings = sessionId === undefined ? switches : { ...switches, cwd };
    if (Object.values(settings).some((value) => value !== undefined)) {
      try {
        await session.update(settings);
      } catch (error) {
        await session.close();
        throw error;
      }
    }
    return session;
  }

  /** Follows a run that is there already, from its beginning or from `fromSeq` on. */
  attach(runId: string, options: AttachOptions & { readonly encoding: 'buffer' }): Run<Buffer>;
  attach(runId: string, options?: AttachOptions & { readonly encoding?: 'utf8' | undefined }): Run<string>;
  attach(runId: string, options: AttachOptions = {}): Run<string> | Run<Buffer> {
    const { fromSeq = 0, write = false } = options;
    return this.#runs.follow(
      {
        beginning: { attach: { runId, fromSeq, write } },
        options,
        input: undefined,
        isPty: false,
        canWrite: write,
        isBackground: true,
        sessionId: undefined,
      },
      this.#refusal,
    );
  }

  /** Live runs, with `ended` also those that are still remembered; the newest last. */
  async runs(options: { readonly sessionId?: string; readonly ended?: boolean } = {}): Promise<readonly RunInfo[]> {
    return (await this.#link.request('run.list', withoutUndefined(options))).runs;
  }

  /** @throws {SbxError} `unknown-run` */
  getRun(runId: string): Promise<RunInfo> {
    return this.#link.request('run.get', { runId });
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    return (await this.#link.request('session.list', {})).sessions;
  }

  /** The decision with its reasons; runs nothing. */
  check(command: Command, options: CheckOptions = {}): Promise<Result<'check'>> {
    const { cwd, workspace, ...others } = options;
    return this.#link.request('check', {
      ...(typeof command === 'string' ? { command } : { argv: [...command] }),
      cwd: this.#folder(cwd),
      ...(workspace === undefined ? {} : { workspace: this.#folder(workspace) }),
      ...withoutUndefined(others),
    });
  }

  status(): Promise<Result<'status'>> {
    return this.#link.request('status', {});
  }

  /** Questions that wait for an answer. */
  async approvals(): Promise<readonly PendingApproval[]> {
    return (await this.#link.request('approval.list', {})).approvals;
  }

  /** @throws {SbxError} `unknown-approval` when somebody else was faster, `locked-by-policy` */
  answer(
    approvalId: string,
    answer: AnswerWord,
    options: { readonly suggestion?: number; readonly comment?: string } = {},
  ): Promise<Result<'approval.answer'>> {
    return this.#link.request('approval.answer', { approvalId, answer, ...withoutUndefined(options) });
  }

  /**
   * Stops what this client has running in the foreground, and ends its fresh sessions; one in which a background run goes
   * on, or that was opened with `keepMs`, stays. Who still awaits a run gets `aborted`.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#link.connection) {
      const ending = Promise.allSettled([
        ...[...this.#sessions].map(([session, outlives]) =>
          outlives || this.#hasBackground(session) ? this.#stopRuns(session) : this.#endSession(session),
        ),
      ]);
      const overdue = new AbortController();
      await Promise.race([ending, wait(closeTimeoutMs, overdue.signal)]);
      overdue.abort();
    }
    this.#questions.close();
    this.#link.close();
    this.#lose(new SbxError('aborted', 'the client was closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #refusal(): SbxError | undefined {
    return this.#closed ? new SbxError('aborted', 'the client was closed') : undefined;
  }

  get #isApprover(): boolean {
    return this.#options.approveFor === 'everyone' && this.#options.onApproval !== undefined;
  }

  get #destination(): TcpDestination {
    const { url, token, ca, insecure } = this.#options;
    return url === undefined ? readDestination(this.#env) : { url, token, ca, insecure };
  }

  #folder(folder: string | undefined): string {
    if (this.#isLocal) return path.resolve(folder ?? '.');
    if (folder !== undefined && path.isAbsolute(folder)) return folder;
    throw new SbxError('bad-usage', 'a daemon elsewhere needs an absolute folder', { help: 'give `cwd`' });
  }

  #start(session: Session, command: Command | undefined, options: RunOptions): Run {
    const runId = options.runId ?? randomUUID();
    const start = makeStart(command, options, {
      runId,
      sessionId: session.id,
      base: session.cwd,
      // What is set on this machine means nothing on another.
      env: this.#isLocal ? this.#env : {},
      keepMs: this.#reconnectMs,
      canAnswer: (options.onApproval ?? this.#options.onApproval) !== undefined,
    });
    return this.#runs.follow(
      {
        beginning: { start },
        options,
        input: options.input,
        isPty: options.pty !== undefined,
        canWrite: hasInput(options) && options.input === undefined,
        isBackground: options.background === true,
        sessionId: session.id,
      },
      session.lost ?? this.#refusal,
    );
  }

  #notice(run: FollowedRun, event: RunEvent): void {
    if (event.type === 'approved') this.#questions.settled(event.approvalId);
    if (event.type !== 'approvalNeeded') return;
    const callback = run.options.onApproval ?? this.#options.onApproval;
    // Without one another approver may answer.
    if (callback) this.#questions.ask({ ...event.approval, runId: run.runId }, event.approval.timeoutMs, callback);
  }

  /** A question that the daemon lists, of a run of ours or of somebody else's. */
  #put({ approval, runId, remainingMs }: PendingApproval): void {
    const run = this.#runs.find(runId);
    const callback = run?.options.onApproval ?? (this.#isApprover ? this.#options.onApproval : undefined);
    if (callback) this.#questions.ask({ ...approval, runId }, remainingMs, callback);
  }

  #resume(connection: Connection, daemon: 'first' | 'same' | 'another'): void {
    if (daemon === 'another') {
      this.#lose(new SbxError('daemon-lost', 'another daemon answers than before: what ran there is gone'));
    }
    for (const session of this.#sessions.keys()) {
      connection.request('session.open', { sessionId: session.id }).catch((error: SbxError) => {
        // A lost answer is asked for again by the next connection.
        if (error.code !== 'daemon-lost') this.#loseSession(session, error);
      });
    }
    this.#runs.bind(connection);
    if (daemon !== 'same' && !this.#isApprover) return;
    connection.request('approval.list', {}).then(
      ({ approvals }) => {
        this.#questions.compare(approvals);
        for (const pending of approvals) this.#put(pending);
      },
      () => undefined,
    );
  }

  #lose(error: SbxError): void {
    this.#runs.fail(error);
    for (const session of [...this.#sessions.keys()]) this.#loseSession(session, error);
  }

  #loseSession(session: Session, error: SbxError): void {
    session.lose(error);
    this.#sessions.delete(session);
  }

  #hasBackground(session: Session): boolean {
    return this.#runs.of(session.id).some((run) => run.isBackground);
  }

  async #closeSession(session: Session): Promise<void> {
    if (session.lost || !this.#sessions.has(session)) return;
    await (session.isFresh ? this.#endSession(session) : this.#stopRuns(session));
    this.#loseSession(session, new SbxError('unknown-session', 'the session was closed', { help: 'open another one' }));
  }

  async #endSession(session: Session): Promise<void> {
    try {
      await this.#link.request('session.close', { sessionId: session.id });
    } catch (error) {
      // It is gone, which is what was asked for; or the daemon is, and ends it with its last connection.
      if (!(error instanceof SbxError && ['unknown-session', 'daemon-lost'].includes(error.code))) throw error;
    }
  }

  async #stopRuns(session: Session): Promise<void> {
    const runs = this.#runs.of(session.id).filter((run) => !run.isBackground);
    await Promise.allSettled(runs.map((run) => this.#link.request('run.stop', { runId: run.runId })));
  }
}

function wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
