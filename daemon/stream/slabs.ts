/**
 * Memory of a ring. Entries lie one after the other in slabs, so that many small ones are few allocations, and a slab
 * whose entries have all left is used again: output of gigabytes would otherwise leave garbage faster than it is
 * collected.
 *
 * A frame may still wait in a connection's socket when it leaves the ring, so only slabs are used again whose frames every
 * viewer acknowledged. A client that acknowledges what it has not read can spoil what it is sent itself, with bytes of
 * the same run; slabs never go from one run to another.
 */
export interface Slab {
  readonly buffer: Buffer;
  used: number;
  entries: number;
  /** Something of it may still wait in a socket. */
  isShared: boolean;
}

const firstSlabBytes = 4 * 1024;
const framesPerSlab = 4;

export class Slabs {
  readonly #largestBytes: number;
  #current: Slab | undefined;
  #free: Slab[] = [];
  #maxSpareBytes = 0;

  constructor(largestFrameBytes: number) {
    this.#largestBytes = framesPerSlab * largestFrameBytes;
  }

  /** Memory that waits to be used again. */
  get spareBytes(): number {
    return this.#free.length * this.#largestBytes;
  }

  set maxSpareBytes(bytes: number) {
    this.#maxSpareBytes = bytes;
    while (this.spareBytes > bytes) this.#free.pop();
  }

  get current(): Slab | undefined {
    return this.#current;
  }

  /** A slab with room for one entry of this size, and what was left in the one before. */
  enter(bytes: number): { slab: Slab; wasteBytes: number } {
    const before = this.#current;
    const left = before ? before.buffer.length - before.used : 0;
    const fits = before !== undefined && bytes <= left;
    const slab = fits ? before : this.#start(bytes, before?.buffer.length ?? 0);
    slab.entries++;
    this.#current = slab;
    return { slab, wasteBytes: fits ? 0 : left };
  }

  leave(slab: Slab, isUnsent: boolean): void {
    slab.entries--;
    if (!isUnsent) slab.isShared = true;
    if (slab.entries > 0 || slab.isShared) return;
    if (slab === this.#current) slab.used = 0;
    else if (slab.buffer.length === this.#largestBytes && this.spareBytes + this.#largestBytes <= this.#maxSpareBytes) {
      this.#free.push(slab);
    }
  }

  clear(): void {
    this.#current = undefined;
    this.#free = [];
  }

  #start(atLeast: number, lastBytes: number): Slab {
    // Doubling: a run that prints a line costs 4 KiB.
    const wanted = Math.min(this.#largestBytes, Math.max(firstSlabBytes, lastBytes * 2));
    const free = wanted === this.#largestBytes ? this.#free.pop() : undefined;
    if (free) {
      free.used = 0;
      return free;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.max(wanted, atLeast));
    return { buffer, used: 0, entries: 0, isShared: false };
  }
}
