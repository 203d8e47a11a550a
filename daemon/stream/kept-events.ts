/**
 * The events of a run. Unlike output they stay in memory until the run is forgotten, so that a viewer that missed
 * output still learns what was decided, asked, started and how it ended.
 */
import type { RunEvent } from '../../client/protocol/events.ts';
import { entryOverheadBytes, type Offsets } from './ring.ts';

export interface KeptEvent {
  readonly seq: number;
  readonly text: string;
  readonly type: RunEvent['type'];
  /** Output bytes before it, in all and by stream. */
  readonly total: number;
  readonly offsets: Offsets;
}

/** A command can cause these without end, one for each connection it tries. */
const repeatable: ReadonlySet<RunEvent['type']> = new Set(['violation', 'truncated']);

function costOf(event: KeptEvent): number {
  // A character outside Latin-1 makes a string two bytes wide.
  return event.text.length * 2 + entryOverheadBytes;
}

export class KeptEvents {
  readonly #max: { readonly count: number; readonly bytes: number };
  #events: KeptEvent[] = [];
  #repeatable = 0;
  #bytes = 0;

  constructor(max: { readonly count: number; readonly bytes: number }) {
    this.#max = max;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(event: KeptEvent): void {
    this.#events.push(event);
    this.#bytes += costOf(event);
    if (repeatable.has(event.type)) this.#repeatable++;
  }

  /** The first event with this number or a later one. */
  next(seq: number): KeptEvent | undefined {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as KeptEvent).seq < seq) low = middle + 1;
      else high = middle;
    }
    return this.#events[low];
  }

  find(seq: number): KeptEvent | undefined {
    const event = this.next(seq);
    return event?.seq === seq ? event : undefined;
  }

  /**
   * When a command caused absurdly many: the number below which repeatable ones have to go, half of them, so that this
   * is rare. What they were is then part of a gap.
   */
  get excessEnd(): number | undefined {
    const isOver = this.#repeatable > this.#max.count || (this.#bytes > this.#max.bytes && this.#repeatable > 1);
    if (!isOver) return undefined;
    const candidates = this.#events.filter((event) => repeatable.has(event.type));
    return (candidates[candidates.length >>> 1] as KeptEvent).seq;
  }

  forgetRepeatable(below: number): void {
    this.#events = this.#events.filter((event) => {
      if (event.seq >= below || !repeatable.has(event.type)) return true;
      this.#bytes -= costOf(event);
      this.#repeatable--;
      return false;
    });
  }

  clear(): void {
    this.#events = [];
    this.#bytes = 0;
    this.#repeatable = 0;
  }
}
