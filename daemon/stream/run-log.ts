/**
 * The one ordered sequence of a run: every event and every chunk of output gets the next number, and every viewer is
 * sent them in that order. It is bounded and loses nothing that somebody needs as long as there is room; README.md of
 * this folder says what happens then.
 */
import { SbxError } from '../../client/protocol/errors.ts';
import type { RunEvent } from '../../client/protocol/events.ts';
import { frameHeaderBytes } from '../../client/protocol/frames.ts';
import { encodeBlock } from './block.ts';
import { Demand } from './demand.ts';
import { KeptEvents } from './kept-events.ts';
import type { OutputStore } from './output-store.ts';
import { type Entry, type Offsets, type OutputStream, Ring } from './ring.ts';
import { Spill } from './spill.ts';
import { type Sink, type ViewedLog, Viewer } from './viewer.ts';

export type { OutputStream } from './ring.ts';
export type { Sink, Viewer } from './viewer.ts';

/** The command's output: where it can be told to wait. */
export interface Source {
  readonly pause: () => void;
  readonly resume: () => void;
}

export interface RunLogOptions {
  readonly runId: string;
  /** Number of the run in binary frames, the same for every connection. */
  readonly run: number;
  readonly store: OutputStore;
  /** How far the command may be ahead of every viewer, above a ring, before it waits or its oldest output gives way. */
  readonly aheadBytes: number;
  readonly whenFull: 'wait' | 'drop';
  /** Keep everything as far as there is room, although nobody is attached. */
  readonly keepHistory: boolean;
}

export class RunLog {
  readonly #options: RunLogOptions;
  readonly #store: OutputStore;
  readonly #ring: Ring;
  readonly #events: KeptEvents;
  readonly #spill: Spill;
  readonly #demand: Demand;
  readonly #viewed: ViewedLog;
  readonly #stored = {
    ringBytes: 0,
    reconsider: () => this.#settle(),
  };
  readonly #maxAheadBytes: number;
  #source: Source | undefined;
  #isWaiting = false;
  #writingBytes = 0;
  #truncatedBytes = 0;
  #reportedBytes = 0;
  #hasEnded = false;
  #isClosed = false;
  #isSettling = false;
  #isUnsettled = false;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#demand = new Demand(options.keepHistory);
    const { budgets } = options.store;
    this.#ring = new Ring(options.run, budgets.maxPayloadBytes);
    this.#events = new KeptEvents({ count: budgets.maxViolations, bytes: budgets.maxEventBytes });
    this.#spill = new Spill(options.store.spillAccount);
    this.#maxAheadBytes = budgets.ringBytes + Math.min(options.aheadBytes, budgets.maxSpillBytes);
    this.#store.add(this.#stored);
    const log = this;
    this.#viewed = {
      runId: options.runId,
      ring: this.#ring,
      events: this.#events,
      spill: this.#spill,
      get heldFrom() {
        return log.#heldFrom;
      },
      windowBytes: budgets.viewerWindowBytes,
      windowMessages: budgets.viewerWindowMessages,
      largestFrameBytes: budgets.maxPayloadBytes + frameHeaderBytes,
      changed: () => this.#settle(),
      detached: (viewer) => {
        this.#demand.remove(viewer);
        this.#settle();
      },
      lose: (below) => this.#lose(below),
    };
  }

  /** A number that was told is final: what comes later gets this one or a higher one. */
  get nextSeq(): number {
    this.#ring.seal();
    return this.#ring.nextSeq;
  }

  /** The oldest number from which nothing is missing. */
  get firstSeq(): number {
    let { seq } = this.#heldFrom;
    while (this.#events.find(seq - 1)) seq--;
    return seq;
  }

  get outputBytes(): number {
    return this.#ring.total;
  }

  /** Memory of its events, which stay until the run is forgotten. */
  get eventBytes(): number {
    return this.#events.bytes;
  }

  get viewerCount(): number {
    return this.#demand.viewers.size;
  }

  append(event: RunEvent): void {
    if (this.#isClosed) return;
    this.#addEvent(event);
    if (event.type === 'exited') this.#hasEnded = true;
    this.#follow();
    this.#settle();
  }

  /** `bytes` are copied. They have to stop coming soon after the source was told to pause. */
  appendOutput(stream: OutputStream, bytes: Buffer): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#ring.addOutput(stream, bytes);
    this.#follow();
    this.#settle();
  }

  /** What to pause; undefined when there is nothing more to come from it. */
  setSource(source: Source | undefined): void {
    this.#source = source;
    if (this.#isWaiting) source?.pause();
  }

  /**
   * A viewer that has dealt with everything below `fromSeq`. It is sent nothing before its first `wake`.
   * @throws {SbxError} bad-request, when there is no such number yet
   */
  attach(sink: Sink, fromSeq: number): Viewer {
    if (fromSeq > this.#ring.nextSeq || this.#isClosed) {
      throw new SbxError('bad-request', `the run has no number ${fromSeq}`, {
        help: `attach from 0 to ${this.#ring.nextSeq}`,
      });
    }
    this.#ring.seal();
    const viewer = new Viewer(this.#viewed, sink, fromSeq);
    this.#demand.add(viewer);
    this.#settle();
    return viewer;
  }

  /** Keeps everything from `seq` on for a client that is gone for a while, until the returned function is called. */
  hold(seq: number): () => void {
    this.#ring.seal();
    const release = this.#demand.hold(seq);
    this.#settle();
    return () => {
      if (release()) this.#settle();
    };
  }

  /** Forgets everything. Viewers are detached and sent nothing more; a source that waits goes on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#demand.clear();
    this.#ring.clear();
    this.#events.clear();
    this.#spill.close();
    this.#store.remove(this.#stored);
    this.#setWaiting(false);
  }

  get #heldFrom(): { seq: number; total: number; offsets: Offsets } {
    const oldest = this.#spill.first;
    return oldest
      ? { seq: oldest.firstSeq, total: oldest.startTotal, offsets: oldest.startOffsets }
      : { seq: this.#ring.firstSeq, total: this.#ring.firstTotal, offsets: this.#ring.firstOffsets };
  }

  #addEvent(event: RunEvent): void {
    const seq = this.#ring.nextSeq;
    const params = { runId: this.#options.runId, seq, event };
    const text = JSON.stringify({ jsonrpc: '2.0', method: 'run.event', params });
    const { total } = this.#ring.addEvent(text);
    this.#events.add({ seq, text, type: event.type, total, offsets: this.#ring.offsets });
  }

  #follow(): void {
    for (const viewer of this.#demand.viewers) viewer.follow();
  }

  /**
   * After anything that changes who needs or can take what: lets go, writes out, gives way, and tells the source. A
   * source or sink may come back here from inside; then it is done once more instead of within.
   */
  #settle(): void {
    if (this.#isClosed) return;
    this.#isUnsettled = true;
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      while (this.#isUnsettled && !this.#isClosed) {
        this.#isUnsettled = false;
        this.#demand.noteSent();
        if (this.#demand.sentSeq === this.#ring.nextSeq) this.#ring.seal();
        const needed = this.#demand.find(this.#ring.nextSeq);
        this.#spill.free(needed);
        this.#forgetExcess();
        this.#limitAhead(needed);
        this.#makeRoom(needed);
        this.#reportTruncation();
        this.#accountFor();
        const isStuck = this.#writingBytes === 0 && this.#ring.bytes > this.#store.ringShare;
        this.#store.setWaiting(this.#stored, isStuck);
        this.#setWaiting(this.#mustWait(needed, isStuck));
      }
    } finally {
      this.#isSettling = false;
    }
  }

  #accountFor(): void {
    this.#ring.maxSpareBytes = this.#hasEnded ? 0 : this.#store.ringShare / 2;
    const other = this.#events.bytes + this.#writingBytes + this.#ring.spareBytes + this.#demand.blockBytes;
    this.#stored.ringBytes = this.#ring.bytes;
    this.#store.account(this.#stored, this.#ring.bytes, other);
  }

  /** Output bytes that nobody was sent, as far as somebody needs them. */
  #aheadBytes(needed: number): number {
    return needed >= this.#ring.nextSeq ? 0 : this.#ring.total - Math.max(this.#demand.sentTotal, this.#heldFrom.total);
  }

  #limitAhead(needed: number): void {
    if (this.#options.whenFull !== 'drop' || this.#hasEnded) return;
    while (this.#aheadBytes(needed) > this.#maxAheadBytes && this.#dropOldest());
  }

  #makeRoom(needed: number): void {
    const share = this.#store.ringShare;
    while (this.#ring.bytes > share && this.#writingBytes === 0) {
      const oldest = this.#ring.first;
      if (!oldest) return;
      if (!oldest.stream) this.#shift();
      else if (oldest.seq < needed) this.#letGo();
      else if (this.#spill.hasRoom(this.#store.budgets.blockBytes)) this.#write();
      else if (!this.#mayGiveWay(oldest.seq) || !this.#dropOldest()) return;
    }
  }

  /** Nobody needs it, so nobody needs what is older. INVARIANT(no-hole): what is held is one piece up to the newest. */
  #letGo(): void {
    while (this.#spill.first) this.#spill.dropOldest();
    this.#shift();
  }

  #shift(): Entry | undefined {
    return this.#ring.shift(this.#demand.isTaken(this.#ring.firstSeq));
  }

  /** Somebody follows closely and was already sent it, or the run asked for it: the others miss it then. */
  #mayGiveWay(oldestSeq: number): boolean {
    if (this.#hasEnded) return false;
    if (this.#options.whenFull === 'drop') return true;
    return this.#demand.isFollowedFrom(Math.max(oldestSeq + 1, this.#ring.firstSeq));
  }

  /** False: there is nothing that can be dropped now. */
  #dropOldest(): boolean {
    const before = this.#heldFrom.total;
    if (this.#spill.first) this.#spill.dropOldest();
    else if (this.#writingBytes > 0 || !this.#shift()) return false;
    if (this.#options.whenFull === 'drop') {
      this.#truncatedBytes += Math.max(0, this.#heldFrom.total - Math.max(before, this.#demand.sentTotal));
    }
    return true;
  }

  #lose(below: number): void {
    while ((this.#spill.first?.firstSeq ?? below) < below) this.#spill.dropOldest();
  }

  #forgetExcess(): void {
    const end = this.#events.excessEnd;
    if (end === undefined || this.#writingBytes > 0) return;
    this.#lose(end);
    if (!this.#spill.first) while (this.#ring.firstSeq < end && this.#shift());
    this.#events.forgetRepeatable(end);
  }

  #reportTruncation(): void {
    if (this.#truncatedBytes === 0 || this.#truncatedBytes < this.#reportedBytes * 2 || this.#hasEnded) return;
    this.#reportedBytes = this.#truncatedBytes;
    this.#addEvent({ type: 'truncated', bytes: this.#truncatedBytes });
    this.#follow();
    this.#isUnsettled = true;
  }

  #write(): void {
    const entries = this.#ring.oldest(this.#store.budgets.blockBytes);
    const scratch = this.#store.takeScratch();
    const block = encodeBlock(entries, scratch);
    const place = {
      firstSeq: this.#ring.firstSeq,
      endSeq: this.#ring.firstSeq + entries.length,
      startTotal: this.#ring.firstTotal,
      startOffsets: this.#ring.firstOffsets,
    };
    this.#writingBytes = block.length;
    this.#spill.write(block, place).then((isWritten) => {
      this.#writingBytes = 0;
      this.#store.giveScratch(scratch);
      // Until here they were in memory as well, for whoever follows closely.
      if (isWritten) for (const _ of entries) this.#shift();
      this.#settle();
    });
  }

  #mustWait(needed: number, isStuck: boolean): boolean {
    // Stuck: nothing can be written and nothing may give way.
    if (this.#hasEnded) return false;
    if (isStuck) return true;
    const share = this.#store.ringShare;
    // The disk is slower than the command; then it waits until the ring is nearly back to its size.
    if (this.#writingBytes > 0 && this.#ring.bytes > share * (this.#isWaiting ? 1.25 : 1.5)) return true;
    if (this.#options.whenFull === 'drop') return false;
    return this.#aheadBytes(needed) >= this.#maxAheadBytes * (this.#isWaiting ? 0.75 : 1);
  }

  #setWaiting(isWaiting: boolean): void {
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    if (isWaiting) this.#source?.pause();
    else this.#source?.resume();
  }
}
