/**
 * Finds connections whose other side is gone without a word: a cable pulled, a laptop closed, a router that forgot. Silence
 * is counted in beats, not by the clock, so that a daemon that was itself stopped for a minute gives nobody up for it.
 */
import { limits } from '../../client/protocol/limits.ts';

export interface Peer {
  /** Any number that changes whenever the other side has shown itself. */
  readonly signOfLife: () => number;
  readonly ping: () => void;
  readonly giveUp: () => void;
}

export interface HeartbeatTimes {
  readonly heartbeatMs: number;
  readonly silenceMs: number;
}

interface Watched {
  /** Undefined before the first beat, which may come right after the connection. */
  lastSign: number | undefined;
  silentBeats: number;
}

export class Heartbeat {
  readonly #watched = new Map<Peer, Watched>();
  readonly #times: HeartbeatTimes;
  #timer: NodeJS.Timeout | undefined;

  constructor(times: HeartbeatTimes = limits) {
    this.#times = times;
  }

  watch(peer: Peer): void {
    this.#watched.set(peer, { lastSign: undefined, silentBeats: 0 });
    this.#timer ??= setInterval(() => this.beat(), this.#times.heartbeatMs).unref();
  }

  forget(peer: Peer): void {
    this.#watched.delete(peer);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Gives up whoever was silent for `silenceMs` and at most one beat more. */
  beat(): void {
    for (const [peer, state] of this.#watched) {
      const sign = peer.signOfLife();
      state.silentBeats = sign === state.lastSign ? state.silentBeats + 1 : 0;
      state.lastSign = sign;
      if (state.silentBeats * this.#times.heartbeatMs >= this.#times.silenceMs) {
        this.forget(peer);
        peer.giveUp();
      } else peer.ping();
    }
  }
}
