/**
 * The real git folder, as the merge back changes it. Every file appears whole: it is written under one name that only this
 * merge uses, at the top of the folder, and then renamed. So a merge that is killed leaves at most that draft, which the
 * next one removes. No link in the folder is followed.
 */
import type { Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { FolderTree, readPart, splitPath, UnusableFile } from './folder-tree.ts';

const draftFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class TargetFolder extends FolderTree {
  /** Reading and writing for whom the repository's own files have it. */
  readonly fileMode: number;
  readonly #folderMode: number;
  readonly #draft: string;
  readonly #beforeStep: (step: string) => void;

  /**
   * @param mark makes the drafts' names unique to this merge, and the same when it is tried again.
   * @param beforeStep called before each change of the file system; what it throws ends the merge there.
   */
  constructor(folder: string, mark: string, beforeStep: (step: string) => void) {
    super(folder);
    this.#draft = `sbx-merge-${mark}`;
    this.#beforeStep = beforeStep;
    const own = lstatSync(`/proc/self/fd/${this.descriptor}/.`);
    this.#folderMode = own.mode & 0o777;
    this.fileMode = own.mode & 0o666;
  }

  draftName(slot: number): string {
    return `${this.#draft}-${slot}`;
  }

  isDraft(name: string): boolean {
    return name.startsWith('sbx-merge-');
  }

  /**
   * Writes a draft and gives its descriptor to `fill`.
   * @param isDurable false for what git does not wait for either (loose objects, `core.fsync`).
   * @returns the draft's path, relative to the folder.
   */
  writeDraft(slot: number, mode: number, fill: Uint8Array | ((descriptor: number) => void), isDurable = true): string {
    const name = this.draftName(slot);
    this.remove(name);
    const descriptor = this.#change('', `write ${name}`, (place) => openSync(`${place}/${name}`, draftFlags, 0o600));
    try {
      if (typeof fill === 'function') fill(descriptor);
      else writeAll(descriptor, fill);
      fchmodSync(descriptor, mode);
      if (isDurable) fdatasyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    return name;
  }

  /** Makes the file what the bytes are, in one step; an existing file keeps its mode. */
  replace(file: string, bytes: Uint8Array, mode = this.fileMode, isDurable = true): void {
    this.makeParents(file);
    const existing = this.stat(file);
    const draft = this.writeDraft(0, existing === undefined ? mode : Number(existing.mode) & 0o666, bytes, isDurable);
    this.rename(draft, file);
  }

  /** Appends in one write. A link, or a file with a second name, is not written to. */
  append(file: string, bytes: Uint8Array): void {
    const [folder, name] = splitPath(file);
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const stat = this.stat(file);
    if (stat?.isFile() !== true || stat.nlink !== 1n) throw new UnusableFile(`${file} is no file of its own`);
    this.#change(folder, `append to ${file}`, (place) => {
      const descriptor = openSync(`${place}/${name}`, flags);
      try {
        writeAll(descriptor, bytes);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  makeParents(file: string): void {
    const [folder] = splitPath(file);
    const parts = folder === '' ? [] : folder.split('/');
    for (const [depth, name] of parts.entries()) {
      const parent = parts.slice(0, depth).join('/');
      const own = parts.slice(0, depth + 1).join('/');
      if (this.kind(own) === 'folder') continue;
      this.#change(parent, `make ${own}`, (place) => mkdirSync(`${place}/${name}`, this.#folderMode));
    }
  }

  rename(from: string, to: string): void {
    this.#inBoth(from, to, (source, target) => {
      this.#beforeStep(`rename ${from} to ${to}`);
      renameSync(source, target);
    });
  }

  /** @returns false where the name is taken. */
  link(from: string, to: string): boolean {
    return this.#inBoth(from, to, (source, target) => {
      this.#beforeStep(`link ${from} to ${to}`);
      try {
        linkSync(source, target);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      }
    });
  }

  /** Also what is no regular file, but no folder. Nothing happens where there is nothing. */
  remove(file: string): void {
    const kind = this.kind(file);
    if (kind === undefined) return;
    if (kind === 'folder') throw new UnusableFile(`${file} is a folder`);
    const [folder, name] = splitPath(file);
    this.#change(folder, `remove ${file}`, (place) => unlinkSync(`${place}/${name}`));
  }

  /** Removes a folder with the empty folders in it; one that has anything else stays. @returns whether it is gone. */
  removeEmptyFolder(folder: string): boolean {
    const entries = this.list(folder);
    if (!entries.every(({ name, kind }) => kind === 'folder' && this.removeEmptyFolder(`${folder}/${name}`)))
      return false;
    const [parent, name] = splitPath(folder);
    try {
      this.#change(parent, `remove ${folder}`, (place) => rmdirSync(`${place}/${name}`));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTEMPTY') return false;
      throw error;
    }
  }

  #change<T>(folder: string, step: string, use: (place: string) => T): T {
    let done: { readonly value: T } | undefined;
    this.inFolder(folder, (place) => {
      this.#beforeStep(step);
      done = { value: use(place) };
    });
    if (done === undefined) throw new UnusableFile(`${folder} is no folder`);
    return done.value;
  }

  #inBoth<T>(from: string, to: string, use: (source: string, target: string) => T): T {
    const [fromFolder, fromName] = splitPath(from);
    const [toFolder, toName] = splitPath(to);
    let done: { readonly value: T } | undefined;
    this.inFolder(fromFolder, (source) =>
      this.inFolder(toFolder, (target) => {
        done = { value: use(`${source}/${fromName}`, `${target}/${toName}`) };
      }),
    );
    if (done === undefined) throw new UnusableFile(`${toFolder} is no folder`);
    return done.value;
  }
}

export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
}

const chunkBytes = 2 ** 20;

/** As far as the file goes now: whoever still writes to it is not waited for. */
export function copyBytes(source: number, target: number, hash: Hash): void {
  const { size } = fstatSync(source);
  for (let at = 0; at < size; at += chunkBytes) {
    const bytes = readPart(source, at, Math.min(chunkBytes, size - at));
    hash.update(bytes);
    writeAll(target, bytes);
  }
}
