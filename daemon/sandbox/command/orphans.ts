/**
 * Ends what a run left in its session: nothing acts after its run has ended. Every process is found at the moment of the
 * signal by walking from the session's own first process, which the template holds.
 */
import {
  listProcesses,
  readChildren,
  readNamespacePids,
  readPidNamespace,
  readStat,
  sendSignal,
} from '../../platform/process-tree.ts';
import { scriptNumber, type Template } from '../template/template.ts';

/**
 * The carrier ends with the command, the kernel then ends what the command left running. What is left of a command
 * without its bubblewrap is a child of the session's init, and is ended here as well: one that was killed in its first
 * moments had no time to arrange that its child dies with it.
 */
export async function endOrphans(template: Template): Promise<void> {
  for (;;) {
    const init = template.init();
    const orphans =
      init === undefined ? [] : readChildren(init).filter((pid) => readNamespacePids(pid).at(-1) !== scriptNumber);
    if (orphans.length === 0) return;
    for (const orphan of orphans) sendSignal(orphan, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * A carrier that was killed from outside leaves its child to the host's first process, not to the session's: such a child
 * is in the session's pid namespace, and its parent is neither there nor a carrier.
 */
export async function endStrays(template: Template, carriers: ReadonlySet<number>): Promise<void> {
  for (;;) {
    const init = template.init();
    const namespace = init === undefined ? undefined : readPidNamespace(init);
    if (init === undefined || namespace === undefined) return;
    const members = new Set(listProcesses().filter((pid) => readPidNamespace(pid) === namespace));
    // a terminal's leader starts what carries the command
    const parents = new Set([...members, ...carriers, ...[...carriers].flatMap(readChildren)]);
    const strays = [...members].filter((pid) => {
      const stat = readStat(pid);
      return pid !== init && stat !== undefined && stat.state !== 'Z' && !parents.has(stat.parent);
    });
    if (strays.length === 0) return;
    for (const stray of strays) sendSignal(stray, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
