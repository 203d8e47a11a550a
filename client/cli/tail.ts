/**
 * Shows only the last lines of what a run has put out before we came, then lets the rest through as it comes. What is
 * left out is acknowledged all the same, or the daemon would wait for it.
 */
import type { Gap } from '../protocol/events.ts';
import type { Frame } from '../protocol/frames.ts';

export interface TailTarget {
  readonly showFrame: (frame: Frame) => void;
  readonly showGap: (gap: Gap) => void;
  readonly skip: (frame: Frame) => void;
}

export interface TailOptions {
  readonly lines: number;
  /** Number of the run's sequence at which the past ends. */
  readonly until: number;
}

type Piece = { readonly frame: Frame; readonly lineEnds: number } | { readonly gap: Gap; readonly lineEnds: 0 };

/** Output without line ends is no reason to hold a gigabyte. */
const maxHeldBytes = 16 * 1024 * 1024;

function countLineEnds(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}

/** The bytes after the line end that has `count - 1` others behind it. */
function cutBefore(bytes: Buffer, count: number): Buffer {
  let at = bytes.length;
  for (let left = count; left > 0; left--) at = at === 0 ? -1 : bytes.lastIndexOf(0x0a, at - 1);
  return bytes.subarray(at + 1);
}

export class Tail {
  readonly #lines: number;
  readonly #until: number;
  readonly #target: TailTarget;
  #pieces: Piece[] = [];
  #lineEnds = 0;
  #heldBytes = 0;
  #isOver: boolean;

  constructor({ lines, until }: TailOptions, target: TailTarget) {
    this.#lines = lines;
    this.#until = until;
    this.#target = target;
    this.#isOver = until === 0;
  }

  includes(seq: number): boolean {
    return seq < this.#until;
  }

  skipEvent(seq: number): void {
    if (seq >= this.#until - 1) this.#finish();
  }

  showFrame(frame: Frame): void {
    if (this.#isOver || !this.includes(frame.seq)) {
      this.#finish();
      this.#target.showFrame(frame);
      return;
    }
    this.#target.skip(frame);
    // A copy, because the bytes lie in the socket's read buffer.
    const payload = Buffer.from(frame.payload);
    this.#add({ frame: { ...frame, payload }, lineEnds: countLineEnds(payload) });
    this.#heldBytes += payload.length;
    this.#shorten();
    if (frame.seq === this.#until - 1) this.#finish();
  }

  showGap(gap: Gap): void {
    if (this.#isOver) this.#target.showGap(gap);
    else {
      this.#add({ gap, lineEnds: 0 });
      if (gap.toSeq >= this.#until) this.#finish();
    }
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#lineEnds += piece.lineEnds;
  }

  #shorten(): void {
    for (;;) {
      const [first] = this.#pieces;
      if (!first) return;
      const isNeeded = this.#lineEnds - first.lineEnds <= this.#lines && this.#heldBytes <= maxHeldBytes;
      if (isNeeded) return;
      this.#pieces.shift();
      this.#lineEnds -= first.lineEnds;
      if ('frame' in first) this.#heldBytes -= first.frame.payload.length;
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const last = this.#pieces.findLast((piece) => 'frame' in piece);
    const isWhole = last !== undefined && 'frame' in last && last.frame.payload.at(-1) === 0x0a;
    // A line end at the very end closes the last line and begins none.
    let surplus = this.#lines === 0 ? Number.POSITIVE_INFINITY : this.#lineEnds - this.#lines - (isWhole ? 0 : -1);
    for (const piece of this.#pieces) {
      if ('gap' in piece) {
        if (surplus <= 0) this.#target.showGap(piece.gap);
        continue;
      }
      const { frame, lineEnds } = piece;
      if (surplus <= 0) this.#target.showFrame(frame);
      else if (surplus <= lineEnds) {
        const payload = cutBefore(frame.payload, lineEnds - surplus + 1);
        if (payload.length > 0)
          this.#target.showFrame({ ...frame, offset: frame.offset + frame.payload.length - payload.length, payload });
      }
      surplus -= lineEnds;
    }
    this.#pieces = [];
  }
}
