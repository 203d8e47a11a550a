/**
 * The protocol's methods, put together: sessions, runs, approvals, and the daemon itself. `main.ts` hands them to the
 * server.
 */
import type { Frame } from '../../client/protocol/frames.ts';
import { limits } from '../../client/protocol/limits.ts';
import type { Params, Result } from '../../client/protocol/messages.ts';
import { Approvals } from '../approve/approvals.ts';
import type { Config } from '../config.ts';
import type { Dialler } from '../egress/targets.ts';
import type { Engine } from '../offline.ts';
import type { Connection, Handlers } from '../request/connection.ts';
import type { OutputStore } from '../stream/output-store.ts';
import { ApprovalMethods } from './approval-methods.ts';
import { askCheck } from './check-question.ts';
import { policyMethods } from './policy-methods.ts';
import { RunMethods } from './run-methods.ts';
import { SessionMethods } from './session-methods.ts';
import type { SandboxSources } from './sessions.ts';

export interface MethodsInput {
  readonly config: Config;
  readonly build: string;
  readonly daemonId: string;
  readonly socketPath: () => string;
  /** Address of the TCP listener, when there is one. */
  readonly listenAddress: () => string | undefined;
  readonly engine: Engine;
  readonly store: OutputStore;
  readonly findSandboxes: (workspace: string | undefined) => Promise<SandboxSources>;
  readonly dialler: Dialler;
  readonly probe: () => Promise<Result<'status'>['sandbox']>;
  readonly clientCount: () => number;
  readonly log: (message: string) => void;
  readonly stop: (when: 'drain' | 'now') => void;
}

export class Methods {
  readonly #input: MethodsInput;
  readonly #approvals = new Approvals();
  readonly #sessions: SessionMethods;
  readonly #runs: RunMethods;
  readonly #started = performance.now();
  readonly handlers: Handlers;
  #probe: Promise<Result<'status'>['sandbox']> | undefined;

  constructor(input: MethodsInput) {
    this.#input = input;
    this.#sessions = new SessionMethods(input, (session) => this.#runs.endOf(session));
    this.#runs = new RunMethods({ ...input, approvals: this.#approvals }, this.#sessions);
    const approvals = new ApprovalMethods(input, this.#approvals, this.#runs);
    this.handlers = {
      ...this.#sessions.handlers,
      ...this.#runs.handlers,
      ...approvals.handlers,
      ...policyMethods(input),
      check: async (params) => this.#check(params),
      status: async () => this.#status(),
      'daemon.stop': async ({ when }, client) => {
        client.afterAnswer(() => this.#input.stop(when));
        return {};
      },
    };
  }

  get liveRuns(): number {
    return this.#runs.liveCount;
  }

  greeted(client: Connection): void {
    if (!client.isApprover) return;
    this.#approvals.addApprover(client);
    for (const pending of this.#approvals.all) client.notify('approval.pending', pending);
  }

  receiveStdin(frame: Frame, client: Connection): void {
    this.#runs.receiveStdin(frame, client);
  }

  /** Its connection is lost. */
  forget(client: Connection): void {
    this.#approvals.removeApprover(client);
    this.#runs.forget(client);
    this.#sessions.forget(client);
  }

  refuseNewRuns(): void {
    this.#sessions.refuse();
  }

  runsEnded(): Promise<void> {
    return this.#runs.ended();
  }

  stopRuns(): Promise<void> {
    return this.#runs.stopAll();
  }

  /** What is due from time to time: idle sessions, and runs that ended long ago. */
  async tidy(idleMs: number): Promise<void> {
    this.#runs.prune();
    await this.#sessions.closeIdle(idleMs);
  }

  close(): Promise<void> {
    return this.#sessions.closeAll();
  }

  #check(params: Params<'check'>): Result<'check'> {
    const { engine, config } = this.#input;
    const request = askCheck(params, config.home);
    if (params.explain !== true) return engine.decide(request).decision;
    const { decision, explanation } = engine.explain(request);
    return { ...decision, explanation };
  }

  async #status(): Promise<Result<'status'>> {
    const { build, clientCount, daemonId, dialler, engine, listenAddress, probe, socketPath, store } = this.#input;
    this.#probe ??= probe();
    const listen = listenAddress();
    return {
      build,
      pid: process.pid,
      daemonId,
      uptimeMs: performance.now() - this.#started,
      rssBytes: process.memoryUsage.rss(),
      socket: socketPath(),
      ...(listen === undefined ? {} : { listen }),
      idleMinutes: engine.idleMinutes() ?? limits.idleMinutes,
      clients: clientCount(),
      sessions: this.#sessions.describe(),
      liveRuns: this.#runs.liveCount,
      endedRuns: this.#runs.endedCount,
      heldBytes: { ...store.held },
      upstream: [...(dialler.upstream?.describe() ?? [])],
      sandbox: await this.#probe,
    };
  }
}
