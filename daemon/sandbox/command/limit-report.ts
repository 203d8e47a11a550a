/** Says of each of a command's limits who holds it, or why nobody can. */

import type { ResourceName } from '../../platform/resource-limits.ts';
import type { NoGroups } from '../groups/group-parent.ts';
import { explainAbsence, type RunGroups } from '../groups/run-groups.ts';
import type { CommandLimits, KernelLimit, LimitReport } from '../model.ts';
import type { SessionPlan } from '../plan/plan.ts';
import type { SessionCeilings } from './process-limits.ts';

type SessionLimits = Pick<SessionPlan, 'account' | 'processes' | 'processNumbers' | 'tmpBytes'>;

const perProcess = [
  ['cpuSeconds', 'cpu'],
  ['openFiles', 'nofile'],
  ['fileBytes', 'fsize'],
] as const satisfies readonly (readonly [KernelLimit, ResourceName])[];

export function reportLimits(
  limits: CommandLimits,
  session: SessionLimits,
  { hard }: SessionCeilings,
  groups: RunGroups | NoGroups,
): LimitReport {
  const { memoryBytes, processes = session.processes } = limits;
  const found: LimitReport[] = [
    ...perProcess.map(([name, resource]) => held(name, capped(limits[name], hard[resource]), 'process')),
    reportProcesses(processes, session, groups),
    reportMemory(memoryBytes, groups),
    held('tmpBytes', session.tmpBytes, 'session'),
  ];
  return {
    limits: found.flatMap((each) => each.limits),
    limitsAbsent: found.flatMap((each) => each.limitsAbsent),
  };
}

function capped(value: number | undefined, most: number): number | undefined {
  return value === undefined ? undefined : Math.min(value, most);
}

function held(name: KernelLimit, value: number | undefined, per: 'run' | 'session' | 'process'): LimitReport {
  return { limits: value === undefined ? [] : [{ name, value, per }], limitsAbsent: [] };
}

function absent(name: KernelLimit, value: number, because: string): LimitReport {
  return { limits: [], limitsAbsent: [{ name, value, because }] };
}

function reportMemory(value: number | undefined, groups: RunGroups | NoGroups): LimitReport {
  if (value === undefined) return held('memoryBytes', value, 'run');
  const reason = explainAbsence(groups, 'memory');
  return reason === undefined ? held('memoryBytes', value, 'run') : absent('memoryBytes', value, reason.because);
}

/** Root's are counted by a control group, or as the numbers that a session has. */
function reportProcesses(value: number, session: SessionLimits, groups: RunGroups | NoGroups): LimitReport {
  if (session.account.uid !== 0) return held('processes', value, value < session.processes ? 'run' : 'session');
  const together = held('processes', session.processNumbers, 'session').limits;
  if (together.length > 0 && value >= session.processes) return held('processes', session.processNumbers, 'session');
  const reason = explainAbsence(groups, 'pids');
  if (reason === undefined) return held('processes', value, 'run');
  const because = `commands run as root, whose processes the kernel counts in a control group only; ${reason.because}`;
  return { limits: together, limitsAbsent: absent('processes', value, because).limitsAbsent };
}

/** Outside the sandbox a command has what its account has. */
export function reportNone({ swapBytes: _, ...limits }: CommandLimits): LimitReport {
  const asked = Object.entries(limits) as [Exclude<keyof CommandLimits, 'swapBytes'>, number][];
  return {
    limits: [],
    limitsAbsent: asked.map(([name, value]) => ({ name, value, because: 'the sandbox is off' })),
  };
}
