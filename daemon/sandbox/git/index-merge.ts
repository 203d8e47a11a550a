/**
 * Puts together an index from what it was when the run began, what the host made of it since, and what the command made of
 * it, path by path. What the command tells about files of the working tree (times, sizes) is never taken over: `git status`
 * believes it instead of looking, and a changed file could be passed off as unchanged. git then looks for itself.
 */
import type { IndexEntry } from './index-file.ts';

export type MergedIndex =
  | { readonly entries: readonly IndexEntry[]; readonly isChanged: boolean }
  /** A path that both changed, differently. */
  | { readonly conflict: string };

/** @param base undefined when it is not known; then only what both agree on can be put together. */
export function mergeIndex(
  base: readonly IndexEntry[] | undefined,
  current: readonly IndexEntry[],
  wanted: readonly IndexEntry[],
): MergedIndex {
  const before = base === undefined ? undefined : groupByPath(base);
  const now = groupByPath(current);
  const after = groupByPath(wanted);
  const merged = new Map<string, readonly IndexEntry[]>();
  let isChanged = false;
  let isMixed = false;
  for (const path of new Set([...now.keys(), ...after.keys()])) {
    const own = now.get(path) ?? [];
    const other = after.get(path) ?? [];
    const old = before?.get(path) ?? [];
    if (isSame(own, other) || (before !== undefined && isSame(old, other))) {
      if (!isSame(own, other)) isMixed = true;
      merged.set(path, own);
    } else if (before !== undefined && isSame(old, own)) {
      merged.set(path, other.map(forget));
      isChanged = true;
    } else return { conflict: path };
  }
  const entries = [...merged.values()].flat().sort(compare);
  if (isChanged && isMixed) {
    const clash = findFolderClash(entries);
    if (clash !== undefined) return { conflict: clash };
  }
  return { entries, isChanged };
}

function groupByPath(entries: readonly IndexEntry[]): ReadonlyMap<string, readonly IndexEntry[]> {
  const groups = new Map<string, IndexEntry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.path);
    if (group === undefined) groups.set(entry.path, [entry]);
    else group.push(entry);
  }
  return groups;
}

function isSame(left: readonly IndexEntry[], right: readonly IndexEntry[]): boolean {
  return left.length === right.length && left.every((entry, index) => meansSame(entry, right[index]));
}

function meansSame(left: IndexEntry, right: IndexEntry | undefined): boolean {
  return (
    left.hash === right?.hash &&
    left.mode === right.mode &&
    left.stage === right.stage &&
    left.assumeValid === right.assumeValid &&
    left.skipWorktree === right.skipWorktree &&
    left.intentToAdd === right.intentToAdd
  );
}

const forget = (entry: IndexEntry): IndexEntry => ({ ...entry, stat: Buffer.alloc(40) });

function compare(left: IndexEntry, right: IndexEntry): number {
  if (left.path !== right.path) return left.path < right.path ? -1 : 1;
  return left.stage - right.stage;
}

/** One side may have made a file of what the other made a folder of. */
function findFolderClash(entries: readonly IndexEntry[]): string | undefined {
  const files = new Set(entries.filter(({ stage }) => stage === 0).map(({ path }) => path));
  for (const { path, stage } of entries) {
    for (let slash = path.indexOf('/'); stage === 0 && slash > 0; slash = path.indexOf('/', slash + 1)) {
      if (files.has(path.slice(0, slash))) return path;
    }
  }
  return undefined;
}
