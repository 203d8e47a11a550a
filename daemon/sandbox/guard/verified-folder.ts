/**
 * Opens folders of a workspace in which a hostile command may still be at work: every step is checked not to be a link, and
 * what is done then is done below the open folder, so that a folder swapped for a link leads nowhere.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { rawPath } from './raw-name.ts';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Below an open folder. A last component that is a link is up to the function it is given to. */
export function below(folder: number, name: string): Buffer {
  return rawPath(`/proc/self/fd/${folder}/${name}`);
}

/** @throws when a component is missing, a link, or no folder. The caller closes the descriptor. */
export function openFolder(start: string, segments: readonly string[]): number {
  let folder = openSync(rawPath(start), folderFlags);
  for (const segment of segments) {
    const above = folder;
    try {
      folder = openSync(below(above, segment), folderFlags);
    } finally {
      closeSync(above);
    }
  }
  return folder;
}

export function withFolder<T>(start: string, segments: readonly string[], use: (folder: number) => T): T {
  const folder = openFolder(start, segments);
  try {
    return use(folder);
  } finally {
    closeSync(folder);
  }
}

export function statBelow(folder: number, name: string): Stats | undefined {
  return lstatSync(below(folder, name), { throwIfNoEntry: false });
}

/** Undefined when there is no regular file of at most this size. Neither waits for a named pipe nor follows a link. */
export function readSmallFile(folder: number, name: string, maxBytes: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(below(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    // one byte more: it may grow while it is read
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      const taken = readSync(file, bytes, length, bytes.length - length, null);
      if (taken === 0) break;
      length += taken;
    }
    return length > maxBytes ? undefined : bytes.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
