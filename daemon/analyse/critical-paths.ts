/** Critical places (RULES K2): removing one of them is never approved automatically. */
import type { CriticalFile } from './catalogue.ts';
import type { Facts } from './model.ts';

export interface CriticalPaths {
  readonly paths: ReadonlySet<string>;
  readonly parents: ReadonlySet<string>;
}

export function compileCriticalPaths(data: CriticalFile): CriticalPaths {
  return { paths: new Set(data.paths), parents: new Set(data.parents) };
}

/** Why removing `path` is critical, as the end of a sentence; undefined when it is not. */
export function findCritical(path: string, facts: Facts, list: CriticalPaths): string | undefined {
  if (path === '/') return 'the root of the file system';
  if (list.paths.has(path)) return `\`${path}\`, which the system needs`;
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  if (list.parents.has(parent)) return `\`${path}\`, a top-level directory`;
  if (contains(path, facts.home))
    return path === facts.home ? 'the home directory' : 'a folder that holds the home directory';
  if (facts.workspace !== undefined && contains(path, facts.workspace)) {
    return path === facts.workspace ? 'the whole workspace' : 'a folder that holds the workspace';
  }
  if (contains(path, facts.cwd))
    return path === facts.cwd ? 'the working directory' : 'a parent of the working directory';
  return undefined;
}

/** Further folders count only for a glob that empties them or a parent of them. */
export function findEmptied(path: string, facts: Facts): string | undefined {
  const hit = facts.additionalDirectories.find((folder) => contains(path, folder));
  return hit === undefined ? undefined : `everything in \`${path}\``;
}

/** Whether `inner` is `outer` or lies in it. */
export function contains(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);
}
