/**
 * Who needs what of one run: viewers that have not acknowledged it, holds for clients that are gone for a while, or the run
 * itself, which keeps its history. And what was sent to anybody, which a socket may still have.
 */
import type { Viewer } from './viewer.ts';

export class Demand {
  readonly #keepHistory: boolean;
  readonly #viewers = new Set<Viewer>();
  readonly #holds = new Set<{ readonly seq: number }>();
  /** Highest number that was sent to anybody, and output bytes before it. */
  #sentSeq = 0;
  #sentTotal = 0;
  /** Every viewer that is attached has acknowledged what lies before. */
  #ackedByAll = 0;
  /** Viewers that are gone had been sent up to here and not acknowledged it: a socket may still have it. */
  #unackedEnd = 0;

  constructor(keepHistory: boolean) {
    this.#keepHistory = keepHistory;
  }

  get viewers(): ReadonlySet<Viewer> {
    return this.#viewers;
  }

  get sentSeq(): number {
    return this.#sentSeq;
  }

  get sentTotal(): number {
    return this.#sentTotal;
  }

  /** Memory that single viewers take. */
  get blockBytes(): number {
    let bytes = 0;
    for (const viewer of this.#viewers) bytes += viewer.blockBytes;
    return bytes;
  }

  add(viewer: Viewer): void {
    this.#viewers.add(viewer);
  }

  remove(viewer: Viewer): void {
    this.#noteSent(viewer);
    if (viewer.ackedSeq < viewer.cursor) this.#unackedEnd = Math.max(this.#unackedEnd, viewer.cursor);
    this.#viewers.delete(viewer);
  }

  /** The returned function says whether the hold still stood. */
  hold(seq: number): () => boolean {
    const hold = { seq };
    this.#holds.add(hold);
    return () => this.#holds.delete(hold);
  }

  clear(): void {
    for (const viewer of [...this.#viewers]) viewer.detach();
    this.#holds.clear();
  }

  /** Somebody needs everything from the returned number on. */
  find(nextSeq: number): number {
    let seq = nextSeq;
    for (const viewer of this.#viewers) seq = Math.min(seq, viewer.ackedSeq);
    this.#ackedByAll = seq;
    if (this.#keepHistory) return 0;
    for (const hold of this.#holds) seq = Math.min(seq, hold.seq);
    return seq;
  }

  noteSent(): void {
    for (const viewer of this.#viewers) this.#noteSent(viewer);
  }

  #noteSent(viewer: Viewer): void {
    this.#sentSeq = Math.max(this.#sentSeq, viewer.cursor);
    this.#sentTotal = Math.max(this.#sentTotal, viewer.total ?? 0);
  }

  /** No socket can still have the message of this number, so its memory may be written anew. */
  isTaken(seq: number): boolean {
    if (seq < this.#unackedEnd) return false;
    if (seq < this.#ackedByAll) return true;
    for (const viewer of this.#viewers) if (viewer.ackedSeq <= seq && seq < viewer.cursor) return false;
    return true;
  }

  /** Somebody who can take more was already sent everything below. */
  isFollowedFrom(seq: number): boolean {
    for (const viewer of this.#viewers) if (viewer.canTake && viewer.cursor >= seq) return true;
    return false;
  }
}
