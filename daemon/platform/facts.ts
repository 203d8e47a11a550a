/**
 * The one look at the file system between parse and analyse: for each path what it is, where its links lead, and which git
 * repository holds it. Synchronous, one pass, never throws for a path; what cannot be seen is reported as it was written.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { Facts, PathFact } from '../analyse/model.ts';

const maxPaths = 256;
/** As many as the kernel follows. Source: path_resolution(7). */
const maxLinks = 40;

/** @param base - Everything of `Facts` that is known without looking. All paths absolute and normalised. */
export function lookUpFacts(paths: readonly string[], base: Omit<Facts, 'paths'>): Facts {
  const look = new Look();
  const found = new Map<string, PathFact>();
  for (const place of [base.cwd, ...paths].slice(0, maxPaths)) {
    if (!found.has(place)) found.set(place, look.at(place));
  }
  return { ...base, paths: found };
}

/**
 * Remembers within one look what it saw, because most paths of a command share their folders: one system call per path
 * instead of one per component. Nothing is remembered longer, or a decision could rest on a link that was exchanged.
 */
class Look {
  readonly #kinds = new Map<string, PathFact['kind']>();
  readonly #resolved = new Map<string, string>();
  readonly #repositories = new Map<string, string | undefined>();
  #links = 0;

  at(place: string): PathFact {
    this.#links = 0;
    const kind = place === '/' ? 'directory' : this.#kind(this.#ownName(place));
    const resolved = this.#resolve(place);
    const folder = this.#kind(resolved) === 'directory' ? resolved : path.dirname(resolved);
    return { kind, resolved, repository: this.#repository(folder) };
  }

  #kind(place: string): PathFact['kind'] {
    const known = this.#kinds.get(place);
    if (known !== undefined) return known;
    const parent = path.dirname(place);
    const kind = this.#kinds.get(parent) === 'missing' ? 'missing' : lookAt(place);
    this.#kinds.set(place, kind);
    return kind;
  }

  /** The path with the links of its folders followed, not its own. */
  #ownName(place: string): string {
    return path.join(this.#resolve(path.dirname(place)), path.basename(place));
  }

  /** Also for paths that do not exist yet: a dangling link leads to its target, a missing tail is appended to its parent. */
  #resolve(place: string): string {
    if (place === '/') return place;
    const known = this.#resolved.get(place);
    if (known !== undefined) return known;
    const own = this.#ownName(place);
    // Stands while its link is followed, so that a loop ends here.
    this.#resolved.set(place, own);
    const resolved = this.#kind(own) === 'link' ? this.#follow(own) : own;
    this.#resolved.set(place, resolved);
    return resolved;
  }

  #follow(link: string): string {
    if (++this.#links > maxLinks) return link;
    let target: string;
    try {
      target = readlinkSync(link);
    } catch {
      return link;
    }
    // `..` is taken after what stands before it was followed, as the kernel does.
    let at = target.startsWith('/') ? '/' : path.dirname(link);
    for (const name of target.split('/')) {
      if (name === '..') at = path.dirname(at);
      else if (name !== '' && name !== '.') at = this.#resolve(path.join(at, name));
    }
    return at;
  }

  #repository(folder: string): string | undefined {
    if (this.#repositories.has(folder)) return this.#repositories.get(folder);
    const parent = path.dirname(folder);
    const isRoot = this.#kind(folder) !== 'missing' && this.#kind(path.join(folder, '.git')) !== 'missing';
    const root = isRoot ? folder : parent === folder ? undefined : this.#repository(parent);
    this.#repositories.set(folder, root);
    return root;
  }
}

function lookAt(place: string): PathFact['kind'] {
  try {
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined) return 'missing';
    if (stat.isSymbolicLink()) return 'link';
    return stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR' ? 'missing' : 'other';
  }
}
