/**
 * What a file held when the run began. A merge changes files itself, so what it once knew of them is written down beside
 * the staged folder: one that is tried again after a crash must know as much.
 */
import { closeSync, existsSync, openSync, renameSync, writeFileSync } from 'node:fs';
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
    const note = path.join(this.#notes, `base-${encodeURIComponent(file)}`);
    if (existsSync(note)) return { bytes: readNote(note, maxBytes) };
    if (existsSync(`${note}.absent`)) return { bytes: undefined };
    const found = this.#find(file, maxBytes);
    if (found === undefined) return undefined;
    writeFileSync(`${note}.draft`, found.bytes ?? '', { mode: 0o600 });
    renameSync(`${note}.draft`, found.bytes === undefined ? `${note}.absent` : note);
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

function readNote(note: string, maxBytes: number): Buffer {
  const descriptor = openSync(note, 'r');
  try {
    return readAll(descriptor, maxBytes, note).bytes;
  } finally {
    closeSync(descriptor);
  }
}
