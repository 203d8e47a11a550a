/**
 * Reads below one folder that a command may have filled, and may still hold a descriptor of: every component is opened
 * from the one before it and no link is followed, so a name that is swapped for a link meanwhile leads nowhere. Only
 * regular files are read, never more than a bound, and a named pipe is not waited for.
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const fileFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What is there cannot be taken as a file: its kind, its size, or no permission to read it. */
export class UnusableFile extends Error {}

export interface FileContent {
  readonly bytes: Buffer;
  readonly stat: BigIntStats;
}

export type EntryKind = 'file' | 'folder' | 'link' | 'whiteout' | 'other';

export interface Entry {
  readonly name: string;
  readonly kind: EntryKind;
}

export function kindOf(stat: BigIntStats): EntryKind {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'link';
  // Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
  return stat.isCharacterDevice() && stat.rdev === 0n ? 'whiteout' : 'other';
}

export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '');

export class FolderTree {
  readonly descriptor: number;

  /** @param folder its last component must be no link. */
  constructor(folder: string) {
    this.descriptor = openSync(folder, folderFlags);
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /**
   * Calls `use` with a path of the folder that stays right whatever is renamed meanwhile, valid during the call.
   * @returns undefined where there is no such folder, or a component is a link or no folder.
   */
  inFolder<T>(folder: string, use: (place: string) => T): T | undefined {
    let descriptor = this.descriptor;
    try {
      for (const name of folder === '' ? [] : folder.split('/')) {
        let next: number;
        try {
          next = openSync(`/proc/self/fd/${descriptor}/${checkName(name)}`, folderFlags);
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw new UnusableFile(`${folder}: ${(error as Error).message}`);
        }
        if (descriptor !== this.descriptor) closeSync(descriptor);
        descriptor = next;
      }
      return use(`/proc/self/fd/${descriptor}`);
    } finally {
      if (descriptor !== this.descriptor) closeSync(descriptor);
    }
  }

  /** Of the name itself, if it is a link. */
  stat(file: string): BigIntStats | undefined {
    const [folder, name] = splitPath(file);
    return this.inFolder(folder, (place) => {
      try {
        return lstatSync(`${place}/${name}`, { bigint: true, throwIfNoEntry: false });
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  kind(file: string): EntryKind | undefined {
    const stat = this.stat(file);
    return stat === undefined ? undefined : kindOf(stat);
  }

  /** Names that are no valid UTF-8 are left out: git's own files have none. Empty where there is no such folder. */
  list(folder: string): readonly Entry[] {
    return (
      this.inFolder(folder, (place) =>
        readdirSync(`${place}/.`, { encoding: 'buffer' })
          .filter((name) => Buffer.from(name.toString()).equals(name))
          .map((name) => name.toString())
          .sort()
          .flatMap((name) => {
            const stat = lstatSync(`${place}/${name}`, { bigint: true, throwIfNoEntry: false });
            return stat === undefined ? [] : [{ name, kind: kindOf(stat) }];
          }),
      ) ?? []
    );
  }

  /** @returns undefined where there is nothing. @throws {UnusableFile} */
  read(file: string, maxBytes: number): FileContent | undefined {
    return this.useFile(file, (descriptor) => readAll(descriptor, maxBytes, file));
  }

  /** Opens a regular file for the length of the call. @throws {UnusableFile} */
  useFile<T>(file: string, use: (descriptor: number) => T): T | undefined {
    const opened = this.openFile(file);
    if (opened === undefined) return undefined;
    try {
      return use(opened);
    } finally {
      closeSync(opened);
    }
  }

  /** As `useFile`, for what takes longer than a call. @throws {UnusableFile} */
  async useFileAsync<T>(file: string, use: (descriptor: number) => Promise<T>): Promise<T | undefined> {
    const opened = this.openFile(file);
    if (opened === undefined) return undefined;
    try {
      return await use(opened);
    } finally {
      closeSync(opened);
    }
  }

  /** The caller closes it. @throws {UnusableFile} */
  openFile(file: string): number | undefined {
    const [folder, name] = splitPath(file);
    return this.inFolder(folder, (place) => {
      const stat = lstatSync(`${place}/${name}`, { throwIfNoEntry: false });
      if (stat === undefined) return undefined;
      if (!stat.isFile()) throw new UnusableFile(`${file} is not a regular file`);
      let descriptor: number;
      try {
        descriptor = openSync(`${place}/${name}`, fileFlags);
      } catch (error) {
        throw new UnusableFile(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
      }
      if (fstatSync(descriptor).isFile()) return descriptor;
      closeSync(descriptor);
      throw new UnusableFile(`${file} is not a regular file`);
    });
  }
}

/** By position, because a descriptor that was handed on shares its offset. @throws {UnusableFile} */
export function readAll(descriptor: number, maxBytes: number, name: string): FileContent {
  const stat = fstatSync(descriptor, { bigint: true });
  if (stat.size > BigInt(maxBytes)) throw new UnusableFile(`${name} has ${stat.size} bytes, more than ${maxBytes}`);
  return { bytes: readPart(descriptor, 0, Number(stat.size)), stat };
}

/** Shorter than asked for where the file ends. */
export function readPart(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const taken = readSync(descriptor, bytes, filled, length - filled, position + filled);
    if (taken === 0) break;
    filled += taken;
  }
  return bytes.subarray(0, filled);
}

export function splitPath(file: string): [folder: string, name: string] {
  const slash = file.lastIndexOf('/');
  return [slash < 0 ? '' : file.slice(0, slash), checkName(file.slice(slash + 1))];
}

/** A name that is no single component would leave the folder it is looked up in. */
function checkName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new UnusableFile(`${JSON.stringify(name)} is no file name`);
  }
  return name;
}
