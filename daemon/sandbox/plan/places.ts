/**
 * What lies at a path of the host, and where it leads. A place that the daemon cannot look at counts as a file that is
 * there, so that it is hidden or pinned all the same.
 */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';

export type PlaceKind = 'folder' | 'file' | 'absent';

export function kindOf(place: string): PlaceKind | 'link' {
  try {
    const stat = lstatSync(place);
    if (stat.isSymbolicLink()) return 'link';
    return stat.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
    return 'file'; // present but out of reach for the daemon: hide it all the same
  }
}

export function tryRealpath(place: string): string | undefined {
  try {
    return realpathSync.native(place);
  } catch {
    return undefined;
  }
}

export function findFile(place: string): string | undefined {
  const real = tryRealpath(place);
  return real !== undefined && kindOf(real) === 'file' ? real : undefined;
}

/** The nearest existing folder above, links resolved, and the first name below it that is missing (or the last name). */
export function resolveParent(place: string): string {
  const names: string[] = [path.basename(place)];
  let folder = path.dirname(place);
  for (;;) {
    const real = tryRealpath(folder);
    if (real !== undefined) return path.join(real, names[0] ?? '');
    names.unshift(path.basename(folder));
    folder = path.dirname(folder);
  }
}

/** Existing folders on the way to each path, the path included. */
export function collectFolders(paths: readonly string[]): Map<string, number> {
  const folders = new Map<string, number>();
  const absent = new Set<string>();
  for (const start of paths) {
    for (
      let folder = start;
      folder !== '/' && !folders.has(folder) && !absent.has(folder);
      folder = path.dirname(folder)
    ) {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat?.isDirectory()) folders.set(folder, stat.mode & 0o777);
      else absent.add(folder);
    }
  }
  return folders;
}
