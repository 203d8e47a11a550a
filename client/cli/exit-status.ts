/** Exit statuses of sbx, as the README lists them. */
import os from 'node:os';
import type { DecisionEffect } from '../protocol/decision.ts';
import type { Exit } from '../protocol/events.ts';

export const statuses = {
  timeout: 124,
  /** sbx itself, its usage, or the sandbox failed. */
  failed: 125,
  /** Denied or not approved. */
  notAllowed: 126,
  cancelled: 130,
  memory: 137,
  brokenPipe: 141,
} as const;

/** 128 and the number of the signal, as a shell reports it. Source: bash(1) "EXIT STATUS" */
export function statusOfSignal(name: string): number {
  return 128 + (os.constants.signals[name as NodeJS.Signals] ?? 0);
}

export function statusOfExit(exit: Pick<Exit, 'reason' | 'code' | 'signal'>): number {
  switch (exit.reason) {
    case 'exited':
      return exit.code ?? statuses.failed;
    case 'signalled':
      if (exit.signal !== undefined) return statusOfSignal(exit.signal);
      return exit.code ?? statuses.failed;
    case 'timeout':
    case 'idle-timeout':
      return statuses.timeout;
    case 'memory':
      return statuses.memory;
    case 'denied':
      return statuses.notAllowed;
    case 'cancelled':
      return statuses.cancelled;
    case 'output-limit':
    case 'daemon-stopped':
    case 'sandbox-failed':
      return statuses.failed;
  }
}

export function statusOfCheck(effect: DecisionEffect): number {
  return { allow: 0, deny: 1, ask: 2 }[effect];
}
