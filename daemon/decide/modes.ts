/** What the mode accept-edits approves by itself, and what counts as inside the places a command may work in (RULES §11). */
import type { AnalysedCommand, Facts, PathTarget } from '../analyse/model.ts';

/** Programs whose whole purpose is changing files. The list is the documented one and cannot be extended (RULES §11). */
const editPrograms = new Set(['mkdir', 'touch', 'rm', 'rmdir', 'mv', 'cp', 'sed']);

export function isEditCommand(command: AnalysedCommand, facts: Facts): boolean {
  if (command.program === undefined || !editPrograms.has(command.program)) return false;
  if (command.unnamed.length > 0 || command.inner.length > 0 || command.effects.length === 0) return false;
  return command.effects.every((effect) => {
    if (effect.kind === 'read') return true;
    return (effect.kind === 'write' || effect.kind === 'remove') && isInside(effect.target, facts, false);
  });
}

/**
 * Both the path and what it leads to lie in the workspace or an additional folder, or with `temporary` in one of those.
 * A path whose unknown part cannot leave its folder, a glob, counts by that folder.
 */
export function isInside(target: PathTarget, facts: Facts, temporary: boolean): boolean {
  const folders = [
    ...(facts.workspace === undefined ? [] : [facts.workspace]),
    ...facts.additionalDirectories,
    ...(temporary ? facts.temporaryDirectories : []),
  ];
  const within = (path: string | undefined): boolean =>
    path !== undefined &&
    folders.some((folder) => path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`));
  if (target.path === undefined) return target.confined && within(target.prefix);
  return within(target.path) && within(target.resolved);
}
