/**
 * Whether a path holds secrets that a command must not read unasked (RULES O21): the places that the sandbox hides, in the own home
 * and in that of any other account, and what shows the memory of other processes or a whole disk.
 */
import type { CredentialsFile } from './catalogue.ts';
import { globMatches } from './glob.ts';

interface CredentialPlace {
  /** Below a home when `ofHome`, else from the root. Segments may hold globs. */
  readonly segments: readonly string[];
  readonly ofHome: boolean;
  /** Entries directly in it, or values of its first glob, that are no secret. */
  readonly except: readonly string[];
  readonly why: string;
}

export interface CredentialPlaces {
  readonly all: readonly CredentialPlace[];
}

export function compileCredentialPlaces(data: CredentialsFile): CredentialPlaces {
  const hidden = data.places.filter(({ asks }) => asks !== false);
  return {
    all: [...hidden, ...data.readings].map(({ path, except = [], why }) => ({
      segments: splitPath(path.replace(/^~/, '')),
      ofHome: path.startsWith('~'),
      except,
      why,
    })),
  };
}

/** Why reading `path` shows a secret. Its segments may hold globs; `recursive` counts what lies below it. */
export function findCredential(
  path: string,
  recursive: boolean,
  home: string,
  list: CredentialPlaces,
): string | undefined {
  const segments = splitPath(path);
  for (const place of list.all) {
    const starts = place.ofHome ? homesIn(segments, home) : [0];
    for (const start of starts) {
      const rest = segments.slice(start);
      if (isBelow(place, rest) && !isExcepted(place, rest)) return place.why;
    }
    if (recursive && holds(segments, place, home)) return place.why;
  }
  return undefined;
}

/** Where the part below a home begins: the own one, root's, and any folder of homes. */
function homesIn(segments: readonly string[], home: string): readonly number[] {
  const own = splitPath(home);
  const starts: number[] = [];
  if (own.every((name, at) => segments[at] === name)) starts.push(own.length);
  if (segments[0] === 'root') starts.push(1);
  if ((segments[0] === 'home' || segments[0] === 'Users') && segments.length > 1) starts.push(2);
  return starts;
}

function isBelow({ segments }: CredentialPlace, path: readonly string[]): boolean {
  if (path.length < segments.length) return false;
  return segments.every((name, at) => couldBe(path[at] ?? '', name));
}

/** One segment of a command against one of the list; a glob on either side stands for what it can. */
function couldBe(given: string, name: string): boolean {
  if (name === '*' || !/[*?[]/.test(given)) return globMatches(name, given);
  // A glob that is nothing but a wildcard is about whatever lies there, not about secrets.
  return !/^[*?]+$/.test(given) && globMatches(given, name);
}

function isExcepted({ segments, except }: CredentialPlace, path: readonly string[]): boolean {
  const glob = segments.findIndex((name) => name.includes('*'));
  const name = path[glob < 0 ? segments.length : glob];
  return name !== undefined && except.includes(name);
}

/** A tree that has the place of the own home in it. */
function holds(tree: readonly string[], { segments, ofHome }: CredentialPlace, home: string): boolean {
  const whole = ofHome ? [...splitPath(home), ...segments] : segments;
  return (
    !whole.some((name) => name.includes('*')) &&
    tree.length < whole.length &&
    tree.every((name, at) => name === whole[at])
  );
}

function splitPath(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}
