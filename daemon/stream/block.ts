/** A block of a spill file: output frames one after the other, each preceded by its length as u32. */
import { frameHeaderBytes } from '../../client/protocol/frames.ts';
import { type Entry, recordHeaderBytes } from './ring.ts';

/** `scratch` is used when it is large enough. */
export function encodeBlock(entries: readonly Entry[], scratch: Buffer): Buffer {
  const frames = entries.filter((entry) => entry.stream).map((entry) => entry.message as Buffer);
  const size = frames.reduce((sum, frame) => sum + recordHeaderBytes + frame.length, 0);
  const block = size <= scratch.length ? scratch.subarray(0, size) : Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const frame of frames) {
    block.writeUInt32BE(frame.length, at);
    block.set(frame, at + recordHeaderBytes);
    at += recordHeaderBytes + frame.length;
  }
  return block;
}

/** Walks a block that was read. */
export class BlockReader {
  readonly #block: Buffer;
  /** Number after the last entry of the block; events that came between its frames included. */
  readonly endSeq: number;
  #at = 0;
  #total: number;

  constructor(block: Buffer, place: { readonly endSeq: number; readonly startTotal: number }) {
    this.#block = block;
    this.endSeq = place.endSeq;
    this.#total = place.startTotal;
  }

  get bytes(): number {
    return this.#block.length;
  }

  /** The frame with this number, and output bytes before it; frames before it are passed over for good. */
  take(seq: number): { frame: Buffer; total: number } | undefined {
    while (this.#at < this.#block.length) {
      const length = this.#block.readUInt32BE(this.#at);
      const from = this.#at + recordHeaderBytes;
      const frame = this.#block.subarray(from, from + length);
      // The number is in the frame's header, after kind and run.
      const frameSeq = Number(frame.readBigUInt64BE(5));
      if (frameSeq > seq) return undefined;
      const total = this.#total;
      this.#at = from + length;
      this.#total += length - frameHeaderBytes;
      if (frameSeq === seq) return { frame, total };
    }
    return undefined;
  }
}
