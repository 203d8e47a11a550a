/**
 * What the kernel holds of a command's limits by itself: resource limits, which every process of the command inherits
 * and none can raise, because that takes a right in the machine's own user namespace. Who carries the command sets them
 * just before it becomes bubblewrap, which costs no further program.
 *
 * How processes are counted, tried on Linux 6.18: a process counts for its account in its own user namespace and in every
 * one above. For the namespaces above it holds what their maker was limited to, in the innermost the process's own limit.
 * So the carrier's limit, set in the session's namespace, holds for all commands of the session together, and one set
 * inside the command's own namespaces for this command alone. The machine's root is never counted, in whatever namespace.
 * Source: kernel/ucount.c, `is_rlimit_overlimit`; kernel/fork.c, `copy_process`.
 */
import type { HardLimits, ResourceName } from '../../platform/resource-limits.ts';
import type { CommandLimits } from '../model.ts';

/** What holds for all commands of a session. */
export interface SessionCeilings {
  readonly processes: number;
  /** The daemon's own. */
  readonly hard: HardLimits;
}

/** A process that ignores the signal at its processor time has this much longer. */
const cpuGraceSeconds = 5;

/** `ulimit` counts files in blocks of this size. Source: bash(1) "ulimit" */
const blockBytes = 1024;

interface ResourceLimit {
  readonly resource: ResourceName;
  readonly soft: number;
  readonly hard: number;
}

const ulimitOptions: Readonly<Record<ResourceName, string>> = {
  core: '-c',
  cpu: '-t',
  fsize: '-f',
  nofile: '-n',
  nproc: '-u',
};

function listCarried(limits: CommandLimits, ceilings: SessionCeilings): readonly ResourceLimit[] {
  const { cpuSeconds, fileBytes, openFiles, processes = 0 } = limits;
  const limit = (resource: ResourceName, soft: number | undefined, above = 0): ResourceLimit[] => {
    if (soft === undefined) return [];
    const most = ceilings.hard[resource];
    return [{ resource, soft: Math.min(soft, most), hard: Math.min(soft + above, most) }];
  };
  return [
    // the core of a program that read secrets would lie in the workspace, or go to the host's own collector
    ...limit('core', 0),
    ...limit('nofile', openFiles),
    ...limit('nproc', Math.max(ceilings.processes, processes)),
    ...limit('fsize', fileBytes === undefined ? undefined : Math.floor(fileBytes / blockBytes) * blockBytes),
    ...limit('cpu', cpuSeconds, cpuGraceSeconds),
  ];
}

/** One word for the session's starter: `OPTION:SOFT:HARD`, with commas between. */
export function asUlimits(limits: CommandLimits, ceilings: SessionCeilings): string {
  return listCarried(limits, ceilings)
    .map(({ resource, soft, hard }) => {
      const unit = resource === 'fsize' ? blockBytes : 1;
      return `${ulimitOptions[resource]}:${soft / unit}:${hard / unit}`;
    })
    .join(',');
}

/** The same as the beginning of an argv. */
export function asPrlimit(prlimit: string, limits: CommandLimits, ceilings: SessionCeilings): string[] {
  return [prlimit, ...listCarried(limits, ceilings).map(({ resource, soft, hard }) => `--${resource}=${soft}:${hard}`)];
}

/** Beginning of the argv inside, for a command that may have fewer processes than its session. */
export function limitInside(prlimit: string, { processes }: CommandLimits, ceilings: SessionCeilings): string[] {
  if (processes === undefined || processes >= ceilings.processes) return [];
  return [prlimit, `--nproc=${processes}:${processes}`];
}
