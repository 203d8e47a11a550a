/**
 * The processes of a run without a sandbox: those of its session, the one that `setsid` made for it. A program that has
 * moved to another session, as servers do on purpose, is not among them and lives on, as it does in any shell.
 */
import { existsSync, readFileSync } from 'node:fs';
import { listProcesses } from '../../platform/process-tree.ts';

interface Member {
  readonly pid: number;
  readonly group: number;
}

/** Living processes of the session. Source: proc_pid_stat(5), fields 3, 5 and 6. */
function listMembers(session: number): Member[] {
  return listProcesses().flatMap((pid) => {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    } catch {
      return [];
    }
    // the name in parentheses may hold anything: fields count from the last one
    const [state, , group, its] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const isGone = state === 'Z' || state === 'X';
    return Number(its) === session && !isGone ? [{ pid, group: Number(group) }] : [];
  });
}

/** @returns false when it may not be signalled: a program of another account, such as `sudo`. */
function sendSignal(target: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(target, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
  return true;
}

/** To every process group of the session, with those that are founded meanwhile; at most four looks. */
export function signalSession(session: number, name: NodeJS.Signals): void {
  const reached = new Set<number>();
  for (let look = 0; look < 4; look++) {
    const fresh = new Set(listMembers(session).map(({ group }) => group));
    for (const group of reached) fresh.delete(group);
    if (fresh.size === 0) return;
    for (const group of fresh) {
      reached.add(group);
      sendSignal(-group, name);
    }
  }
}

/** KILL to every process of the session that may be signalled, but for the named one. @returns how many there were. */
export function killSession(session: number, except?: number): number {
  const members = listMembers(session).filter(({ pid }) => pid !== except);
  return members.filter(({ pid }) => sendSignal(pid, 'SIGKILL')).length;
}

/**
 * Ends what a session still has when its leader was reaped. While there is a member, the kernel gives the leader's number
 * to nobody: a process that has it belongs to a new session, and none of the old one is left.
 */
export async function endSession(session: number): Promise<void> {
  for (let waitMs = 1; !existsSync(`/proc/${session}`); waitMs = Math.min(waitMs * 2, 50)) {
    if (killSession(session) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
