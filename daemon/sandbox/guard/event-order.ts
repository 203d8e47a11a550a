/**
 * Tells when every change of the file system up to now has been heard of. All watches of a process share one queue of the
 * kernel, in order, so a change that is made on purpose arrives after all that came before it. It is made to a file without
 * a name: nothing is left anywhere.
 *
 * A full queue drops what comes then and libuv says nothing about it. But what is in a full queue is delivered: where fewer
 * changes than it holds were heard of since the last time, none was lost.
 *
 * Source: inotify(7); libuv's linux.c.
 */
import {
  closeSync,
  type FSWatcher,
  futimesSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  unlinkSync,
  watch,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const patienceMs = 2000;

interface Waiting {
  readonly file: number;
  readonly arrived: (heard: boolean) => void;
}

export class EventOrder {
  readonly #files: readonly { readonly descriptor: number; readonly watcher: FSWatcher }[];
  readonly #waiting: Waiting[] = [];
  readonly #queueSize = readQueueSize();
  #next = 0;
  #heard = 0;

  /** @throws when nothing can be watched. */
  constructor() {
    // two, because the kernel makes one of two equal changes in a row
    this.#files = [0, 1].map((index) => {
      const descriptor = openNameless();
      const watcher = watch(`/proc/self/fd/${descriptor}`, { persistent: false }, () => this.#arrive(index));
      watcher.on('error', () => {});
      return { descriptor, watcher };
    });
  }

  /** To be called for each change that is heard of. */
  count(): void {
    this.#heard++;
  }

  /** False when changes may have been lost. Never rejects. */
  async catchUp(): Promise<boolean> {
    const file = this.#next;
    this.#next = 1 - file;
    const arrived = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), patienceMs);
      this.#waiting.push({
        file,
        arrived: (heard) => {
          clearTimeout(timer);
          resolve(heard);
        },
      });
    });
    const now = new Date();
    const own = this.#files[file];
    if (own !== undefined) futimesSync(own.descriptor, now, now);
    return arrived;
  }

  close(): void {
    for (const { descriptor, watcher } of this.#files) {
      watcher.close();
      closeSync(descriptor);
    }
    for (const { arrived } of this.#waiting.splice(0)) arrived(false);
  }

  #arrive(file: number): void {
    const index = this.#waiting.findIndex((one) => one.file === file);
    if (index < 0) return;
    // those before it were dropped by the kernel
    const isWhole = index === 0 && this.#heard < this.#queueSize / 2;
    this.#heard = 0;
    for (const { arrived } of this.#waiting.splice(0, index + 1)) arrived(isWhole);
  }
}

function openNameless(): number {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-'));
  const name = path.join(folder, 'content');
  try {
    const descriptor = openSync(name, 'wx', 0o600);
    unlinkSync(name);
    return descriptor;
  } finally {
    rmdirSync(folder);
  }
}

function readQueueSize(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  } catch {
    return 0;
  }
}
