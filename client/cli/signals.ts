/**
 * Forwards the signals that we get to the run. Before it runs a signal cancels; a second interrupt within a second, for
 * a command that ignores the first, stops it; a third gives up waiting.
 */
import type { RunSignal } from '../protocol/messages.ts';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
export type ForwardedSignal = (typeof forwarded)[number];

export interface SignalTarget {
  readonly isRunning: () => boolean;
  readonly signal: (name: RunSignal) => void;
  readonly stop: () => void;
  /** The run is not waited for any longer. */
  readonly leave: (name: ForwardedSignal) => void;
}

const insistWithinMs = 1000;

/** `passedOn`: those that are the run's; by the others we leave. */
export function forwardSignals(target: SignalTarget, passedOn: readonly ForwardedSignal[] = forwarded): void {
  let interruptedAt = Number.NEGATIVE_INFINITY;
  let stopping = false;
  for (const name of forwarded) {
    process.on(name, () => {
      if (!target.isRunning() || stopping || !passedOn.includes(name)) {
        target.leave(name);
        return;
      }
      const now = performance.now();
      if (name === 'SIGINT' && now - interruptedAt < insistWithinMs) {
        stopping = true;
        target.stop();
        return;
      }
      if (name === 'SIGINT') interruptedAt = now;
      target.signal(name);
    });
  }
}
