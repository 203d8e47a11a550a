/** What the mode accept-edits approves by itself, and what counts as inside the places a command may work in (RULES §11). */
import type { AnalysedCommand, Facts, PathTarget } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';

/** Programs whose whole purpose is changing files. The list is the documented one and cannot be extended (RULES §11). */
const editPrograms = new Set(['mkdir', 'touch', 'rm', 'rmdir', 'mv', 'cp', 'sed']);

export function isEditCommand(command: AnalysedCommand, facts: Facts): boolean {
  const { effects, inner, layers, program, unnamed } = command;
  if (program === undefined || !editPrograms.has(program) || inner.length > 0 || effects.length === 0) return false;
  // An assignment that is still there changes more than language or colour.
  const form = layers.filter((layer) => layer.grants).at(-1);
  if (form === undefined || !form.text.startsWith(form.words[0]?.source ?? ' ')) return false;
  const writes = effects.flatMap((effect) =>
    effect.kind === 'write' || effect.kind === 'remove' ? [effect.target] : [],
  );
  const isNamedFile = (word: Word): boolean => writes.some((target) => target.source === word.source);
  if (!unnamed.every(({ word }) => isNamedFile(word))) return false;
  if (!effects.every((effect) => effect.kind === 'read' || effect.kind === 'write' || effect.kind === 'remove'))
    return false;
  return writes.every((target) => isInside(target, facts, false));
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
  if (target.path === undefined) {
    const folder = target.prefix?.replace(/(?<=.)\/[^/]*$/, '');
    const fact = folder === undefined ? undefined : facts.paths.get(folder);
    return target.confined && within(target.prefix) && within(fact?.resolved);
  }
  return within(target.path) && within(target.resolved);
}
