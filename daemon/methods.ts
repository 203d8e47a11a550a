/**
 * The protocol's methods, put together from the stages: which session a run joins, what is checked before it can be
 * decided, who may answer, and what ends with a client. `main.ts` hands them to the server.
 */
import { SbxError } from '../client/protocol/errors.ts';
import type { Frame } from '../client/protocol/frames.ts';
import { limits } from '../client/protocol/limits.ts';
import type { Approval, Params, Result } from '../client/protocol/messages.ts';
import { type Answer, Approvals } from './approve/approvals.ts';
import type { Config } from './config.ts';
import type { Engine } from './offline.ts';
import { Run } from './pipeline.ts';
import { saveRules } from './platform/policy-files.ts';
import { prepareCommand } from './prepare.ts';
import { commandText } from './request/command-text.ts';
import type { Connection, Handlers } from './request/connection.ts';
import { chooseWorkspace } from './request/workspace.ts';
import { type Session, Sessions, type TemplateSource } from './sandbox/sessions.ts';
import { RunLog } from './stream/run-log.ts';
import { StdinGate } from './stream/stdin-gate.ts';

export interface MethodsInput {
  readonly config: Config;
  readonly build: string;
  readonly socketPath: string;
  readonly engine: Engine;
  readonly openWorkspace: (workspace: string | undefined) => Promise<TemplateSource>;
  readonly probe: () => Promise<Result<'status'>['sandbox']>;
  readonly log: (message: string) => void;
  readonly stop: (when: 'drain' | 'now') => void;
}

/** Live runs of one daemon at once; each holds a few descriptors and a sandbox. */
const maxLiveRuns = 256;

interface ClientState {
  session: Session | undefined;
  cwd: string;
  /** A session of its own ends with its client. */
  readonly ownSessions: Session[];
  readonly runs: Map<number, Run>;
}

export class Methods {
  readonly #input: MethodsInput;
  readonly #sessions: Sessions;
  readonly #approvals = new Approvals();
  readonly #clients = new WeakMap<Connection, ClientState>();
  readonly #runs = new Map<string, { readonly run: Run; readonly client: Connection }>();
  readonly #started = performance.now();
  #refusing = false;
  #probe: Promise<Result<'status'>['sandbox']> | undefined;

  readonly handlers: Handlers = {
    'session.open': async (params, client) => this.#openSession(params, client),
    'run.start': async (params, client) => this.#startRun(params, client),
    'run.closeStdin': async ({ runId }, client) => this.#withRun(runId, client, (run) => run.closeStdin()),
    'run.resize': async ({ runId, size }, client) =>
      this.#withRun(runId, client, (run) => run.resize(size.columns, size.rows)),
    'run.signal': async ({ runId, signal }, client) => this.#withRun(runId, client, (run) => run.signal(signal)),
    'run.stop': async ({ runId, graceMs }, client) => this.#withRun(runId, client, (run) => run.stop(graceMs)),
    'approval.answer': async (params, client) => this.#answer(params, client),
    check: async (params) => this.#check(params),
    status: async () => this.#status(),
    'daemon.stop': async ({ when }) => {
      // The answer goes out before the connection is closed.
      setImmediate(() => this.#input.stop(when));
      return {};
    },
  };

  constructor(input: MethodsInput) {
    this.#input = input;
    this.#sessions = new Sessions(input.openWorkspace);
  }

  get liveRuns(): number {
    return this.#runs.size;
  }

  receiveStdin(frame: Frame, client: Connection): void {
    const run = this.#clients.get(client)?.runs.get(frame.run);
    // A frame for a run that has just ended is no fault: the client may not have seen the end yet.
    if (run === undefined ? frame.run === 0 : !run.receiveStdin(frame.offset, frame.payload)) {
      client.close(1008, 'bad-frame');
    }
  }

  /** A client that is gone takes its runs with it (`sbx run` asks for nothing else in this version). */
  forget(client: Connection): void {
    const state = this.#clients.get(client);
    if (!state) return;
    for (const run of state.runs.values()) run.stop();
    void Promise.all([...state.runs.values()].map((run) => run.ended)).then(() =>
      Promise.all(state.ownSessions.map((session) => this.#sessions.remove(session))),
    );
  }

  refuseNewRuns(): void {
    this.#refusing = true;
  }

  async runsEnded(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ run }) => run.ended));
  }

  async stopRuns(): Promise<void> {
    for (const { run } of this.#runs.values()) run.stop();
    await this.runsEnded();
  }

  async closeIdleSessions(idleMs: number): Promise<void> {
    await this.#sessions.closeIdle(idleMs);
  }

  async close(): Promise<void> {
    await this.#sessions.closeAll();
  }

  #state(client: Connection): ClientState {
    const known = this.#clients.get(client);
    if (known) return known;
    const state: ClientState = { session: undefined, cwd: '/', ownSessions: [], runs: new Map() };
    this.#clients.set(client, state);
    return state;
  }

  async #openSession(params: Params<'session.open'>, client: Connection): Promise<Result<'session.open'>> {
    if (this.#refusing) throw stopping();
    const state = this.#state(client);
    const chosen = chooseWorkspace({ cwd: params.cwd, workspace: params.workspace }, this.#input.config.home);
    const session = await (params.fresh
      ? this.#sessions.fresh(chosen.workspace)
      : this.#sessions.join(chosen.workspace));
    if (params.fresh) state.ownSessions.push(session);
    // Making the template takes longest, so it starts while the command is still on its way.
    session.prepare();
    state.session = session;
    state.cwd = chosen.cwd;
    return {
      sessionId: session.id,
      ...(chosen.workspace === undefined ? {} : { workspace: chosen.workspace }),
      notes: [...chosen.notes],
    };
  }

  #findSession(id: string | undefined, state: ClientState): Session {
    const session = id === undefined ? state.session : this.#sessions.find(id);
    if (!session) {
      throw new SbxError('unknown-session', id === undefined ? 'no session is open' : `there is no session \`${id}\``, {
        help: 'call session.open first',
      });
    }
    return session;
  }

  #startRun(params: Params<'run.start'>, client: Connection): Result<'run.start'> {
    if (this.#refusing) throw stopping();
    const state = this.#state(client);
    const session = this.#findSession(params.sessionId, state);
    if (this.#runs.has(params.runId)) {
      throw new SbxError('run-exists', `the run id \`${params.runId}\` is in use`, {
        help: 'choose a fresh id per run',
      });
    }
    if (this.#runs.size >= maxLiveRuns) {
      throw new SbxError('too-many-runs', `${maxLiveRuns} runs are live already`, { help: 'wait for one to end' });
    }
    const { engine, config } = this.#input;
    const plan = prepareCommand(params, {
      cwd: state.cwd,
      account: session.account,
      cacheFolder: session.cacheFolder,
      config,
    });
    const decided = engine.decide({
      command: plan.command,
      cwd: plan.cwd,
      workspace: session.workspace,
      home: session.account.home,
      mode: params.mode,
      autoAllow: params.autoAllow,
      flags: params.flags,
      sessionGrants: session.grants,
    });
    const number = client.takeRunNumber();
    const run = new Run({
      runId: params.runId,
      session,
      plan,
      decision: decided.decision,
      hosts: decided.hosts,
      timeoutMs: params.timeoutMs,
      approver: params.approver ? client : undefined,
      saveTo: config.userPolicyFile,
      log: new RunLog(params.runId, number, client),
      stdin: new StdinGate((bytes) => client.sendStdinAck(params.runId, bytes)),
      backpressure: client,
      grant: (approval, answer) => this.#grant(approval, answer, session),
      approvals: this.#approvals,
    });
    this.#runs.set(params.runId, { run, client });
    state.runs.set(number, run);
    void run.ended.then(() => {
      this.#runs.delete(params.runId);
      state.runs.delete(number);
    });
    return { run: number };
  }

  #withRun(runId: string, client: Connection, act: (run: Run) => void): Record<string, never> {
    const found = this.#runs.get(runId);
    if (found?.client !== client) throw new SbxError('unknown-run', `there is no live run \`${runId}\` of this client`);
    act(found.run);
    return {};
  }

  #answer(answer: Answer, client: Connection): Result<'approval.answer'> {
    const approval = this.#approvals.find(answer.approvalId, client);
    if (answer.byFlag === true && this.#input.engine.flagsAreLocked()) {
      throw new SbxError('locked-by-policy', 'the policy forbids answering with a flag (`lockFlags`)', {
        help: 'run it in a terminal and answer there',
      });
    }
    const wantsRules = answer.answer === 'session' || answer.answer === 'always';
    if (wantsRules && approval.suggestions[answer.suggestion ?? 0] === undefined) {
      throw new SbxError(
        'bad-request',
        `no rule can be saved for this command, so \`${answer.answer}\` is not an answer`,
        {
          help: 'answer `once` or `no`',
        },
      );
    }
    // Saved before the run starts, so that a policy file that cannot be written is an error of this answer.
    const savedTo = answer.answer === 'always' ? this.#input.config.userPolicyFile : undefined;
    if (savedTo !== undefined) saveRules(savedTo, approval.suggestions[answer.suggestion ?? 0]?.rules ?? []);
    this.#approvals.answer(answer, client);
    return savedTo === undefined ? {} : { savedTo };
  }

  #grant(approval: Approval, answer: Answer, session: Session): void {
    if (answer.answer === 'session')
      session.grants.push(...(approval.suggestions[answer.suggestion ?? 0]?.rules ?? []));
  }

  #check(params: Params<'check'>): Result<'check'> {
    const { engine, config } = this.#input;
    const chosen = chooseWorkspace({ cwd: params.cwd, workspace: params.workspace }, config.home);
    return engine.decide({
      command: commandText(params),
      cwd: chosen.cwd,
      workspace: chosen.workspace,
      home: config.home,
      mode: params.mode,
      autoAllow: params.autoAllow ?? false,
      flags: params.flags,
      sessionGrants: [],
    }).decision;
  }

  async #status(): Promise<Result<'status'>> {
    this.#probe ??= this.#input.probe();
    const { build, socketPath, engine } = this.#input;
    return {
      build,
      pid: process.pid,
      uptimeMs: performance.now() - this.#started,
      rssBytes: process.memoryUsage.rss(),
      socket: socketPath,
      idleMinutes: engine.idleMinutes() ?? limits.idleMinutes,
      sessions: this.#sessions.all.map((session) => ({
        sessionId: session.id,
        ...(session.workspace === undefined ? {} : { workspace: session.workspace }),
        liveRuns: session.liveRuns,
        idleMs: session.idleMs,
        ready: session.isReady,
      })),
      liveRuns: this.#runs.size,
      sandbox: await this.#probe,
    };
  }
}

function stopping(): SbxError {
  return new SbxError('stopping', 'the daemon is stopping and takes no new runs', { help: 'try again in a moment' });
}
