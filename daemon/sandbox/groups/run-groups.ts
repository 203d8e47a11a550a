/**
 * One control group for each run: the kernel limits memory and processes of all of it together and counts what it used. A
 * process cannot leave its group, because the hierarchy is read-only inside. Groups lie below a folder that names the
 * daemon, are removed with their run, and what a killed daemon left is removed by the next one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readPidNamespace, readStat } from '../../platform/process-tree.ts';
import type { CommandLimits, ProcessUse } from '../model.ts';
import { type Controller, findGroupParent, type GroupParent, isGroupParent, type NoGroups } from './group-parent.ts';

export interface RunGroup {
  readonly controllers: ReadonlySet<Controller>;
  /** @throws when the process is gone, or may not be moved. */
  readonly add: (pid: number) => void;
  /** Reads what it used, ends whoever is left in it, and removes it. Never rejects. */
  readonly end: () => Promise<ProcessUse>;
}

/** Of the sandbox itself: bubblewrap, its init, and what else carries the command. */
const carryingProcesses = 4;

const prefix = 'sbx-run-';

/** Which daemon a folder belongs to: its number, when it began, and where that number means it. */
function nameOf(pid: number, started: string, namespace: string): string {
  return `${prefix}${pid}-${started}-${/\d+/.exec(namespace)?.[0] ?? '0'}`;
}

/** Where groups can be made. */
export interface RunGroups {
  /** What can be limited in them. */
  readonly controllers: ReadonlySet<Controller>;
  /** @throws when the kernel refuses a limit that it says it has. */
  readonly make: (limits: CommandLimits) => RunGroup;
}

/**
 * Whether a command needs a group for its limits. Not every command gets one: to move a process the kernel waits until
 * every processor has passed through a quiet state (`cgroup_threadgroup_rwsem`), which took 15 to 20 ms, longer than all
 * else that is needed to start a command.
 */
export function needsGroup(
  { memoryBytes, processes }: CommandLimits,
  groups: RunGroups,
  session: { readonly isRoot: boolean; readonly processes: number },
): boolean {
  if (memoryBytes !== undefined && groups.controllers.has('memory')) return true;
  return groups.controllers.has('pids') && session.isRoot && processes !== undefined && processes < session.processes;
}

export function hasGroups(groups: RunGroups | NoGroups): groups is RunGroups {
  return 'make' in groups;
}

export class OwnGroups implements RunGroups {
  readonly #parent: GroupParent;
  readonly #base: string;
  #made = 0;

  constructor(parent: GroupParent) {
    this.#parent = parent;
    const started = readStat(process.pid)?.startTime ?? '';
    this.#base = path.join(parent.folder, nameOf(process.pid, started, readPidNamespace('self') ?? ''));
  }

  get controllers(): ReadonlySet<Controller> {
    return this.#parent.controllers;
  }

  make(limits: CommandLimits): RunGroup {
    const { controllers } = this.#parent;
    const folder = path.join(this.#base, `run-${++this.#made}`);
    const set = (name: string, value: string | number): void => writeFileSync(path.join(folder, name), String(value));
    if (!existsSync(this.#base)) {
      mkdirSync(this.#base);
      for (const name of controllers) writeFileSync(path.join(this.#base, 'cgroup.subtree_control'), `+${name}`);
    }
    mkdirSync(folder);
    try {
      if (controllers.has('pids') && limits.processes !== undefined) {
        set('pids.max', limits.processes + carryingProcesses);
      }
      if (controllers.has('memory') && limits.memoryBytes !== undefined) {
        set('memory.max', limits.memoryBytes);
        // one process of it ended at random leaves a run that hangs, or goes on with half of its work
        set('memory.oom.group', 1);
        if (limits.swapBytes !== undefined && existsSync(path.join(folder, 'memory.swap.max'))) {
          set('memory.swap.max', limits.swapBytes);
        }
      }
    } catch (error) {
      removeGroup(folder);
      throw error;
    }
    return {
      controllers,
      add: (pid) => set('cgroup.procs', pid),
      end: async () => {
        const use = readUse(folder);
        await endGroup(folder);
        // the folder of the daemon stays as long as another run is in it
        removeGroup(this.#base);
        return use;
      },
    };
  }
}

function readText(folder: string, name: string): string {
  try {
    return readFileSync(path.join(folder, name), 'utf8');
  } catch {
    return '';
  }
}

function readUse(folder: string): ProcessUse {
  const field = (text: string, name: string): number | undefined => {
    const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const usageUs = field(readText(folder, 'cpu.stat'), 'usage_usec');
  const peak = readText(folder, 'memory.peak').trim();
  const events = readText(folder, 'memory.events.local');
  return {
    cpuMs: usageUs === undefined ? undefined : usageUs / 1000,
    maxRssBytes: peak === '' ? undefined : Number(peak),
    outOfMemory: (field(events, 'oom_kill') ?? 0) > 0,
  };
}

/** False when it is not empty yet. */
function removeGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** A killed process stays a member until it has gone through its end. */
const patienceMs = 2_000;

async function endGroup(folder: string): Promise<void> {
  if (removeGroup(folder)) return;
  const until = performance.now() + patienceMs;
  for (let waitMs = 1; performance.now() < until; waitMs = Math.min(waitMs * 2, 50)) {
    try {
      writeFileSync(path.join(folder, 'cgroup.kill'), '1');
    } catch {
      // before Linux 5.14 there is none; whatever a run leaves is ended without it
    }
    if (removeGroup(folder)) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

let found: RunGroups | NoGroups | undefined;

/** Looked for once: a daemon is not moved to another group. */
export function findRunGroups(): RunGroups | NoGroups {
  found ??= look();
  return found;
}

function look(): RunGroups | NoGroups {
  try {
    const parent = findGroupParent();
    return isGroupParent(parent) ? new OwnGroups(parent) : parent;
  } catch (error) {
    return { because: `control groups cannot be looked at: ${(error as Error).message}`, help: 'run `sbx doctor`' };
  }
}

/** Why a controller is not there; undefined when it is. */
export function explainAbsence(groups: RunGroups | NoGroups, controller: Controller): NoGroups | undefined {
  if (!hasGroups(groups)) return groups;
  if (groups.controllers.has(controller)) return undefined;
  return {
    because: `control groups of version 2 have no \`${controller}\` here`,
    help: 'boot with `systemd.unified_cgroup_hierarchy=1`, or enable it in the group above the daemon',
  };
}

/** Removes what daemons left that are gone, and gives the folders. Those of other pid namespaces are not ours to judge. */
export async function sweepRunGroups(): Promise<string[]> {
  let parent: GroupParent | NoGroups;
  try {
    parent = findGroupParent();
  } catch {
    return []; // what cannot be looked at is said by `findRunGroups`
  }
  if (!isGroupParent(parent)) return [];
  const namespace = readPidNamespace('self') ?? '';
  const left = readdirSync(parent.folder).filter((name) => {
    const [pid, started] = name.startsWith(prefix) ? name.slice(prefix.length).split('-') : [];
    if (pid === undefined || started === undefined || name !== nameOf(Number(pid), started, namespace)) return false;
    return readStat(Number(pid))?.startTime !== started;
  });
  for (const name of left) {
    const base = path.join(parent.folder, name);
    for (const entry of readdirSync(base, { withFileTypes: true })) {
      if (entry.isDirectory()) await endGroup(path.join(base, entry.name));
    }
    await endGroup(base);
  }
  return left;
}
