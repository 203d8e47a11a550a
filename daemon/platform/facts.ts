/**
 * Looks up what analysis wants to know of the machine, in one pass: whether a path is there, where its links lead, which
 * git repository holds it. It never opens a file, and bounds how much it looks at.
 */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Facts, PathFact } from '../analyse/model.ts';

/** More operands than this are judged without facts, as if they had not been looked up. */
const maxPaths = 512;

/** @param paths absolute and normalised. Never throws: what cannot be looked at counts as `other` or `missing`. */
export function lookUpFacts(paths: readonly string[], base: Omit<Facts, 'paths'>): Facts {
  const repositories = new Map<string, string | undefined>();
  const facts = new Map<string, PathFact>();
  for (const each of paths.slice(0, maxPaths)) facts.set(each, lookUpPath(each, repositories));
  return { ...base, paths: facts };
}

function lookUpPath(place: string, repositories: Map<string, string | undefined>): PathFact {
  const kind = findKind(place);
  const resolved = resolve(place);
  const folder = kind === 'directory' || (kind === 'link' && findKind(resolved) === 'directory') ? resolved : path.dirname(resolved);
  return { kind, resolved, repository: findRepository(folder, repositories) };
}

function findKind(place: string): PathFact['kind'] {
  try {
    const status = lstatSync(place);
    if (status.isFile()) return 'file';
    if (status.isDirectory()) return 'directory';
    return status.isSymbolicLink() ? 'link' : 'other';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'other';
  }
}

/** As far as it exists; a tail that is missing is appended to where its nearest existing folder leads. */
function resolve(place: string): string {
  const tail: string[] = [];
  for (let at = place; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync(at), ...tail);
    } catch {
      if (at === path.dirname(at)) return place;
      tail.unshift(path.basename(at));
    }
  }
}

function findRepository(folder: string, known: Map<string, string | undefined>): string | undefined {
  if (known.has(folder)) return known.get(folder);
  const parent = path.dirname(folder);
  const isRoot = findKind(path.join(folder, '.git')) !== 'missing';
  const found = isRoot ? folder : parent === folder ? undefined : findRepository(parent, known);
  known.set(folder, found);
  return found;
}
