/**
 * Tells whether a text can change a repository, so that a run which cannot is spared a copy of it that would have to be
 * merged back. Only a matter of cost and of what works, never of safety: a run that was judged not to needs no more than
 * to be refused when it does.
 */
import type { AnalysedCommand, Analysis } from './model.ts';

const namedChanges: ReadonlySet<string> = new Set(['read', 'write', 'remove', 'chdir']);

/** False only when the catalogue accounts for everything that every command does, and none of it goes through git. */
export function mayWriteRepository({ script, commands }: Analysis): boolean {
  return script.kind === 'unparsable' || !commands.every(leavesRepository);
}

/** Folders in which commands run, by `cd` or by an option such as `git -C`, as far as they are known. */
export function findFolders({ commands }: Analysis): readonly string[] {
  const ofCommand = ({ cwd, effects, inner }: AnalysedCommand): readonly string[] => [
    ...(cwd === undefined ? [] : [cwd]),
    ...effects.flatMap((effect) =>
      effect.kind === 'chdir' ? (effect.target.resolved ?? effect.target.path ?? []) : [],
    ),
    ...inner.flatMap(ofCommand),
  ];
  return [...new Set(commands.flatMap(ofCommand))];
}

/**
 * A program that is not read-only and names no file that it changes does something else, perhaps by other programs:
 * `npm version` and `cargo new` run git.
 */
function leavesRepository(command: AnalysedCommand): boolean {
  if (command.readOnly) return true;
  const { known, program, effects, inner } = command;
  return (
    known &&
    program !== 'git' &&
    effects.every(({ kind }) => namedChanges.has(kind)) &&
    (inner.length > 0 || effects.some(({ kind }) => kind === 'write' || kind === 'remove')) &&
    inner.every(leavesRepository)
  );
}
