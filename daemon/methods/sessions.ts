/**
 * The sessions of this daemon: which sandbox a run joins, and the switches that hold for its runs. `sbx run` joins the
 * workspace's session; an agent makes a fresh one, which shares nothing and ends some time after its last client.
 */
import { randomBytes } from 'node:crypto';
import { SbxError } from '../../client/protocol/errors.ts';
import type { Flags, Mode, SessionInfo } from '../../client/protocol/messages.ts';
import type { SessionLimits } from '../../client/protocol/run-limits.ts';
import { type FilePolicy, noFilePolicy } from '../decide/file-rules.ts';
import { LiveSandbox, type OpenWayOut, type TemplateSource } from '../sandbox/live-sandbox.ts';
import type { ApprovedPlan } from '../sandbox/model.ts';
import type { Account } from '../sandbox/plan/account.ts';

/** Sessions of one daemon at once; each holds a few processes and mounts. */
const maxSessions = 64;

/** How the sandboxes of one workspace are made. */
export interface SandboxSources {
  readonly sandboxed: TemplateSource;
  /** For a session whose user switched the sandbox off. */
  readonly unsandboxed: TemplateSource;
}

export interface SessionGrant {
  readonly grantId: string;
  readonly rule: string;
  readonly from: 'client' | 'answer';
}

export class Session {
  readonly id = `s-${randomBytes(6).toString('hex')}`;
  readonly workspace: string | undefined;
  readonly fresh: boolean;
  /** Connections that opened it. */
  readonly clients = new Set<object>();
  readonly env = new Map<string, string>();
  /** Where the next command starts that names no folder. */
  cwd: string;
  sandboxed = true;
  autoAllow: boolean | undefined;
  mode: Mode | undefined;
  flags: Flags | undefined;
  limits: SessionLimits | undefined;
  /** How long it outlives its last client and its last run; only a fresh one does not wait for idleness. */
  keepMs = 0;
  readonly #startFolder: string;
  readonly #inside: LiveSandbox;
  readonly #outside: LiveSandbox;
  #grants: readonly SessionGrant[] = [];
  #live = 0;
  #lastUsed = Date.now();

  constructor(place: { workspace: string | undefined; cwd: string; fresh: boolean }, sources: SandboxSources) {
    this.workspace = place.workspace;
    this.fresh = place.fresh;
    this.cwd = place.cwd;
    this.#startFolder = place.cwd;
    this.#inside = new LiveSandbox(sources.sandboxed);
    this.#outside = new LiveSandbox(sources.unsandboxed);
  }

  /** As whom its commands run. */
  get account(): Account {
    return this.#inside.account;
  }

  /** Where tools keep their caches; undefined outside the sandbox, where they keep them as ever. */
  get cacheFolder(): string | undefined {
    return this.sandboxed ? this.#inside.cacheFolder : undefined;
  }

  get liveRuns(): number {
    return this.#live;
  }

  get idleMs(): number {
    return this.#live > 0 ? 0 : Date.now() - this.#lastUsed;
  }

  get grants(): readonly SessionGrant[] {
    return this.#grants;
  }

  addGrants(rules: readonly string[], from: SessionGrant['from']): readonly SessionGrant[] {
    const added = rules.map((rule) => ({ grantId: `g-${randomBytes(6).toString('hex')}`, rule, from }));
    this.#grants = [...this.#grants, ...added];
    return added;
  }

  /** False when there is none of this id. */
  removeGrant(grantId: string): boolean {
    const before = this.#grants.length;
    this.#grants = this.#grants.filter((grant) => grant.grantId !== grantId);
    return this.#grants.length < before;
  }

  /** Making the template takes longest, so it starts while the command is still on its way. */
  prepare(): void {
    this.#lastUsed = Date.now();
    (this.sandboxed ? this.#inside : this.#outside).prepare();
  }

  touch(): void {
    this.#lastUsed = Date.now();
  }

  /** A run of it, which it outlives, also while that waits for an answer. */
  carry(ended: Promise<void>): void {
    this.#live++;
    void ended.then(() => {
      this.#live--;
      this.touch();
    });
  }

  /** The folder is gone, or no longer one that commands may start in. */
  resetFolder(): void {
    this.cwd = this.#startFolder;
  }

  /** @param sandboxed as it was decided on, which the switch may have left behind since. @throws {SbxError} `sandbox-failed` */
  launch(
    plan: ApprovedPlan,
    sandboxed: boolean,
    files: FilePolicy,
    openWayOut: OpenWayOut,
  ): ReturnType<LiveSandbox['launch']> {
    return sandboxed
      ? this.#inside.launch(plan, files, openWayOut)
      : this.#outside.launch(plan, noFilePolicy, openWayOut);
  }

  async close(): Promise<void> {
    await Promise.all([this.#inside.close(), this.#outside.close()]);
  }

  describe(): SessionInfo {
    return {
      sessionId: this.id,
      ...(this.workspace === undefined ? {} : { workspace: this.workspace }),
      cwd: this.cwd,
      fresh: this.fresh,
      sandbox: this.sandboxed,
      ...(this.autoAllow === undefined ? {} : { autoAllow: this.autoAllow }),
      ...(this.mode === undefined ? {} : { mode: this.mode }),
      ...(this.flags === undefined ? {} : { flags: this.flags }),
      ...(this.limits === undefined ? {} : { limits: this.limits }),
      env: [...this.env.keys()],
      grants: this.#grants.length,
      clients: this.clients.size,
      liveRuns: this.#live,
      idleMs: this.idleMs,
      ready: (this.sandboxed ? this.#inside : this.#outside).isReady,
    };
  }
}

export class Sessions {
  readonly #findSources: (workspace: string | undefined) => Promise<SandboxSources>;
  readonly #byId = new Map<string, Session>();
  readonly #joined = new Map<string, Promise<Session>>();
  readonly #closing = new Set<Promise<void>>();
  #making = 0;

  constructor(findSources: (workspace: string | undefined) => Promise<SandboxSources>) {
    this.#findSources = findSources;
  }

  get all(): readonly Session[] {
    return [...this.#byId.values()];
  }

  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** The workspace's session, made at first use. @throws {SbxError} `too-many-sessions` */
  join(place: { workspace: string | undefined; cwd: string }): Promise<Session> {
    const key = place.workspace ?? '';
    const found = this.#joined.get(key);
    if (found) return found;
    const made = this.#make({ ...place, fresh: false });
    this.#joined.set(key, made);
    made.catch(() => this.#joined.delete(key));
    return made;
  }

  /** A session of its own, which shares nothing. @throws {SbxError} `too-many-sessions` */
  fresh(place: { workspace: string | undefined; cwd: string }): Promise<Session> {
    return this.#make({ ...place, fresh: true });
  }

  /** Nobody finds or joins it from now on, so nothing begins in it while what runs there is ended. */
  async remove(session: Session, endRuns: () => Promise<void> = async () => undefined): Promise<void> {
    if (this.#byId.delete(session.id) && !session.fresh) this.#joined.delete(session.workspace ?? '');
    const closing = endRuns().then(() => session.close());
    this.#closing.add(closing);
    await closing.finally(() => this.#closing.delete(closing));
  }

  /** Ends sessions that nobody used for so long, and fresh ones that their clients have left. */
  async closeIdle(idleMs: number): Promise<void> {
    const over = this.all.filter(
      (session) =>
        session.liveRuns === 0 &&
        (session.idleMs >= idleMs || (session.fresh && session.clients.size === 0 && session.idleMs >= session.keepMs)),
    );
    await Promise.all(over.map((session) => this.remove(session)));
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.all.map((session) => this.remove(session)), ...this.#closing]);
  }

  /** At the limit a workspace's session that nobody uses gives way; its next user gets a new one. */
  #makeRoom(): void {
    if (this.#byId.size + this.#making < maxSessions) return;
    const [unused] = this.all
      .filter(({ fresh, clients, liveRuns }) => !fresh && clients.size === 0 && liveRuns === 0)
      .sort((a, b) => b.idleMs - a.idleMs);
    if (!unused) {
      throw new SbxError('too-many-sessions', `${maxSessions} sessions are open already`, {
        help: 'close one with session.close, or join the workspace’s session',
      });
    }
    void this.remove(unused);
  }

  async #make(place: { workspace: string | undefined; cwd: string; fresh: boolean }): Promise<Session> {
    this.#makeRoom();
    this.#making++;
    try {
      const session = new Session(place, await this.#findSources(place.workspace));
      this.#byId.set(session.id, session);
      return session;
    } finally {
      this.#making--;
    }
  }
}
