/**
 * The sessions of this daemon. `sbx run` joins the workspace's session; its template is made at first use, in the
 * background, and made anew when the host's mounts or what the plan masks have changed. A template that is still in use
 * ends with its last command.
 */
import { randomBytes } from 'node:crypto';
import type { SandboxReport } from '../../client/protocol/messages.ts';
import type { Account } from './account.ts';
import type { ApprovedPlan, SandboxProcess, SandboxSession } from './model.ts';

/** How the sandbox of one workspace is made. */
export interface TemplateSource {
  /** As whom its commands run. */
  readonly account: Account;
  /** Where tools keep their caches inside. */
  readonly cacheFolder: string;
  readonly open: () => Promise<SandboxSession>;
}

interface Template {
  readonly session: Promise<SandboxSession>;
  opened: SandboxSession | undefined;
  live: number;
  retired: boolean;
}

export class Session {
  readonly id = `s-${randomBytes(6).toString('hex')}`;
  readonly workspace: string | undefined;
  /** Allow rules that a person answered for this session. */
  readonly grants: string[] = [];
  readonly #source: TemplateSource;
  #template: Template | undefined;
  #live = 0;
  #lastUsed = Date.now();

  constructor(workspace: string | undefined, source: TemplateSource) {
    this.workspace = workspace;
    this.#source = source;
  }

  get account(): Account {
    return this.#source.account;
  }

  get cacheFolder(): string {
    return this.#source.cacheFolder;
  }

  get liveRuns(): number {
    return this.#live;
  }

  get idleMs(): number {
    return this.#live > 0 ? 0 : Date.now() - this.#lastUsed;
  }

  get isReady(): boolean {
    return this.#template?.opened !== undefined;
  }

  /** Makes the template if there is none that fits. Errors show at the next `launch`. */
  prepare(): void {
    this.#lastUsed = Date.now();
    const current = this.#template;
    if (current && (current.opened === undefined || current.opened.isCurrent())) return;
    if (current) this.#retire(current);
    const template: Template = { session: this.#source.open(), opened: undefined, live: 0, retired: false };
    this.#template = template;
    template.session.then(
      (session) => {
        template.opened = session;
        return session.closed.then(() => this.#forget(template));
      },
      () => this.#forget(template),
    );
  }

  /** @throws {SbxError} `sandbox-failed` */
  async launch(plan: ApprovedPlan): Promise<{ process: SandboxProcess; report: SandboxReport }> {
    this.prepare();
    const template = this.#template as Template;
    template.live++;
    this.#live++;
    const done = () => {
      template.live--;
      this.#live--;
      this.#lastUsed = Date.now();
      if (template.retired && template.live === 0) this.#close(template);
    };
    try {
      const session = await template.session;
      const process = await session.launch(plan);
      void process.exit.then(done);
      return { process, report: session.report };
    } catch (error) {
      done();
      throw error;
    }
  }

  async close(): Promise<void> {
    const template = this.#template;
    this.#template = undefined;
    if (template) await template.session.then((session) => session.close()).catch(() => undefined);
  }

  #forget(template: Template): void {
    if (this.#template === template) this.#template = undefined;
  }

  #retire(template: Template): void {
    template.retired = true;
    if (template.live === 0) this.#close(template);
  }

  #close(template: Template): void {
    void template.session.then((session) => session.close()).catch(() => undefined);
  }
}

export class Sessions {
  readonly #open: (workspace: string | undefined) => Promise<TemplateSource>;
  readonly #byId = new Map<string, Session>();
  readonly #joined = new Map<string, Promise<Session>>();

  constructor(open: (workspace: string | undefined) => Promise<TemplateSource>) {
    this.#open = open;
  }

  get all(): readonly Session[] {
    return [...this.#byId.values()];
  }

  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** The workspace's session, made at first use. */
  join(workspace: string | undefined): Promise<Session> {
    const key = workspace ?? '';
    const found = this.#joined.get(key);
    if (found) return found;
    const made = this.fresh(workspace);
    this.#joined.set(key, made);
    made.catch(() => this.#joined.delete(key));
    return made;
  }

  /** A session of its own, which shares nothing. */
  async fresh(workspace: string | undefined): Promise<Session> {
    const session = new Session(workspace, await this.#open(workspace));
    this.#byId.set(session.id, session);
    return session;
  }

  async remove(session: Session): Promise<void> {
    this.#byId.delete(session.id);
    const key = session.workspace ?? '';
    if ((await this.#joined.get(key)) === session) this.#joined.delete(key);
    await session.close();
  }

  async closeIdle(idleMs: number): Promise<void> {
    await Promise.all(this.all.filter((session) => session.idleMs >= idleMs).map((session) => this.remove(session)));
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.all.map((session) => this.remove(session)));
  }
}
