/**
 * Looks for what an earlier daemon left behind. There should never be anything: a template ends with its daemon, by the
 * parent-death signal and by the closed pipe, and the kernel ends the commands with it. A defect here would let a command
 * act after it was stopped, so the next start checks and ends what it finds.
 */
import { listProcesses, readArguments, readPidNamespace, readStat } from '../../platform/process-tree.ts';
import { holderMark } from './setup-script.ts';

export interface Survivor {
  readonly pid: number;
  /** The daemon that made it. */
  readonly daemonPid: number;
}

/**
 * Templates whose daemon is gone or has become another process. Only those of daemons in this pid namespace: in another
 * one (a container that this host can see) the recorded number means another process, and the template may be in use.
 */
export function findSurvivors(): Survivor[] {
  const namespace = readPidNamespace('self');
  return listProcesses().flatMap((pid) => {
    const args = readArguments(pid);
    const mark = args.indexOf(holderMark);
    if (mark < 0) return [];
    const daemonPid = Number(args[mark + 1]);
    if (!Number.isInteger(daemonPid) || daemonPid < 2) return [];
    if (namespace === undefined || args[mark + 3] !== namespace) return [];
    return readStat(daemonPid)?.startTime === args[mark + 2] ? [] : [{ pid, daemonPid }];
  });
}

/** Ends what was left behind and gives what it found. */
export function endSurvivors(): Survivor[] {
  const found = findSurvivors();
  for (const { pid } of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it belongs to another user, or ended meanwhile
    }
  }
  return found;
}

const patienceMs = 5000;

/** Resolves when nothing of a daemon that is gone still runs. The kernel sees to that by itself, but not in the same instant. */
export async function awaitEnds(): Promise<void> {
  endSurvivors();
  for (const deadline = Date.now() + patienceMs; findSurvivors().length > 0 && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
