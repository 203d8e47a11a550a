/**
 * Tells what a run did on the network, one event a connection, in numbers that a run cannot make grow without end: after
 * the first few hundred, alike ones are counted together and told at the run's end.
 */
import type { NetworkUse, Violation } from '../../client/protocol/events.ts';
import type { Refusal } from './model.ts';

export const maxSingleEvents = 300;
/** Kinds that are counted; what comes after them is one more, without a name. */
const maxKinds = 200;
const maxViolations = 20;
const otherHosts = 'further hosts';

export interface NetworkLogTarget {
  readonly use: (use: NetworkUse) => void;
  readonly violation: (violation: Violation) => void;
}

export class NetworkLog {
  readonly #target: NetworkLogTarget;
  #told = 0;
  #open = 0;
  #isOver = false;
  #onSettled: () => void = () => {};
  readonly #counted = new Map<string, NetworkUse & { times: number }>();
  readonly #explained = new Set<string>();

  constructor(target: NetworkLogTarget) {
    this.#target = target;
  }

  /** @param wasExpected it is over. */
  add(use: NetworkUse, wasExpected = false): void {
    if (this.#isOver) return;
    this.#count(use);
    if (wasExpected) this.forget();
  }

  /** One that was expected is over, and there is nothing to tell of it. */
  forget(): void {
    this.#open--;
    if (this.#open === 0) this.#onSettled();
  }

  #count(use: NetworkUse): void {
    if (this.#told < maxSingleEvents) {
      this.#told++;
      this.#target.use(use);
      return;
    }
    const key = JSON.stringify([use.host, use.port, use.allowed, use.refusal]);
    const isNamed = this.#counted.has(key) || this.#counted.size < maxKinds;
    const { host, port, front, allowed, because, refusal } = use;
    const kind = isNamed
      ? { host, port, front, allowed, because, ...(refusal === undefined ? {} : { refusal }) }
      : { host: otherHosts, port: 0, front, allowed, because: 'counted together' };
    const sums = this.#counted.get(isNamed ? key : otherHosts);
    this.#counted.set(isNamed ? key : otherHosts, {
      ...(sums ?? kind),
      sentBytes: (sums?.sentBytes ?? 0) + use.sentBytes,
      receivedBytes: (sums?.receivedBytes ?? 0) + use.receivedBytes,
      durationMs: (sums?.durationMs ?? 0) + use.durationMs,
      times: (sums?.times ?? 0) + 1,
    });
  }

  /** Once for each host, port and kind of refusal. */
  explain(host: string, port: number, refusal: Refusal): void {
    const key = JSON.stringify([host, port, refusal.code]);
    if (this.#isOver || this.#explained.has(key) || this.#explained.size >= maxViolations) return;
    this.#explained.add(key);
    this.#target.violation({
      kind: 'network',
      target: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      access: 'connect',
      message: refusal.message,
      ...(refusal.howToAllow === undefined ? {} : { howToAllow: refusal.howToAllow }),
    });
  }

  get explained(): number {
    return this.#explained.size;
  }

  /** A connection that will be added when it is over. */
  expect(): void {
    this.#open++;
  }

  /** After at most `settleMs` for those that are still open, nothing is told any more. */
  async end(settleMs: number): Promise<void> {
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, settleMs);
        this.#onSettled = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isOver = true;
    for (const { times, ...use } of this.#counted.values()) this.#target.use(times === 1 ? use : { ...use, times });
    this.#counted.clear();
  }
}
