/**
 * The part of a run's output that no longer fits into memory and that somebody still needs, in private files. Blocks lie
 * in order, the newest one at the end; the oldest leave first, and a file goes when its last block has left. A file that
 * is being read or written when it goes is closed as soon as that is done.
 */
import { BlockReader } from './block.ts';
import { Fifo } from './fifo.ts';
import type { Offsets } from './ring.ts';
import type { SpillDisk, SpillFile } from './spill-disk.ts';

/** Where a block lies in the sequence. */
export interface Place {
  readonly firstSeq: number;
  readonly endSeq: number;
  readonly startTotal: number;
  readonly startOffsets: Offsets;
}

interface Block extends Place {
  readonly position: number;
  readonly length: number;
  readonly segment: Segment;
}

interface Segment {
  file: SpillFile | undefined;
  size: number;
  blocks: number;
  endSeq: number;
  users: number;
  isGone: boolean;
}

/** What all runs of a daemon have on disk, and the bounds of it. */
export interface SpillAccount {
  readonly disk: SpillDisk;
  readonly segmentBytes: number;
  readonly maxRunBytes: number;
  /** After an error, time until the disk is tried again although nothing was freed. */
  readonly retryMs: number;
  readonly now: () => number;
  readonly hasRoom: (bytes: number, files: number) => boolean;
  readonly add: (bytes: number, files: number) => void;
  readonly report: (error: Error) => void;
}

export class Spill {
  readonly #account: SpillAccount;
  readonly #blocks = new Fifo<Block>();
  readonly #segments = new Fifo<Segment>();
  /** The one that takes the next block. */
  #current: Segment | undefined;
  #isWriting = false;
  #bytes = 0;
  #retryAt = 0;
  #isClosed = false;

  constructor(account: SpillAccount) {
    this.#account = account;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): Place | undefined {
    return this.#blocks.first;
  }

  hasRoom(length: number): boolean {
    if (this.#isClosed || this.#account.now() < this.#retryAt) return false;
    const files = this.#fits(this.#current, length) ? 0 : 1;
    return this.#bytes + length <= this.#account.maxRunBytes && this.#account.hasRoom(length, files);
  }

  /** One at a time. False: the disk refused it, and what was to be written is still the caller's. */
  async write(block: Buffer, place: Place): Promise<boolean> {
    const segment = this.#fits(this.#current, block.length) ? this.#current : this.#startSegment();
    const position = segment.size;
    segment.size += block.length;
    segment.users++;
    this.#isWriting = true;
    this.#count(block.length, 0);
    try {
      segment.file ??= await this.#account.disk.create();
      if (!segment.isGone) await segment.file.write(block, position);
    } catch (error) {
      this.#fail(segment, error as Error);
      return false;
    } finally {
      this.#isWriting = false;
      segment.users--;
      this.#closeIfUnused(segment);
    }
    // Only `close` lets a file go that is being written.
    if (segment.isGone) return false;
    segment.blocks++;
    segment.endSeq = place.endSeq;
    this.#blocks.push({ ...place, position, length: block.length, segment });
    return true;
  }

  /** The block with this number, to be read. */
  find(
    seq: number,
  ): { readonly length: number; readonly endSeq: number; read: () => Promise<BlockReader> } | undefined {
    const block = this.#find(seq);
    return block && { length: block.length, endSeq: block.endSeq, read: () => this.#read(block) };
  }

  /** Output bytes before this number, when a block begins with it. */
  startTotal(seq: number): number | undefined {
    const block = this.#find(seq);
    return block?.firstSeq === seq ? block.startTotal : undefined;
  }

  /** Lets go of the files in which everything lies below `seq`. */
  free(seq: number): void {
    for (let segment = this.#segments.first; segment; segment = this.#segments.first) {
      if (segment.blocks === 0 || segment.endSeq > seq) return;
      while (this.#blocks.first?.segment === segment) this.#blocks.shift();
      segment.blocks = 0;
      if (!this.#release(segment)) return;
    }
  }

  /** Lets go of the oldest block. */
  dropOldest(): void {
    const block = this.#blocks.shift();
    if (!block) return;
    block.segment.blocks--;
    if (block.segment.blocks === 0) this.#release(block.segment);
  }

  close(): void {
    this.#isClosed = true;
    this.#blocks.clear();
    for (let segment = this.#segments.shift(); segment; segment = this.#segments.shift()) this.#discard(segment);
    this.#current = undefined;
  }

  #find(seq: number): Block | undefined {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks.at(middle) as Block).endSeq <= seq) low = middle + 1;
      else high = middle;
    }
    const block = this.#blocks.at(low);
    return block && block.firstSeq <= seq ? block : undefined;
  }

  async #read(block: Block): Promise<BlockReader> {
    const { segment, position, length } = block;
    segment.users++;
    try {
      const bytes = Buffer.allocUnsafeSlow(length);
      if (!segment.file) throw new Error('a spill file is gone');
      await segment.file.read(bytes, position);
      return new BlockReader(bytes, { endSeq: block.endSeq, startTotal: block.startTotal });
    } catch (error) {
      this.#account.report(error as Error);
      throw error;
    } finally {
      segment.users--;
      this.#closeIfUnused(segment);
    }
  }

  #fits(segment: Segment | undefined, length: number): segment is Segment {
    return segment !== undefined && (segment.size === 0 || segment.size + length <= this.#account.segmentBytes);
  }

  #startSegment(): Segment {
    const segment: Segment = { file: undefined, size: 0, blocks: 0, endSeq: 0, users: 0, isGone: false };
    this.#segments.push(segment);
    this.#current = segment;
    this.#count(0, 1);
    return segment;
  }

  #fail(segment: Segment, error: Error): void {
    this.#account.report(error);
    this.#retryAt = this.#account.now() + this.#account.retryMs;
    // What is on it can be read; nothing more is written to it.
    if (this.#current === segment) this.#current = undefined;
    if (segment.blocks === 0 && !segment.isGone) {
      // It is the newest.
      const kept: Segment[] = [];
      for (let other = this.#segments.shift(); other; other = this.#segments.shift()) {
        if (other !== segment) kept.push(other);
      }
      for (const other of kept) this.#segments.push(other);
      this.#discard(segment);
    }
  }

  /** False while it is being written: then it is still the one for the next blocks. */
  #release(segment: Segment): boolean {
    if (segment === this.#current && this.#isWriting) return false;
    if (segment === this.#current) this.#current = undefined;
    this.#segments.shift();
    this.#discard(segment);
    // There is room again.
    this.#retryAt = 0;
    return true;
  }

  /** From here on its bytes count as free; a read that is under way keeps the file a moment longer. */
  #discard(segment: Segment): void {
    segment.isGone = true;
    this.#count(-segment.size, -1);
    this.#closeIfUnused(segment);
  }

  #closeIfUnused(segment: Segment): void {
    if (!segment.isGone || segment.users > 0) return;
    segment.file?.close();
    segment.file = undefined;
  }

  #count(bytes: number, files: number): void {
    this.#bytes += bytes;
    this.#account.add(bytes, files);
  }
}
