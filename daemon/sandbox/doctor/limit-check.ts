/** Whether a run's memory and root's processes can be limited; every other limit is held without control groups. */
import { explainAbsence, findRunGroups } from '../groups/run-groups.ts';
import { type Outcome, passed } from './check.ts';

export function checkLimits(): Outcome {
  const groups = findRunGroups();
  const absence = explainAbsence(groups, 'memory') ?? explainAbsence(groups, 'pids');
  if (absence === undefined) return passed;
  return {
    ok: false,
    optional: true,
    message: `limits on memory, and on processes of root's commands, cannot be held for a run: ${absence.because}`,
    help: absence.help,
  };
}
