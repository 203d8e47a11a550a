/** `session.*` and `grant.*`: which session a connection's requests mean, its switches and its grants. */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Params, Result, SessionInfo } from '../../client/protocol/messages.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../offline.ts';
import { loadSessionData } from '../platform/session-data.ts';
import type { Connection, Handlers } from '../request/connection.ts';
import { selectEnvironment } from '../request/environment.ts';
import { chooseWorkspace, resolveDirectory } from '../request/workspace.ts';
import { type SandboxSources, type Session, Sessions } from './sessions.ts';
import { findUnheld } from './unheld-limits.ts';

export interface SessionMethodsInput {
  readonly config: Config;
  readonly engine: Engine;
  readonly findSandboxes: (workspace: string | undefined) => Promise<SandboxSources>;
}

type SessionHandlers = Pick<
  Handlers,
  'session.open' | 'session.close' | 'session.list' | 'session.update' | 'grant.add' | 'grant.list' | 'grant.revoke'
>;

export class SessionMethods {
  readonly #input: SessionMethodsInput;
  readonly #endRuns: (session: Session) => Promise<void>;
  readonly #sessions: Sessions;
  readonly #current = new WeakMap<Connection, Session>();
  #refusing = false;

  readonly handlers: SessionHandlers = {
    'session.open': async (params, client) => this.#open(params, client),
    'session.close': async ({ sessionId }, client) => {
      const session = this.find(sessionId, client);
      await this.#sessions.remove(session, () => this.#endRuns(session));
      return {};
    },
    'session.list': async () => ({ sessions: this.describe() }),
    'session.update': async (params, client) => this.#update(params, client),
    'grant.add': async ({ sessionId, rule }, client) => this.#addGrant(this.find(sessionId, client), rule),
    'grant.list': async ({ sessionId }, client) => ({ grants: [...this.find(sessionId, client).grants] }),
    'grant.revoke': async ({ sessionId, grantId }, client) => {
      if (!this.find(sessionId, client).removeGrant(grantId)) {
        throw new SbxError('unknown-grant', `there is no grant \`${grantId}\` in this session`, { help: 'grant.list' });
      }
      return {};
    },
  };

  constructor(input: SessionMethodsInput, endRuns: (session: Session) => Promise<void>) {
    this.#input = input;
    this.#endRuns = endRuns;
    this.#sessions = new Sessions(input.findSandboxes);
  }

  /** The session that a request means: the one it names, else the one that its connection opened last. @throws {SbxError} `unknown-session` */
  find(id: string | undefined, client: Connection): Session {
    const current = id === undefined ? this.#current.get(client)?.id : id;
    const session = current === undefined ? undefined : this.#sessions.find(current);
    if (session) return session;
    throw new SbxError(
      'unknown-session',
      current === undefined ? 'no session is open' : `there is no session \`${current}\``,
      { help: 'call session.open first' },
    );
  }

  /** @throws {SbxError} `stopping` */
  refuseIfStopping(): void {
    if (!this.#refusing) return;
    throw new SbxError('stopping', 'the daemon is stopping and takes no new runs', { help: 'try again in a moment' });
  }

  refuse(): void {
    this.#refusing = true;
  }

  describe(): SessionInfo[] {
    return this.#sessions.all.map((session) => session.describe());
  }

  forget(client: Connection): void {
    for (const session of this.#sessions.all) {
      if (!session.clients.delete(client)) continue;
      session.touch();
      // Its own session ends with it; one with runs still ends with the last of them, at the next look.
      if (session.fresh && session.keepMs === 0 && session.clients.size === 0 && session.liveRuns === 0) {
        void this.#sessions.remove(session);
      }
    }
  }

  closeIdle(idleMs: number): Promise<void> {
    return this.#sessions.closeIdle(idleMs);
  }

  closeAll(): Promise<void> {
    return this.#sessions.closeAll();
  }

  async #open(params: Params<'session.open'>, client: Connection): Promise<Result<'session.open'>> {
    // A draining daemon makes no sessions, but those whose runs still go on can be come back to.
    if (params.sessionId === undefined) this.refuseIfStopping();
    const { session, notes } = params.sessionId === undefined ? await this.#make(params) : this.#rejoin(params, client);
    session.prepare();
    session.clients.add(client);
    this.#current.set(client, session);
    const { engine } = this.#input;
    const unheld = findUnheld(engine.limitsOf(session.workspace), session);
    return { ...session.describe(), notes: [...notes, ...unheld, ...engine.notices(session.workspace)] };
  }

  #rejoin(params: Params<'session.open'>, client: Connection): { session: Session; notes: readonly string[] } {
    const { sessionId, keepMs, ...others } = params;
    if (Object.keys(others).length > 0) {
      throw new SbxError('bad-request', 'with `sessionId` a session is come back to, not made: no other field fits');
    }
    const session = this.find(sessionId, client);
    if (keepMs !== undefined) session.keepMs = keepMs;
    return { session, notes: [] };
  }

  async #make(params: Params<'session.open'>): Promise<{ session: Session; notes: readonly string[] }> {
    const { cwd, workspace, fresh = false, keepMs = 0 } = params;
    if (cwd === undefined) {
      throw new SbxError('bad-request', 'a session needs `cwd`, or the `sessionId` of one that exists');
    }
    const chosen = chooseWorkspace({ cwd, workspace }, this.#input.config.home);
    if (!fresh) return { session: await this.#sessions.join(chosen), notes: chosen.notes };
    const session = await this.#sessions.fresh(chosen);
    session.keepMs = keepMs;
    return { session, notes: chosen.notes };
  }

  /** Everything is checked before anything is changed. */
  #update(params: Params<'session.update'>, client: Connection): Result<'session.update'> {
    const session = this.find(params.sessionId, client);
    const { engine, config } = this.#input;
    const { autoAllow, env, flags, limits, mode, sandbox } = params;
    if (sandbox === false && !engine.allowsUnsandboxed(session.workspace)) {
      throw new SbxError('locked-by-policy', 'no policy allows this session to leave the sandbox', {
        help: `set "sandbox": {"allowUnsandboxed": true} in ${config.userPolicyFile}`,
      });
    }
    const cwd = params.cwd === undefined ? undefined : this.#resolveFolder(params.cwd, session);
    if (flags) engine.checkFlags(flags, cwd ?? session.cwd, session.account.home, session.workspace);
    if (mode) engine.checkMode(mode, session.workspace, sandbox ?? session.sandboxed);
    const set = env?.set ?? {};
    selectEnvironment({ env: set, grants: Object.keys(set) }, loadSessionData().environment);
    if (cwd !== undefined) session.cwd = cwd;
    if (sandbox !== undefined) session.sandboxed = sandbox;
    if (autoAllow !== undefined) session.autoAllow = autoAllow ?? undefined;
    if (mode !== undefined) session.mode = mode ?? undefined;
    if (flags !== undefined) session.flags = flags ?? undefined;
    if (limits !== undefined) session.limits = limits ?? undefined;
    for (const name of env?.unset ?? []) session.env.delete(name);
    for (const [name, value] of Object.entries(set)) session.env.set(name, value);
    session.prepare();
    return session.describe();
  }

  #resolveFolder(folder: string, session: Session): string {
    const resolved = resolveDirectory(folder, 'bad-cwd');
    const { workspace } = session;
    if (workspace === undefined || resolved === workspace || resolved.startsWith(`${workspace}/`)) return resolved;
    throw new SbxError('bad-cwd', `\`${resolved}\` is outside the workspace \`${workspace}\``, {
      help: 'name a folder inside it, or give the one run a `cwd` of its own',
    });
  }

  #addGrant(session: Session, rule: string): Result<'grant.add'> {
    const { engine } = this.#input;
    engine.checkFlags({ allow: [rule] }, session.cwd, session.account.home, session.workspace);
    const [grant] = session.addGrants([rule], 'client');
    return { grantId: grant?.grantId ?? '' };
  }
}
