/**
 * What a file held when the run began. A merge changes files itself, so what it once knew of them is written down beside
 * the staged folder: one that is tried again after a crash must know as much.
 */
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type FolderTree, readAll } from './folder-tree.ts';
import type { GitBase } from './git-base.ts';

export interface BaseContent {
  /** Undefined where there was no file. */
  readonly bytes: Buffer | undefined;
}

export class BaseContents {
  readonly #base: GitBase | undefined;
  readonly #target: FolderTree;
  readonly #startedAtNs: bigint;
  readonly #notes: string;

  /** @param notes a folder of the account's own, the same when the merge is tried again. */
  constructor(base: GitBase | undefined, target: FolderTree, startedAtNs: bigint, notes: string) {
    this.#base = base;
    this.#target = target;
    this.#startedAtNs = startedAtNs;
    this.#notes = notes;
  }

  /**
   * To be called before the merge changes the file.
   * @returns undefined when it cannot be known any more.
   */
  read(file: string, maxBytes: number): BaseContent | undefined {
    const note = noteOf(this.#notes, file);
    if (existsSync(note)) return { bytes: readNote(note, maxBytes) };
    if (existsSync(`${note}.absent`)) return { bytes: undefined };
    const found = this.#find(file, maxBytes);
    if (found === undefined) return undefined;
    writeNote(note, found);
    return found;
  }

  #find(file: string, maxBytes: number): BaseContent | undefined {
    const kept = this.#base?.files.get(file);
    if (kept === 'absent') return { bytes: undefined };
    if (kept !== undefined) return { bytes: readAll(kept, maxBytes, file).bytes };
    const current = this.#target.read(file, maxBytes);
    return current !== undefined && current.stat.ctimeNs < this.#startedAtNs ? { bytes: current.bytes } : undefined;
  }
}

const noteOf = (notes: string, file: string): string => path.join(notes, `base-${encodeURIComponent(file)}`);

function writeNote(note: string, { bytes }: BaseContent): void {
  writeFileSync(`${note}.draft`, bytes ?? '', { mode: 0o600 });
  renameSync(`${note}.draft`, bytes === undefined ? `${note}.absent` : note);
}

/**
 * Writes down at once what descriptors hold, so that a merge after a crash knows it. It may come any time after the run
 * began. What is very large is left to the descriptors.
 */
export function keepBase({ files }: GitBase, notes: string, maxBytes = 16 * 2 ** 20): void {
  for (const [file, kept] of files) {
    if (kept === 'absent') writeNote(noteOf(notes, file), { bytes: undefined });
    else if (fstatSync(kept).size <= maxBytes) writeNote(noteOf(notes, file), readAll(kept, maxBytes, file));
  }
}

function readNote(note: string, maxBytes: number): Buffer {
  const descriptor = openSync(note, 'r');
  try {
    return readAll(descriptor, maxBytes, note).bytes;
  } finally {
    closeSync(descriptor);
  }
}
