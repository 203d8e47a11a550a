/**
 * The files of a command as rules see them: those it names, and where `find` or a listing names them, the names that these
 * can print.
 */
import type { AnalysedCommand, Analysis, Effect, Facts, PathTarget } from '../analyse/model.ts';
import type { Token } from './glob.ts';
import { findFoundNames, findListing } from './listed-names.ts';
import type { TargetView } from './path-match.ts';
import { findsHiddenNames, pathShape } from './path-shape.ts';

export function viewTargets(command: AnalysedCommand, facts: Facts, analysis: Analysis): readonly TargetView[] {
  const isFound = (effect: Effect): boolean => 'target' in effect && effect.target.source === foundPath;
  const found = command.effects.some(isFound) ? findFoundNames(command) : undefined;
  return command.effects.flatMap((effect) => viewTarget(effect, command, facts, analysis, found));
}

function viewTarget(
  effect: Effect,
  command: AnalysedCommand,
  facts: Facts,
  analysis: Analysis,
  found: readonly (readonly Token[])[] | undefined,
): readonly TargetView[] {
  if (effect.kind !== 'read' && effect.kind !== 'write' && effect.kind !== 'remove') return [];
  const { kind, target } = effect;
  if (target.source === foundPath) return viewFound(kind, target, found);
  if (target.path !== undefined) return viewNamed(kind, target, command);
  const hidden = findsHiddenNames(analysis);
  const listing = hidden ? undefined : findListing(command, target, analysis.commands);
  if (listing === undefined || !coversTrees(kind, target, listing.trees, facts)) {
    return [{ kind, target, shape: pathShape(target, command, facts, hidden) }];
  }
  return [
    ...listing.names.map((shape): TargetView => ({ kind, target, shape, listed: true })),
    ...listing.trees.map((tree): TargetView => {
      const below = { ...target, path: tree, resolved: tree, recursive: true };
      return { kind, target: below, shape: undefined, listed: true };
    }),
  ];
}

/**
 * Whether the folders of a listing stand for all that it finds in them. For searching them they do, as for a search of a tree.
 * What shows whole files is asked about, and what changes them unless the folders are named: one could be restricted.
 */
function coversTrees(kind: TargetView['kind'], target: PathTarget, trees: readonly string[], facts: Facts): boolean {
  if (trees.length === 0) return true;
  if (kind === 'read') return target.searched === true;
  return trees.every((tree) => ![facts.workspace, facts.cwd].some((folder) => `${folder}/`.startsWith(`${tree}/`)));
}

/** `find -delete` removes only the names that it looks for. */
function viewNamed(kind: TargetView['kind'], target: PathTarget, command: AnalysedCommand): readonly TargetView[] {
  const deletes = kind === 'remove' && target.recursive && command.program === 'find';
  const names = deletes ? findFoundNames(command) : undefined;
  return names === undefined ? [{ kind, target, shape: undefined }] : viewFound(kind, target, names);
}

/** `{}` of `find -exec`: the names that it looks for, or else its whole tree, which counts like any search of a tree. */
function viewFound(
  kind: TargetView['kind'],
  target: PathTarget,
  names: readonly (readonly Token[])[] | undefined,
): readonly TargetView[] {
  if (names !== undefined)
    return names.map((shape) => ({
      kind,
      target: { ...target, path: undefined, resolved: undefined },
      shape,
      listed: true,
    }));
  const path = target.path ?? target.prefix?.replace(/\/$/, '');
  return [{ kind, target: { ...target, path, resolved: target.resolved ?? path, recursive: true }, shape: undefined }];
}

/** What it writes for the paths that `find` gives to a command. */
const foundPath = '{}';
