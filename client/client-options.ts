/** What a caller may say to a client: where its daemon is, how a session is opened, how a run is joined. */
import type { Params } from './protocol/messages.ts';
import type { OnApproval } from './questions.ts';
import type { FollowOptions } from './run-options.ts';
import type { SessionSettings } from './session.ts';

export interface ConnectOptions {
  /** Named in the daemon's log. */
  readonly clientName?: string | undefined;
  /** `ws://HOST:PORT` or `wss://HOST:PORT`. Default: this user's own daemon, which is started when none runs. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** Certificates in PEM form to trust instead of the system's. */
  readonly ca?: string | Buffer | undefined;
  /** Plain `ws://` may leave this machine. */
  readonly insecure?: boolean | undefined;
  /** Where to look for the daemon, and what commands get of it as far as the daemon lets it through; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The bundled daemon, `sbxd.js`; default: the one of this package. */
  readonly daemonScript?: string | undefined;
  /** How long to try to come back, and how long the daemon keeps runs and sessions for it; default 30 s. 0: never. */
  readonly reconnectMs?: number | undefined;
  /** Answers questions. Without one, here or on the run, a question is a refusal. */
  readonly onApproval?: OnApproval | undefined;
  /** `everyone`: `onApproval` also gets the questions of other clients' runs. Default `own`. */
  readonly approveFor?: 'own' | 'everyone' | undefined;
}

export interface OpenOptions extends SessionSettings {
  /** Comes back to a session that is still there. */
  readonly sessionId?: string | undefined;
  /** Default: the process's own folder. Only an absolute one for a daemon elsewhere. */
  readonly cwd?: string | undefined;
  /** Default: the git root of `cwd`. */
  readonly workspace?: string | undefined;
  /** Default true: a sandbox of its own. False joins the workspace's, as `sbx run` does. */
  readonly fresh?: boolean | undefined;
  /** How long a fresh session outlives its last connection and run. Named, it also outlives `client.close()`. */
  readonly keepMs?: number | undefined;
}

export interface AttachOptions extends FollowOptions {
  /** Number of the first event; default 0, the beginning. */
  readonly fromSeq?: number | undefined;
  /** Be the one who sends input. */
  readonly write?: boolean | undefined;
}

export interface CheckOptions {
  readonly cwd?: string | undefined;
  readonly workspace?: string | undefined;
  readonly mode?: Params<'check'>['mode'] | undefined;
  readonly autoAllow?: boolean | undefined;
  readonly flags?: Params<'check'>['flags'] | undefined;
}
