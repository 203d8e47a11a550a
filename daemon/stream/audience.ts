/**
 * Who watches one run, who of them may send it input, and what becomes of it when nobody does any more. Promises that a
 * client that is gone for a while finds everything it had not acknowledged.
 */
import { limits } from '../../client/protocol/limits.ts';
import type { OnDisconnect } from '../../client/protocol/messages.ts';
import type { RunLog } from './run-log.ts';
import type { Sink, Viewer } from './viewer.ts';

/** One connection, as a run sees it. */
export interface Client extends Sink {
  readonly onRoom: (waiter: () => void) => void;
  readonly offRoom: (waiter: () => void) => void;
  readonly close: (code: number, reason: string) => void;
}

/** Lost viewers of one run whose place is kept; more at once are not cut off by a bad line. */
const maxAbsent = 64;

export interface AudienceInput {
  readonly log: RunLog;
  /** Undefined: a background run, which nobody has to watch. */
  readonly onDisconnect: OnDisconnect | undefined;
  /** Nobody who may write is there any more, for longer than the run asked to be kept. */
  readonly onAbandoned: () => void;
}

interface Seat {
  readonly viewer: Viewer;
  readonly wake: () => void;
}

export class Audience<C extends Client> {
  readonly #input: AudienceInput;
  readonly #seats = new Map<C, Seat>();
  readonly #holds = new Set<() => void>();
  /** Of viewers that do not send input and whose connection was lost. Each ends its hold and its timer. */
  readonly #absent = new Set<() => void>();
  #writer: C | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(input: AudienceInput) {
    this.#input = input;
  }

  get size(): number {
    return this.#seats.size;
  }

  get hasWriter(): boolean {
    return this.#writer !== undefined;
  }

  /** Tells the one who sends input. */
  tellWriter(tell: (writer: C) => void): void {
    if (this.#writer) tell(this.#writer);
  }

  /** Everybody has everything, and nobody is waited for. */
  get isContent(): boolean {
    return (
      this.#timer === undefined &&
      this.#absent.size === 0 &&
      [...this.#seats.values()].every(({ viewer }) => viewer.isCaughtUp)
    );
  }

  has(client: C): boolean {
    return this.#seats.has(client);
  }

  isWriter(client: C): boolean {
    return this.#writer === client;
  }

  /** Another connection is the one who sends input. */
  isTakenFor(client: C): boolean {
    return this.#writer !== undefined && this.#writer !== client;
  }

  /** From `fromSeq` on, once `start` was called. A client that watches already starts anew there. @throws {SbxError} `bad-request` */
  attach(client: C, fromSeq: number, write: boolean): void {
    const viewer = this.#input.log.attach(client, fromSeq);
    this.#remove(client);
    const wake = () => viewer.wake();
    this.#seats.set(client, { viewer, wake });
    client.onRoom(wake);
    if (!write) return;
    this.#writer = client;
    this.#stopWaiting();
  }

  start(client: C): void {
    this.#seats.get(client)?.viewer.wake();
  }

  /** False: it acknowledges what it was never sent. */
  acknowledge(client: C, seq: number): boolean {
    return this.#seats.get(client)?.viewer.ack(seq) ?? true;
  }

  /** Its connection is lost: it may come back for what it had not acknowledged. */
  lose(client: C): void {
    const seat = this.#seats.get(client);
    if (seat && !this.isWriter(client) && !(this.#over && seat.viewer.isCaughtUp) && this.#absent.size < maxAbsent) {
      const release = this.#input.log.hold(seat.viewer.ackedSeq);
      const forget = () => {
        clearTimeout(timer);
        this.#absent.delete(forget);
        release();
      };
      const timer = setTimeout(forget, limits.reconnectMs);
      this.#absent.add(forget);
    }
    this.leave(client);
  }

  /** It watches no longer. */
  leave(client: C): void {
    const seat = this.#seats.get(client);
    if (!seat) return;
    const { log, onDisconnect, onAbandoned } = this.#input;
    const wasWriter = this.isWriter(client);
    const keepMs = typeof onDisconnect === 'object' ? onDisconnect.keepMs : 0;
    if (wasWriter && keepMs > 0 && !(this.#over && seat.viewer.isCaughtUp))
      this.#holds.add(log.hold(seat.viewer.ackedSeq));
    this.#remove(client);
    if (!wasWriter) return;
    this.#writer = undefined;
    if (onDisconnect === undefined) return;
    if (keepMs === 0) {
      if (!this.#over) onAbandoned();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#stopWaiting();
      if (!this.#over) onAbandoned();
    }, keepMs);
  }

  /** The run has ended: a writer that is gone may still come back for what it missed, but nothing hangs on it. */
  end(): void {
    this.#over = true;
  }

  /** Its log is about to be closed. Whoever would wait for the rest for ever is told that it does not come. */
  dismiss(): void {
    this.#stopWaiting();
    for (const forget of [...this.#absent]) forget();
    for (const [client, { viewer }] of [...this.#seats]) {
      if (!viewer.isCaughtUp) client.close(1008, 'too-far-behind');
      this.#remove(client);
    }
    this.#writer = undefined;
  }

  #remove(client: C): void {
    const seat = this.#seats.get(client);
    if (!seat) return;
    client.offRoom(seat.wake);
    seat.viewer.detach();
    this.#seats.delete(client);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const release of this.#holds) release();
    this.#holds.clear();
  }
}
