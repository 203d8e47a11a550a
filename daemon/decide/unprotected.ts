/**
 * Protected paths that a user's policy lets commands write (`sandbox.unprotect`): a write to them is a write like any
 * other. Only what is known in full counts, by its name and by what it leads to; a guess stays a question.
 */
import type { AnalysedCommand, Analysis, Effect, Facts, Finding, PathTarget } from '../analyse/model.ts';
import { findScope } from './path-scope.ts';
import type { Policy } from './policy.ts';

/** @returns whether the finding is about writes to protected paths, all of which the policy lets through. */
export function liftsProtection(policy: Policy, analysis: Analysis, facts: Facts): (finding: Finding) => boolean {
  const scopes = policy.files
    .filter(({ list }) => list === 'unprotect')
    .flatMap(({ pattern }) => findScope(pattern, 'grant', facts) ?? []);
  if (scopes.length === 0) return () => false;
  const covers = (path: string | undefined): boolean =>
    path !== undefined && scopes.some((scope) => scope.covers(path));
  const targets = listWrites(analysis);
  return ({ id, span }) => {
    if (id !== 'protected-path') return false;
    const meant = targets.filter(({ span: own }) => own.start < span.end && own.end > span.start);
    return meant.length > 0 && meant.every(({ path, resolved }) => covers(path) && covers(resolved));
  };
}

/** Every place that the text is known to write or remove, in what it runs in turn too. */
export function listWrites(analysis: Analysis): readonly PathTarget[] {
  const ofCommand = (command: AnalysedCommand): readonly Effect[] => [
    ...command.effects,
    ...command.inner.flatMap(ofCommand),
  ];
  return [...analysis.commands.flatMap(ofCommand), ...analysis.effects].flatMap((effect) =>
    effect.kind === 'write' || effect.kind === 'remove' ? [effect.target] : [],
  );
}
