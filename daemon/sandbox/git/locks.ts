/**
 * git's lock protocol: whoever makes `NAME.lock` alone may change NAME. A lock that a killed merge left behind would stop
 * every later git, and must not be mistaken for another's. So a lock is a second name of a draft that carries this merge's
 * mark; what it locks is written down beside the staged folder first. As long as the draft exists its inode cannot be
 * given to another file, and the next merge knows the lock for its own.
 * Source: gitrepository-layout(5); lockfile.h of git
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { TargetFolder } from './target-folder.ts';

const slots = 4;
/** git itself waits 100 ms for a ref and 1 s for packed-refs. */
const attempts = 20;
const pauseMs = 50;

export interface HeldLock {
  /** The lock's content becomes the file. */
  readonly commit: () => void;
  /** The file stays as it was. Without effect after `commit`. */
  readonly release: () => void;
}

export class Locks {
  readonly #target: TargetFolder;
  readonly #notes: string;
  readonly #held = new Set<number>();

  /** @param notes a folder of the account's own, the same when the merge is tried again. */
  constructor(target: TargetFolder, notes: string) {
    this.#target = target;
    this.#notes = notes;
  }

  /** Removes what a killed merge of the same staged folder left. */
  recover(): void {
    for (let slot = 0; slot < slots; slot++) {
      const draft = this.#target.stat(this.#target.draftName(slot));
      if (draft === undefined) continue;
      const lock = this.#readNote(slot);
      const found = lock === undefined ? undefined : this.#target.stat(lock);
      if (lock !== undefined && found?.ino === draft.ino && found.dev === draft.dev) this.#target.remove(lock);
      this.#target.remove(this.#target.draftName(slot));
    }
  }

  /** @returns undefined when somebody else holds it for longer than is waited. */
  async acquire(file: string, content: Uint8Array, mode = this.#target.fileMode): Promise<HeldLock | undefined> {
    const slot = [1, 2, 3].find((candidate) => !this.#held.has(candidate));
    if (slot === undefined) throw new Error('too many locks at once');
    const lock = `${file}.lock`;
    this.#target.makeParents(file);
    const existing = this.#target.stat(file);
    const draft = this.#target.writeDraft(slot, existing?.isFile() ? Number(existing.mode) & 0o666 : mode, content);
    writeFileSync(this.#note(slot), lock);
    let isHeld = false;
    try {
      for (let attempt = 0; attempt <= attempts && !isHeld; attempt++) {
        if (attempt > 0) await setTimeout(pauseMs);
        isHeld = this.#target.link(draft, lock);
      }
    } finally {
      if (!isHeld) this.#target.remove(draft);
    }
    if (!isHeld) return undefined;
    this.#held.add(slot);
    const finish = (end: () => void): void => {
      if (!this.#held.has(slot)) return;
      end();
      this.#target.remove(draft);
      this.#held.delete(slot);
    };
    return {
      commit: () => finish(() => this.#target.rename(lock, file)),
      release: () => finish(() => this.#target.remove(lock)),
    };
  }

  #note(slot: number): string {
    return path.join(this.#notes, `merge-lock-${slot}`);
  }

  #readNote(slot: number): string | undefined {
    try {
      return readFileSync(this.#note(slot), 'utf8');
    } catch {
      return undefined;
    }
  }
}
