/**
 * Limits that nothing on this machine can hold. Whoever asks for one with a request is told so instead of being served
 * without it; one of a policy file is named with every run, and stands in the way of none.
 */
import { SbxError } from '../../client/protocol/errors.ts';
import { describeLimit, type Limits } from '../decide/limits.ts';
import type { NoGroups } from '../sandbox/groups/group-parent.ts';
import { explainAbsence, findRunGroups, type RunGroups } from '../sandbox/groups/run-groups.ts';

/**
 * @param processesOfSession what root's are held to without a group.
 * @param groups default: where this daemon may make any.
 * @returns remarks, none for a session without a sandbox. @throws {SbxError} `sandbox-unavailable`
 */
export function findUnheld(
  limits: Limits,
  session: { readonly sandboxed: boolean; readonly account: { readonly uid: number } },
  processesOfSession = 0,
  groups: RunGroups | NoGroups = findRunGroups(),
): readonly string[] {
  const { memoryBytes, processes } = limits;
  if (!session.sandboxed) return [];
  const isRootsOwn = session.account.uid === 0 && (processes?.value ?? 0) < processesOfSession;
  return [
    ...check('memoryBytes', memoryBytes, explainAbsence(groups, 'memory')),
    ...(isRootsOwn ? check('processes', processes, explainAbsence(groups, 'pids')) : []),
  ];
}

function check(
  name: 'memoryBytes' | 'processes',
  limit: Limits[typeof name],
  absence: NoGroups | undefined,
): readonly string[] {
  if (limit === undefined || absence === undefined) return [];
  const message = `${describeLimit(name, limit)}, cannot be held here: ${absence.because}`;
  const { layer, file } = limit.origin;
  if (file !== undefined || (layer !== 'flags' && layer !== 'session')) return [message];
  throw new SbxError('sandbox-unavailable', message, { help: `leave it out, or ${absence.help}` });
}
