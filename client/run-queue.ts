/**
 * What has come of a run and was not yet taken, as one unbroken sequence: what comes twice is dropped, and what is
 * missing is noticed. It never grows past what the daemon may send unacknowledged, because only what was taken is
 * acknowledged.
 */
import type { Gap, RunEvent } from './protocol/events.ts';
import type { Frame } from './protocol/frames.ts';

export type Received =
  | { readonly kind: 'event'; readonly seq: number; readonly event: RunEvent }
  | { readonly kind: 'output'; readonly seq: number; readonly frame: Frame }
  | { readonly kind: 'gap'; readonly seq: number; readonly gap: Gap };

/** Number after the last one that it stands for. */
export function nextAfter(item: Received): number {
  return item.kind === 'gap' ? item.gap.toSeq : item.seq + 1;
}

export function bytesOf(item: Received): number {
  return item.kind === 'output' ? item.frame.payload.length : 0;
}

export class RunQueue {
  #items: Received[] = [];
  #head = 0;
  #bytes = 0;
  #next: number;

  constructor(fromSeq: number) {
    this.#next = fromSeq;
  }

  /** The number that has to come next. */
  get next(): number {
    return this.#next;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#items.length;
  }

  /** `missing`: the daemon left something out without saying so; nothing was added. */
  add(item: Received): 'added' | 'duplicate' | 'missing' {
    const after = nextAfter(item);
    if (after <= this.#next) return 'duplicate';
    if (item.seq > this.#next) return 'missing';
    this.#items.push(item);
    this.#bytes += bytesOf(item);
    this.#next = after;
    return 'added';
  }

  take(): Received | undefined {
    const item = this.#items[this.#head];
    if (!item) return undefined;
    this.#head++;
    this.#bytes -= bytesOf(item);
    if (this.#head === this.#items.length || this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /**
   * Gives up the newest items above `maxBytes`, to be asked for again. After a reconnect the daemon grants a whole window
   * anew, so without it every cut would add one.
   */
  trim(maxBytes: number): void {
    while (this.#bytes > maxBytes) {
      const item = this.#items.pop();
      if (!item) return;
      this.#bytes -= bytesOf(item);
      this.#next = item.seq;
    }
  }
}
