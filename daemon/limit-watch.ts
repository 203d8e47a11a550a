/**
 * Those limits of a run that the daemon holds itself: its time, its time without output, and how much it prints. It only
 * watches and says which limit was reached first; stopping is the run's business.
 */
import type { LimitName } from '../client/protocol/limit-names.ts';
import type { Limits } from './decide/limits.ts';

export type WatchedLimit = Extract<LimitName, 'timeoutMs' | 'idleTimeoutMs' | 'outputBytes'>;

export class LimitWatch {
  readonly #limits: Limits;
  readonly #onReached: (name: WatchedLimit) => void;
  #total: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #left: number;
  #isHeld = false;
  #isOver = true;

  constructor(limits: Limits, onReached: (name: WatchedLimit) => void) {
    this.#limits = limits;
    this.#onReached = onReached;
    this.#left = limits.outputBytes?.value ?? Number.POSITIVE_INFINITY;
  }

  /** The command has started. */
  begin(): void {
    const { timeoutMs } = this.#limits;
    this.#isOver = false;
    if (timeoutMs !== undefined) this.#total = setTimeout(() => this.#reach('timeoutMs'), timeoutMs.value);
    this.#awaitOutput();
  }

  /** How many of these bytes the run may still print. */
  take(bytes: number): number {
    const taken = Math.min(bytes, this.#left);
    this.#left -= taken;
    if (taken < bytes) this.#reach('outputBytes');
    else this.#idle?.refresh();
    return taken;
  }

  /** Nobody takes its output: that it prints nothing is then no fault of its own. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#awaitOutput();
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#total);
    clearTimeout(this.#idle);
  }

  #awaitOutput(): void {
    const { idleTimeoutMs } = this.#limits;
    if (this.#isOver || this.#isHeld || idleTimeoutMs === undefined) return;
    this.#idle = setTimeout(() => this.#reach('idleTimeoutMs'), idleTimeoutMs.value);
  }

  #reach(name: WatchedLimit): void {
    if (this.#isOver) return;
    this.end();
    this.#onReached(name);
  }
}
