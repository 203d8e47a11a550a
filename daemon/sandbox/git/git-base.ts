/**
 * What a repository looked like when a run began, for the merge back: git replaces its files by renaming, so a descriptor
 * taken at the start keeps the old content whatever the host does meanwhile. It costs nothing that grows with the
 * repository. It is lost with the daemon, unless the run lasted long enough for it to be written down (base-contents.ts).
 */
import { closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';

export interface GitBase {
  /**
   * By name relative to the git folder: a read-only descriptor of the regular file, `absent` where there was none. A name
   * that is not here was not looked at. To be read by position, because the offset is shared.
   */
  readonly files: ReadonlyMap<string, number | 'absent'>;
  readonly close: () => void;
}

/** Linked worktrees whose own files are kept; with more than these the others are merged as after a crash. */
const maxWorktrees = 32;

/** @param gitFolder links resolved; of linked worktrees the common one. */
export function openGitBase(gitFolder: string): GitBase {
  const names = [
    ...['packed-refs', 'HEAD', 'index', 'config'],
    ...listWorktrees(gitFolder).flatMap((name) => [`worktrees/${name}/HEAD`, `worktrees/${name}/index`]),
  ];
  const files = new Map<string, number | 'absent'>();
  for (const name of names) {
    const found = openRegular(path.join(gitFolder, name));
    if (found !== undefined) files.set(name, found);
  }
  return {
    files,
    close: () => {
      for (const file of files.values()) if (file !== 'absent') closeSync(file);
      files.clear();
    },
  };
}

function listWorktrees(gitFolder: string): string[] {
  try {
    return readdirSync(path.join(gitFolder, 'worktrees')).slice(0, maxWorktrees);
  } catch {
    return [];
  }
}

/** Neither a link is followed nor a named pipe waited for. */
function openRegular(file: string): number | 'absent' | undefined {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'absent' : undefined;
  }
}
