/**
 * The newest part of a run's sequence, in memory: every entry as the message that goes over the wire, encoded once and
 * shared by all who send it. What leaves at the old end is the caller's to keep or to lose.
 *
 * A program that prints byte by byte would make an entry of each byte; as long as the newest entry has been shown to
 * nobody, further bytes of its stream are added to it instead. An entry that is sealed never changes again.
 */
import { encodeFrameHeader, frameHeaderBytes, type StreamName } from '../../client/protocol/frames.ts';
import { Fifo } from './fifo.ts';
import { type Slab, Slabs } from './slabs.ts';

export type OutputStream = Exclude<StreamName, 'stdin'>;
/** Bytes of each stream that lie before a place in the sequence. */
export type Offsets = Readonly<Record<OutputStream, number>>;

/** What an entry costs beside its bytes: its object and its place in the queue (measured: 150 to 190). */
export const entryOverheadBytes = 200;

export class Entry {
  readonly seq: number;
  /** Undefined for an event. */
  readonly stream: OutputStream | undefined;
  readonly slab: Slab | undefined;
  /** Output bytes of all streams before this entry. */
  readonly total: number;
  readonly #text: string | undefined;
  readonly #start: number;
  end: number;
  /** Room in the slab that was left when the next entry did not fit. */
  wasteBytes = 0;

  constructor(seq: number, total: number, content: string | { stream: OutputStream; slab: Slab; bytes: number }) {
    this.seq = seq;
    this.total = total;
    const isText = typeof content === 'string';
    this.#text = isText ? content : undefined;
    this.stream = isText ? undefined : content.stream;
    this.slab = isText ? undefined : content.slab;
    this.end = isText ? 0 : content.slab.used;
    this.#start = isText ? 0 : this.end - content.bytes;
  }

  get message(): string | Buffer {
    return this.slab ? this.slab.buffer.subarray(this.#start, this.end) : (this.#text ?? '');
  }

  /** Length of the frame; 0 for an event. */
  get frameBytes(): number {
    return this.end - this.#start;
  }

  get payloadBytes(): number {
    return this.slab ? this.end - this.#start - frameHeaderBytes : 0;
  }

  get memoryBytes(): number {
    return this.end - this.#start + this.wasteBytes + entryOverheadBytes;
  }
}

export class Ring {
  readonly #run: number;
  readonly #maxPayloadBytes: number;
  readonly #entries = new Fifo<Entry>();
  readonly #next = { stdout: 0, stderr: 0, pty: 0 };
  readonly #first = { stdout: 0, stderr: 0, pty: 0 };
  readonly #slabs: Slabs;
  #isOpen = false;
  #bytes = 0;
  #nextSeq = 0;
  #total = 0;

  constructor(run: number, maxPayloadBytes: number) {
    this.#run = run;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#slabs = new Slabs(frameHeaderBytes + maxPayloadBytes);
  }

  /** Frames and what their entries cost. The texts of events are counted where they are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory that waits to be used again, beside `bytes`. */
  get spareBytes(): number {
    return this.#slabs.spareBytes;
  }

  set maxSpareBytes(bytes: number) {
    this.#slabs.maxSpareBytes = bytes;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  get firstSeq(): number {
    return this.#nextSeq - this.#entries.length;
  }

  /** Output bytes so far. */
  get total(): number {
    return this.#total;
  }

  get firstTotal(): number {
    return this.#entries.first?.total ?? this.#total;
  }

  get offsets(): Offsets {
    return { ...this.#next };
  }

  get firstOffsets(): Offsets {
    return { ...this.#first };
  }

  get first(): Entry | undefined {
    return this.#entries.first;
  }

  get(seq: number): Entry | undefined {
    return this.#entries.at(seq - this.firstSeq);
  }

  addEvent(text: string): Entry {
    const entry = new Entry(this.#nextSeq++, this.#total, text);
    this.#entries.push(entry);
    this.#isOpen = false;
    this.#bytes += entryOverheadBytes;
    return entry;
  }

  /** `bytes` of any length; they are copied. */
  addOutput(stream: OutputStream, bytes: Buffer): void {
    let from = this.#extend(stream, bytes);
    while (from < bytes.length) {
      const payload = bytes.subarray(from, from + this.#maxPayloadBytes);
      this.#addFrame(stream, payload);
      from += payload.length;
    }
  }

  /** From now on the newest entry is as it is: its number, or that of the next one, has been told to somebody. */
  seal(): void {
    this.#isOpen = false;
  }

  /** `isUnsent`: no connection has or will have to write it any more, so its memory can be used again. */
  shift(isUnsent: boolean): Entry | undefined {
    const entry = this.#entries.shift();
    if (!entry) return undefined;
    if (this.#entries.length === 0) this.#isOpen = false;
    this.#bytes -= entry.memoryBytes;
    if (!entry.stream || !entry.slab) return entry;
    this.#first[entry.stream] += entry.payloadBytes;
    this.#slabs.leave(entry.slab, isUnsent);
    return entry;
  }

  /** The oldest entries whose frames are not more than this together, and at least one. They are sealed. */
  oldest(maxBytes: number): readonly Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries.at(index) as Entry;
      bytes += entry.frameBytes + (entry.stream ? recordHeaderBytes : 0);
      if (bytes > maxBytes && entries.length > 0) break;
      entries.push(entry);
    }
    if (entries.length === this.#entries.length) this.seal();
    return entries;
  }

  clear(): void {
    this.#entries.clear();
    this.#slabs.clear();
    this.#isOpen = false;
    this.#bytes = 0;
    Object.assign(this.#first, this.#next);
  }

  #extend(stream: OutputStream, bytes: Buffer): number {
    const last = this.#isOpen ? this.#entries.last : undefined;
    const slab = last?.slab;
    if (!slab || last.stream !== stream || slab !== this.#slabs.current || last.end !== slab.used) return 0;
    const room = Math.min(slab.buffer.length - slab.used, this.#maxPayloadBytes - last.payloadBytes);
    // Cutting a chunk in two to fill a slab would make more frames, not fewer.
    if (bytes.length > room) return 0;
    slab.buffer.set(bytes, slab.used);
    slab.used += bytes.length;
    last.end = slab.used;
    this.#count(stream, bytes.length, bytes.length);
    return bytes.length;
  }

  #addFrame(stream: OutputStream, payload: Buffer): void {
    const size = frameHeaderBytes + payload.length;
    const { slab, wasteBytes } = this.#slabs.enter(size);
    const last = this.#entries.last;
    if (last?.slab && wasteBytes > 0) {
      last.wasteBytes = wasteBytes;
      this.#bytes += wasteBytes;
    }
    slab.buffer.set(encodeFrameHeader(stream, this.#run, this.#nextSeq, this.#next[stream]), slab.used);
    slab.buffer.set(payload, slab.used + frameHeaderBytes);
    slab.used += size;
    this.#entries.push(new Entry(this.#nextSeq++, this.#total, { stream, slab, bytes: size }));
    this.#isOpen = true;
    this.#count(stream, payload.length, size + entryOverheadBytes);
  }

  #count(stream: OutputStream, payloadBytes: number, bytes: number): void {
    this.#next[stream] += payloadBytes;
    this.#total += payloadBytes;
    this.#bytes += bytes;
  }
}

/** A frame in a file is preceded by its length. */
export const recordHeaderBytes = 4;
