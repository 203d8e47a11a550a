/** A disk in memory that is as slow as the test says and fails when told. */
import type { SpillDisk, SpillFile } from '../../../daemon/stream/spill-disk.ts';

export class FakeDisk implements SpillDisk {
  failsWrites = false;
  failsReads = false;
  /** Calls wait for `step` instead of being done at once. */
  isSlow = false;
  openFiles = 0;
  writes = 0;
  /** Calls for a file that is closed: on a real disk its number may be another file's by then. */
  misuses = 0;
  #pending: (() => void)[] = [];

  get pendingCalls(): number {
    return this.#pending.length;
  }

  step(count: number = this.#pending.length): void {
    for (const call of this.#pending.splice(0, count)) call();
  }

  async create(): Promise<SpillFile> {
    await this.#turn();
    if (this.failsWrites) throw new Error('ENOSPC: no space left');
    this.openFiles++;
    let content = Buffer.alloc(0);
    let isOpen = true;
    return {
      write: async (bytes, position) => {
        await this.#turn();
        if (!isOpen) this.misuses++;
        if (this.failsWrites) throw new Error('ENOSPC: no space left');
        this.writes++;
        const size = Math.max(content.length, position + bytes.length);
        content = Buffer.concat([content, Buffer.alloc(size - content.length)]);
        bytes.copy(content, position);
      },
      read: async (into, position) => {
        await this.#turn();
        if (!isOpen) this.misuses++;
        if (this.failsReads) throw new Error('EIO: i/o error');
        if (position + into.length > content.length) throw new Error('EIO: short file');
        content.copy(into, 0, position);
      },
      close: () => {
        if (!isOpen) this.misuses++;
        isOpen = false;
        this.openFiles--;
      },
    };
  }

  async #turn(): Promise<void> {
    if (this.isSlow) await new Promise<void>((resolve) => this.#pending.push(resolve));
    else await Promise.resolve();
  }
}
