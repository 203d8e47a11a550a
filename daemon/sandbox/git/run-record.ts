/**
 * `run.json` beside a run's staged copy: what the merge back needs to know when the daemon that began it is gone. It also
 * names that daemon, so that another one never takes the copy of a run that is still going on.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readPidNamespace, readStat } from '../../platform/process-tree.ts';

export interface RunRecord {
  readonly gitFolder: string;
  readonly workspace: string;
  readonly daemon: DaemonMark;
}

interface DaemonMark {
  readonly pid: number;
  /** Field 22 of proc(5) stat: tells processes of one number apart. */
  readonly startTime: string;
  readonly pidNamespace: string;
  readonly boot: string;
}

function markDaemon(): DaemonMark {
  return {
    pid: process.pid,
    startTime: readStat(process.pid)?.startTime ?? '',
    pidNamespace: readPidNamespace('self') ?? '',
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
}

let own: DaemonMark | undefined;

export function makeRecord(gitFolder: string, workspace: string): RunRecord {
  own ??= markDaemon();
  return { gitFolder, workspace, daemon: own };
}

/** Undefined when there is none, or none of ours: then nothing is known about what lies beside it. */
export function readRecord(folder: string): RunRecord | undefined {
  try {
    const data = JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8')) as Partial<RunRecord>;
    const { gitFolder, workspace, daemon } = data;
    if (typeof gitFolder !== 'string' || typeof workspace !== 'string') return undefined;
    if (typeof daemon?.pid !== 'number') return undefined;
    return { gitFolder, workspace, daemon };
  } catch {
    return undefined;
  }
}

/**
 * `elsewhere`: in another pid namespace of this boot, such as another container with the same home, where nothing can be
 * told about it.
 */
export function findDaemon({ daemon }: RunRecord): 'this' | 'alive' | 'gone' | 'elsewhere' {
  own ??= markDaemon();
  if (daemon.boot !== own.boot) return 'gone';
  if (daemon.pidNamespace !== own.pidNamespace) return 'elsewhere';
  if (daemon.pid === own.pid && daemon.startTime === own.startTime) return 'this';
  const stat = readStat(daemon.pid);
  // a killed one stays a zombie until somebody reaps it, which in many a container nobody does
  return stat !== undefined && stat.startTime === daemon.startTime && stat.state !== 'Z' ? 'alive' : 'gone';
}
