/** Says of each of a command's limits who holds it, or why nobody can. */
import type { CommandLimits, KernelLimit, LimitReport } from '../model.ts';
import type { SessionPlan } from '../plan/plan.ts';

type Held = LimitReport['limits'][number];
type Absent = LimitReport['limitsAbsent'][number];

const perProcess = ['cpuSeconds', 'openFiles', 'fileBytes'] as const satisfies readonly KernelLimit[];

type SessionLimits = Pick<SessionPlan, 'account' | 'processes' | 'processNumbers' | 'tmpBytes'>;

const uncounted = 'commands run as root, whose processes the kernel does not count for one command';

export function reportLimits(
  limits: CommandLimits,
  { account, processes: together, processNumbers, tmpBytes }: SessionLimits,
): LimitReport {
  const held: Held[] = perProcess.flatMap((name) => {
    const value = limits[name];
    return value === undefined ? [] : [{ name, value, per: 'process' as const }];
  });
  const absent: Absent[] = [];
  const { memoryBytes, processes = together } = limits;
  if (account.uid === 0) {
    if (processNumbers !== undefined) held.push({ name: 'processes', value: processNumbers, per: 'session' });
    if (processNumbers === undefined || processes < together) {
      absent.push({ name: 'processes', value: processes, because: uncounted });
    }
  } else held.push({ name: 'processes', value: processes, per: processes < together ? 'run' : 'session' });
  if (memoryBytes !== undefined) {
    absent.push({ name: 'memoryBytes', value: memoryBytes, because: 'there is no control group for it' });
  }
  return { limits: [...held, { name: 'tmpBytes', value: tmpBytes, per: 'session' }], limitsAbsent: absent };
}

/** Outside the sandbox a command has what its account has. */
export function reportNone(limits: CommandLimits): LimitReport {
  const asked = Object.entries(limits) as [keyof CommandLimits, number][];
  return {
    limits: [],
    limitsAbsent: asked.map(([name, value]) => ({ name, value, because: 'the sandbox is off' })),
  };
}
