/**
 * The one look at the file system between parse and analyse: for each path what it is, where its links lead, and which git
 * repository holds it. Synchronous, one pass, never throws for a path; what cannot be seen is reported as it was written.
 */
import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Facts, PathFact } from '../analyse/model.ts';

const maxPaths = 256;
const maxLinks = 40;

/** @param base - Everything of `Facts` that is known without looking. All paths absolute and normalised. */
export function lookUpFacts(paths: readonly string[], base: Omit<Facts, 'paths'>): Facts {
  const repositories = new Map<string, string | undefined>();
  const found = new Map<string, PathFact>();
  for (const place of [base.cwd, ...paths].slice(0, maxPaths)) {
    if (!found.has(place)) found.set(place, lookUp(place, repositories));
  }
  return { ...base, paths: found };
}

function lookUp(place: string, repositories: Map<string, string | undefined>): PathFact {
  const kind = kindOf(place);
  const resolved = resolveLinks(place, maxLinks);
  const folder = kindOf(resolved) === 'directory' ? resolved : path.dirname(resolved);
  return { kind, resolved, repository: findRepository(folder, repositories) };
}

function kindOf(place: string): PathFact['kind'] {
  try {
    const stat = lstatSync(place);
    if (stat.isSymbolicLink()) return 'link';
    return stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'other';
  }
}

/** Also for paths that do not exist yet: a dangling link leads to its target, a missing tail is appended to its parent. */
function resolveLinks(place: string, budget: number): string {
  try {
    return realpathSync(place);
  } catch {
    if (budget <= 0 || place === '/') return place;
    try {
      const target = readlinkSync(place);
      return resolveLinks(path.resolve(resolveLinks(path.dirname(place), budget - 1), target), budget - 1);
    } catch {
      return path.join(resolveLinks(path.dirname(place), budget - 1), path.basename(place));
    }
  }
}

function findRepository(folder: string, known: Map<string, string | undefined>): string | undefined {
  if (known.has(folder)) return known.get(folder);
  const parent = path.dirname(folder);
  const root =
    kindOf(path.join(folder, '.git')) !== 'missing'
      ? folder
      : parent === folder
        ? undefined
        : findRepository(parent, known);
  known.set(folder, root);
  return root;
}
