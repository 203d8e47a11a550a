/** Names a daemon in what it leaves on disk, so that another one never takes what belongs to a run that is still going on. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { readPidNamespace, readStat } from '../platform/process-tree.ts';

export interface DaemonMark {
  readonly pid: number;
  /** Field 22 of proc(5) stat: tells processes of one number apart. */
  readonly startTime: string;
  readonly pidNamespace: string;
  readonly boot: string;
}

let own: DaemonMark | undefined;

export function markDaemon(): DaemonMark {
  own ??= {
    pid: process.pid,
    startTime: readStat(process.pid)?.startTime ?? '',
    pidNamespace: readPidNamespace('self') ?? '',
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  };
  return own;
}

/** When this boot began, by the clock as it is now. */
export function findBootMs(): number {
  return Date.now() - os.uptime() * 1000;
}

/**
 * `elsewhere`: in another pid namespace of this boot, such as another container with the same home, where nothing can be
 * told about it.
 */
export function findDaemon({ daemon }: { readonly daemon: DaemonMark }): 'this' | 'alive' | 'gone' | 'elsewhere' {
  const { boot, pidNamespace, pid, startTime } = markDaemon();
  if (daemon.boot !== boot) return 'gone';
  if (daemon.pidNamespace !== pidNamespace) return 'elsewhere';
  if (daemon.pid === pid && daemon.startTime === startTime) return 'this';
  const stat = readStat(daemon.pid);
  // a killed one stays a zombie until somebody reaps it, which in many a container nobody does
  return stat !== undefined && stat.startTime === daemon.startTime && stat.state !== 'Z' ? 'alive' : 'gone';
}
