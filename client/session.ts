/**
 * A session in the hands of its caller: one sandbox with its folder, variables and grants, in which commands follow one
 * another and find what the ones before left.
 */
import type { SbxError } from './protocol/errors.ts';
import type { Flags, MethodName, Mode, Params, Result, RunInfo, SessionInfo } from './protocol/messages.ts';
import type { SessionLimits } from './protocol/run-limits.ts';
import type { Run } from './run.ts';
import { type Command, type PtyOption, type RunOptions, withoutUndefined } from './run-options.ts';

/** What is absent stays; `null` goes back to what the policy says. */
export interface SessionSettings {
  /** Folder in which the next command starts. */
  readonly cwd?: string | undefined;
  /** Off only where a policy of the user allows it; auto-allow has no effect meanwhile. */
  readonly sandbox?: boolean | undefined;
  /** Whether a sandboxed command that nothing restricts runs without a question. */
  readonly autoAllow?: boolean | null | undefined;
  readonly mode?: Mode | null | undefined;
  /** Rules for every run of the session; they replace those set before. */
  readonly flags?: Flags | null | undefined;
  /** For every run of the session, the strictest of these, the run's own and every policy's. */
  readonly limits?: SessionLimits | null | undefined;
  /** Variables for every run, each passed by its exact name; `null` takes one away. */
  readonly env?: Readonly<Record<string, string | null>> | undefined;
}

export type Grant = Result<'grant.list'>['grants'][number];

/** What a session needs of its client. */
export interface SessionOwner {
  readonly request: <M extends MethodName>(method: M, params: Params<M>) => Promise<Result<M>>;
  readonly start: (session: Session, command: Command | undefined, options: RunOptions) => Run;
  readonly onClosed: (session: Session) => Promise<void>;
}

export function makeUpdate(settings: SessionSettings): Omit<Params<'session.update'>, 'sessionId'> {
  const { env, ...others } = settings;
  const names = Object.entries(env ?? {});
  const set = Object.fromEntries(names.filter((entry): entry is [string, string] => entry[1] !== null));
  const unset = names.flatMap(([name, value]) => (value === null ? [name] : []));
  return { ...withoutUndefined(others), ...(env === undefined ? {} : { env: { set, unset } }) };
}

export class Session {
  readonly id: string;
  /** Absent where no folder may be written. */
  readonly workspace: string | undefined;
  /** Folder that it was opened with. */
  readonly cwd: string;
  /** A sandbox of its own; otherwise the workspace's, which others join as well. */
  readonly isFresh: boolean;
  /** What the daemon remarked when it was opened. */
  readonly notes: readonly string[];
  readonly #owner: SessionOwner;
  #lost: SbxError | undefined;

  /** @internal */
  constructor(opened: Result<'session.open'>, owner: SessionOwner) {
    this.id = opened.sessionId;
    this.workspace = opened.workspace;
    this.cwd = opened.cwd;
    this.isFresh = opened.fresh;
    this.notes = opened.notes;
    this.#owner = owner;
  }

  /** @internal Why it cannot be used any more. */
  get lost(): SbxError | undefined {
    return this.#lost;
  }

  /** @internal */
  lose(error: SbxError): void {
    this.#lost ??= error;
  }

  /** Starts at once. Await it for its result, iterate it for its events. */
  run(command: Command, options: RunOptions & { readonly encoding: 'buffer' }): Run<Buffer>;
  run(command: Command, options?: RunOptions & { readonly encoding?: 'utf8' | undefined }): Run<string>;
  run(command: Command, options: RunOptions = {}): Run<string> | Run<Buffer> {
    return this.#owner.start(this, command, options);
  }

  /** An interactive bash. Lines typed into it are not decided one by one; only the sandbox holds. */
  shell(options: Omit<RunOptions, 'input' | 'stdin' | 'pty' | 'background'> & { readonly pty?: PtyOption } = {}): Run {
    return this.#owner.start(this, undefined, { ...options, pty: options.pty ?? true });
  }

  /** The switches, for runs that start later. */
  update(settings: SessionSettings): Promise<SessionInfo> {
    return this.#request('session.update', { sessionId: this.id, ...makeUpdate(settings) });
  }

  /** As it is now. */
  async info(): Promise<SessionInfo | undefined> {
    const { sessions } = await this.#request('session.list', {});
    return sessions.find(({ sessionId }) => sessionId === this.id);
  }

  /** Allows by a rule, until the session ends. Resolves to the id with which it is taken back. */
  async grant(rule: string): Promise<string> {
    return (await this.#request('grant.add', { sessionId: this.id, rule })).grantId;
  }

  async grants(): Promise<readonly Grant[]> {
    return (await this.#request('grant.list', { sessionId: this.id })).grants;
  }

  async revoke(grantId: string): Promise<void> {
    await this.#request('grant.revoke', { sessionId: this.id, grantId });
  }

  /** Its live runs, of all clients; with `ended` also those that are still remembered. */
  async runs(options: { readonly ended?: boolean } = {}): Promise<readonly RunInfo[]> {
    return (await this.#request('run.list', { sessionId: this.id, ...withoutUndefined(options) })).runs;
  }

  /**
   * Ends a fresh session and everything that runs in it. Of a session that others join, only this client's runs are
   * stopped, background runs not.
   */
  close(): Promise<void> {
    return this.#owner.onClosed(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #request<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.#lost ? Promise.reject(this.#lost) : this.#owner.request(method, params);
  }
}
