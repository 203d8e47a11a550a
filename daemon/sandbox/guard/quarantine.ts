/**
 * Moves what a command made at a protected name to a private folder outside the workspace. Everything is done below
 * verified folders; a name is never followed, and nothing that is moved is opened unless it is a regular file or a folder.
 * Between file systems it is copied within bounds; what is too large for that stays where it is under a harmless name.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { rawPath } from './raw-name.ts';
import { below, statBelow, withFolder } from './verified-folder.ts';

export interface Shelf {
  /** Open descriptor of the run's private folder. */
  readonly folder: number;
  /** Where that is, raw. */
  readonly path: string;
}

export interface Moved {
  /** Raw path of where it is now. */
  readonly to: string;
  /** `aside`: beside its old place, because it was too large to be copied. */
  readonly place: 'quarantine' | 'aside';
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

export interface CopyBounds {
  readonly bytes: number;
  readonly entries: number;
}

const defaultBounds: CopyBounds = { bytes: 64 * 1024 ** 2, entries: 5000 };
const maxDepth = 64;

/** Undefined when nothing is there any more. @throws when it cannot be moved at all. */
export function moveAway(
  start: string,
  segments: readonly string[],
  shelf: Shelf,
  bounds: CopyBounds = defaultBounds,
): Moved | undefined {
  const name = segments.at(-1) ?? '';
  return withFolder(start, segments.slice(0, -1), (parent) => {
    const stat = statBelow(parent, name);
    if (stat === undefined) return undefined;
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
    const own = `${randomBytes(4).toString('hex')}-${name}`.slice(0, 200);
    const to = `${shelf.path}/${own}`;
    // a second name of the same file would go on changing what is kept
    const isShared = kind === 'file' && stat.nlink > 1;
    if (!isShared && tryRename(parent, name, shelf.folder, own)) return { to, place: 'quarantine', kind };
    const budget = { ...bounds };
    try {
      copy(parent, name, shelf.folder, own, budget, 0);
    } catch {
      remove(shelf.folder, own, 0);
      const beside = `${name}.sbx-${randomBytes(4).toString('hex')}`;
      renameSync(below(parent, name), below(parent, beside));
      return { to: [start, ...segments.slice(0, -1), beside].join('/'), place: 'aside', kind };
    }
    remove(parent, name, 0);
    return { to, place: 'quarantine', kind };
  });
}

function tryRename(parent: number, name: string, shelf: number, own: string): boolean {
  try {
    renameSync(below(parent, name), below(shelf, own));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EXDEV') return false;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
  }
  // a folder that its owner may not write cannot get another parent
  openOwn(parent, name, (folder) => chmodSync(`/proc/self/fd/${folder}`, 0o700));
  renameSync(below(parent, name), below(shelf, own));
  return true;
}

/** Linux: names a file without opening it, so that no permission bits are in the way. Source: open(2) "O_PATH". */
const pathOnly = 0o10000000;

/** A folder that may have no permission bits at all gets those that are needed to look into it. */
function openOwn<T>(parent: number, name: string, use: (folder: number) => T): T {
  const flags = constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const handle = openSync(below(parent, name), flags | pathOnly);
  let folder: number;
  try {
    try {
      folder = openSync(rawPath(`/proc/self/fd/${handle}/.`), constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      // through the handle: it leads to this folder whatever its name leads to by now
      chmodSync(`/proc/self/fd/${handle}`, 0o700);
      folder = openSync(rawPath(`/proc/self/fd/${handle}/.`), constants.O_RDONLY | constants.O_DIRECTORY);
    }
  } finally {
    closeSync(handle);
  }
  try {
    return use(folder);
  } finally {
    closeSync(folder);
  }
}

function copy(
  from: number,
  name: string,
  to: number,
  newName: string,
  budget: { bytes: number; entries: number },
  depth: number,
): void {
  if (--budget.entries < 0 || depth > maxDepth) throw new Error('too much to copy');
  const stat = statBelow(from, name);
  if (stat === undefined) return;
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(below(from, name), 'buffer'), below(to, newName));
  else if (stat.isDirectory()) {
    mkdirSync(below(to, newName), 0o700);
    openOwn(from, name, (source) =>
      openOwn(to, newName, (target) => {
        for (const entry of listRaw(source)) copy(source, entry, target, entry, budget, depth + 1);
      }),
    );
  } else if (stat.isFile()) copyFile(from, name, to, newName, budget);
  // a pipe, socket or device holds nothing to keep
}

function copyFile(from: number, name: string, to: number, newName: string, budget: { bytes: number }): void {
  const source = openSync(below(from, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(source).isFile()) return;
    const target = openSync(below(to, newName), 'wx', 0o600);
    try {
      const chunk = Buffer.alloc(256 * 1024);
      for (;;) {
        const length = readSync(source, chunk, 0, chunk.length, null);
        if (length === 0) return;
        budget.bytes -= length;
        if (budget.bytes < 0) throw new Error('too much to copy');
        for (let offset = 0; offset < length; ) offset += writeSync(target, chunk, offset, length - offset);
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

/** Not `rm`: that goes by path, and a folder on the way may be swapped meanwhile. */
function remove(parent: number, name: string, depth: number): void {
  const stat = statBelow(parent, name);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    unlinkSync(below(parent, name));
    return;
  }
  if (depth > maxDepth) throw new Error('too deep to remove');
  openOwn(parent, name, (folder) => {
    if ((stat.mode & 0o300) !== 0o300) chmodSync(`/proc/self/fd/${folder}`, 0o700);
    for (const entry of listRaw(folder)) remove(folder, entry, depth + 1);
  });
  rmdirSync(below(parent, name));
}

function listRaw(folder: number): string[] {
  return readdirSync(`/proc/self/fd/${folder}/.`, 'latin1');
}
