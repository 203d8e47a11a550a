/**
 * Which paths analysis will want facts about: every absolute path that an effect names. Found by analysing without facts,
 * so that there is one account of what a word means; a `cd` whose target is not known yet is followed as text.
 */
import type { AnalysedCommand, Analysis, Effect } from './model.ts';

export function collectPaths(analysis: Analysis): string[] {
  const paths = new Set<string>();
  const take = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if ('target' in effect && effect.target.path !== undefined) paths.add(effect.target.path);
    }
  };
  const visit = (command: AnalysedCommand): void => {
    if (command.cwd !== undefined) paths.add(command.cwd);
    take(command.effects);
    command.inner.forEach(visit);
  };
  analysis.commands.forEach(visit);
  take(analysis.effects);
  return [...paths];
}
