/** What the host has at a path, for explanations: never opened, never followed past its folder, nothing of it is read. */
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import path from 'node:path';
import type { Account } from '../plan/account.ts';

export interface HostLook {
  readonly kindOf: (place: string) => 'file' | 'folder' | 'other' | 'absent';
  /** The path with links resolved as far as it exists. */
  readonly resolve: (place: string) => string;
  /** The account may write it outside the sandbox, as far as permission bits tell. */
  readonly mayWrite: (place: string) => boolean;
}

export function lookAtHost(account: Account): HostLook {
  return {
    kindOf: (place) => {
      const stat = tryStat(place);
      if (stat === undefined) return 'absent';
      return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other';
    },
    resolve: resolveExisting,
    mayWrite: (place) => {
      const stat = tryStat(place);
      if (stat === undefined) return false;
      if (account.uid === 0) return true;
      // of which further groups the account is a member is not known: a group's right counts
      return (stat.mode & (stat.uid === account.uid ? 0o200 : 0o022)) !== 0;
    },
  };
}

function tryStat(place: string): Stats | undefined {
  try {
    return lstatSync(place, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function resolveExisting(place: string): string {
  const missing: string[] = [];
  for (let folder = place; folder !== '/'; folder = path.dirname(folder)) {
    try {
      return path.join(realpathSync.native(folder), ...missing);
    } catch {
      missing.unshift(path.basename(folder));
    }
  }
  return place;
}
