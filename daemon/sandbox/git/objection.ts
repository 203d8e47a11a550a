/**
 * Why a repository cannot be staged here, found out when a session opens: then commands see it read-only, and the session's
 * report says why. A failure in the middle of a commit would be told by git as a damaged repository.
 */
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Account } from '../plan/account.ts';

export interface Objection {
  readonly why: string;
  readonly help: string;
}

/** Folders in which git makes and replaces files; their own entries are what an overlay has to copy first. */
const changedFolders = ['.', 'objects', 'refs', 'refs/heads', 'refs/remotes', 'refs/tags', 'logs', 'logs/refs'];

/** Of one folder: `objects` has up to 256 and a few more. */
const maxEntries = 300;

/**
 * An overlay made without rights over the machine can copy only what belongs to ids that its user namespace knows: the
 * account's own, with its primary group. Else the kernel says EOVERFLOW. Looks at no more than a few hundred names,
 * whatever the size of the repository; what it misses shows as an error of the command.
 */
export function findForeignOwner(gitFolder: string, account: Account): Objection | undefined {
  for (const name of changedFolders) {
    const folder = path.join(gitFolder, name);
    for (const place of [folder, ...listEntries(folder)]) {
      const stat = lstatSync(place, { throwIfNoEntry: false });
      if (stat === undefined || (stat.uid === account.uid && stat.gid === account.gid)) continue;
      const owner = `${account.uid}:${account.gid}`;
      return {
        why: `\`${place}\` belongs to ${stat.uid}:${stat.gid}, not to ${owner}`,
        help: `chown -R ${owner} '${gitFolder}'`,
      };
    }
  }
  return undefined;
}

function listEntries(folder: string): string[] {
  try {
    return readdirSync(folder)
      .slice(0, maxEntries)
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}
