/**
 * Puts what carries a command into the run's group before the command exists: bubblewrap first reads its options, which
 * it is given only then. So not even the first process inside was ever outside of its limits.
 */
import { readChildren } from '../../platform/process-tree.ts';
import type { RunGroup } from './run-groups.ts';

const patienceMs = 10_000;

/**
 * Whoever is started by a member is one as well, so when nobody new was found all are in.
 * @param find the first of those that are to be in it, which may not be there yet.
 * @throws when it does not appear, or cannot be moved.
 */
export async function joinGroup(group: RunGroup, find: () => readonly number[]): Promise<void> {
  const until = performance.now() + patienceMs;
  const members = new Set<number>();
  for (;;) {
    const fresh = listBelow(find()).filter((pid) => !members.has(pid));
    if (fresh.length === 0 && members.size > 0) return;
    for (const pid of fresh) if (addLiving(group, pid)) members.add(pid);
    if (fresh.length > 0 && members.size > 0) continue;
    if (performance.now() > until) throw new Error('what carries the command did not start');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** What prepares the way for the carrier starts programs that end again. */
function addLiving(group: RunGroup, pid: number): boolean {
  try {
    group.add(pid);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

function listBelow(pids: readonly number[]): number[] {
  return pids.flatMap((pid) => [pid, ...listBelow(readChildren(pid))]);
}
