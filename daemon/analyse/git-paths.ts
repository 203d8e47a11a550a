/**
 * What git's words mean for files: revisions with paths, pathspecs that are written, and trees of which git changes what it
 * tracks without naming it (RULES P13).
 */
import { type Arg, argFrom, makeArg, prefixOf } from './args.ts';
import type { Draft } from './interpretation.ts';
import type { Facts } from './model.ts';
import { makeTarget, resolvePath } from './path-targets.ts';
import { hasOption, type Reading } from './reading.ts';

/** `REVISION:PATH`, or a path of the working tree; a plain revision names no file that anybody restricts. */
export function applyGitObject(arg: Arg, draft: Draft, facts: Facts): void {
  const known = prefixOf(arg);
  const colon = known.indexOf(':');
  if (arg.text === undefined && colon < 0) return;
  // `:2:PATH` is a stage of the index. Source: gitrevisions(7).
  const stage = colon === 0 ? (/^:[0-3]:/.exec(known)?.[0].length ?? 1) : colon + 1;
  const rest = colon < 0 ? arg : argFrom(arg, stage);
  // The path of a revision starts at the top of the repository unless it begins with a dot.
  const isRelative = /^\.\.?(?:\/|$)/.test(prefixOf(rest));
  const target = makeTarget(rest, colon < 0 || isRelative ? draft.cwd : topOf(draft, facts), facts, {
    recursive: colon < 0,
  });
  if (target !== undefined) draft.effects.push({ kind: 'read', target });
}

/** The top of the repository that git works in, as far as the facts say. */
function topOf(draft: Draft, facts: Facts): string | undefined {
  return draft.cwd === undefined ? undefined : (facts.paths.get(draft.cwd)?.repository ?? draft.cwd);
}

/** False where only the index is changed. Source: git-restore(1) `--staged`, git-rm(1) `--cached`. */
export function namesWorkingTree(reading: Reading): boolean {
  if (reading.program.name === 'restore') return !hasOption(reading, '--staged') || hasOption(reading, '--worktree');
  return !hasOption(reading, '--cached');
}

/** A pathspec whose files are written: itself, and where it is a folder what git tracks in it. Source: gitglossary(7) "pathspec". */
export function applyGitPath(arg: Arg, draft: Draft, facts: Facts): void {
  const magic = /^:(?:\/|\(top\))/.exec(prefixOf(arg))?.[0];
  const rest = magic === undefined ? arg : argFrom(arg, magic.length);
  const base = magic === undefined ? draft.cwd : topOf(draft, facts);
  const named = rest.text === '' ? makeArg(arg.word, [{ kind: 'known', text: '.' }], false) : rest;
  const target = makeTarget(named, base, facts, { recursive: false });
  if (target === undefined) return;
  draft.effects.push({ kind: 'write', target });
  draft.writes.push({ arg: named, cwd: base, target });
  const isFile = target.path !== undefined && facts.paths.get(target.resolved ?? target.path)?.kind !== 'directory';
  const isPlain = named.text !== undefined && !/[*?[]|^:|(?:^|\/)\.{0,2}$/.test(named.text);
  if (!isFile || !isPlain) rewriteTree(named, draft, facts, base);
}

/**
 * `git checkout WORD` takes a branch before a path; of several words the first is where the others are taken from, and after `--`
 * all are paths. A word that is a file here is taken for that file: where it is both, git wants `--`. Source: git-checkout(1).
 */
export function switchedTo(
  arg: Arg,
  { operands, operandsBeforeEnd }: Reading,
  draft: Draft,
  facts: Facts,
): 'path' | 'branch' | 'source' {
  const at = operands.findIndex((one) => one.arg === arg);
  if (operandsBeforeEnd !== undefined && operands.length > operandsBeforeEnd)
    return at < operandsBeforeEnd ? 'source' : 'path';
  const path = arg.text === undefined ? undefined : resolvePath(arg.text, draft.cwd);
  const kind = path === undefined ? undefined : facts.paths.get(path)?.kind;
  if ((kind !== undefined && kind !== 'missing') || /^\.{1,2}(?:\/|$)|^:\/|[*?]/.test(arg.text ?? '')) return 'path';
  return operands.length === 1 ? 'branch' : 'path';
}

export function rewriteTree(arg: Arg, draft: Draft, facts: Facts, base: string | undefined = draft.cwd): void {
  // A glob of a pathspec crosses folders, so the tree is the folder before it.
  const folder = (arg.text ?? prefixOf(arg)).replace(/[^/]*[*?[][\s\S]*$/, '');
  const named = makeArg(arg.word, [{ kind: 'known', text: folder === '' ? '.' : folder }], false);
  const target = makeTarget(named, base, facts, { recursive: true });
  if (target !== undefined) draft.rewrites.push(target);
}

/** What git tracks, from the top of the repository down. */
export function rewriteRepository(draft: Draft, facts: Facts): void {
  const word = { start: 0, end: 0, source: '.', parts: [], values: ['.'], quoted: false };
  const target = makeTarget(makeArg(word, [{ kind: 'known', text: '.' }], false), topOf(draft, facts), facts, {
    recursive: true,
  });
  if (target !== undefined) draft.rewrites.push(target);
}
