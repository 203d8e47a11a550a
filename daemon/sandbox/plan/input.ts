/** What the owner of a session asks for. Paths are absolute and hold no `.`, `..` or link. */

import type { FilePolicy } from '../../decide/file-rules.ts';
import type { NoGroups } from '../groups/group-parent.ts';
import type { RunGroups } from '../groups/run-groups.ts';
import type { ProtectedName } from '../guard/protected-names.ts';
import type { NetworkWish } from '../network/listeners.ts';
import type { Account } from './account.ts';
import type { CacheWish } from './tool-caches.ts';

export interface WritableBind {
  /** Existing folder of the host. */
  readonly source: string;
  /** Where commands see it; need not exist on the host. */
  readonly target: string;
}

export interface SessionInput {
  /** The folder that commands may write; without one nothing but `/tmp` is writable. */
  readonly workspace: string | undefined;
  /** Default: the account that owns the workspace, or the daemon's own. */
  readonly account?: Account;
  /** Private folders. */
  readonly writable?: readonly WritableBind[];
  /** Caches of tools; without them tools have none. */
  readonly caches?: CacheWish;
  /** Names relative to the workspace that no command may write; those present are pinned. */
  readonly protectedPaths: readonly string[];
  /** What is put aside when a command makes it; without it nothing is. */
  readonly guard?: {
    readonly names: readonly ProtectedName[];
    /** Private folder of the account, outside the workspace; made when it is needed. */
    readonly quarantine: string;
    /** Private folder of the daemon; made when it is needed. */
    readonly records: string;
  };
  /** What is protected below the workspace's own folder, as far as it is known. */
  readonly nestedPins?: readonly string[];
  /** Absolute paths hidden in addition to the credential places. */
  readonly denyRead?: readonly string[];
  /** Further homes of the account, in which credentials are hidden as well. */
  readonly otherHomes?: readonly string[];
  /** Whether programs may make sandboxes of their own (browsers, rootless containers); closed by default. */
  readonly userNamespaces?: 'closed' | 'open';
  /** Absolute paths without protection, for one command that was approved to write them. */
  readonly unprotected?: readonly string[];
  /** Ways out of the session's network namespace, all of which end in the daemon; without it there are none. */
  readonly network?: NetworkWish;
  /** What the policy says about files. */
  readonly files?: FilePolicy;
  /**
   * Private folder of the account on the host, outside every writable place, for private copies of repositories. Without it
   * no command can change one.
   */
  readonly staged?: string;
  /** Size of `/tmp` and of `/var/tmp`. */
  readonly tmpBytes?: number;
  /** Of all commands together. */
  readonly processes?: number;
  /** Where control groups for runs can be made; default: where this daemon may. */
  readonly groups?: RunGroups | NoGroups;
}
