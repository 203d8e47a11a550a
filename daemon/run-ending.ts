/** How a run's end, its limits and what it used are told. */
import type { Exit } from '../client/protocol/events.ts';
import type { LimitName } from '../client/protocol/limit-names.ts';
import { describeLimit, howToRaise, type Limits } from './decide/limits.ts';
import type { WatchedLimit } from './limit-watch.ts';
import type { LimitReport, ProcessUse } from './sandbox/model.ts';

export type StopReason = 'cancelled' | 'daemon-stopped' | WatchedLimit;
export type Ending = Pick<Exit, 'reason' | 'code' | 'signal' | 'message' | 'help'>;

const reasonOfLimit = {
  timeoutMs: 'timeout',
  idleTimeoutMs: 'idle-timeout',
  outputBytes: 'output-limit',
} as const satisfies Record<WatchedLimit, Exit['reason']>;

export function describeStop(reason: StopReason, chosen: Limits): Ending {
  if (reason === 'daemon-stopped') return { reason, message: 'the daemon was stopped, and the command with it' };
  if (reason === 'cancelled') return { reason };
  return { reason: reasonOfLimit[reason], ...describeReached(reason, chosen) };
}

export function describeReached(name: LimitName, chosen: Limits): Pick<Exit, 'message' | 'help'> {
  const limit = chosen[name];
  if (limit === undefined) return {};
  return { message: `stopped at ${describeLimit(name, limit)}`, help: howToRaise(name, limit) };
}

export function showUse(use: ProcessUse | undefined): Pick<Exit, 'cpuMs' | 'maxRssBytes'> {
  const { cpuMs, maxRssBytes } = use ?? {};
  return { ...(cpuMs === undefined ? {} : { cpuMs }), ...(maxRssBytes === undefined ? {} : { maxRssBytes }) };
}

/** Those that the daemon holds itself, and what the sandbox says of the others. */
export function reportLimits(chosen: Limits, { limits: held, limitsAbsent }: LimitReport): LimitReport {
  const own = (Object.keys(reasonOfLimit) as WatchedLimit[]).flatMap((name) => {
    const value = chosen[name]?.value;
    return value === undefined ? [] : [{ name, value, per: 'run' as const }];
  });
  return { limits: [...own, ...held], limitsAbsent };
}
