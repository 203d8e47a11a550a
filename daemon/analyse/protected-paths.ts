/**
 * Which paths are protected (RULES K3, O28, O37): names that hold at any depth and in any letter case. A path with
 * a glob counts when the glob could expand to a protected name.
 */
import type { ProtectedFile } from './catalogue.ts';
import { globMatches } from './glob.ts';

export interface ProtectedPath {
  readonly path: string;
  readonly kind: 'directory' | 'file';
  readonly because: string;
  readonly segments: readonly string[];
  readonly except: readonly (readonly string[])[];
}

export interface ProtectedPaths {
  readonly all: readonly ProtectedPath[];
  /** By first segment, lower case, for the common case that no segment of a path is on the list. */
  readonly byFirst: ReadonlyMap<string, readonly ProtectedPath[]>;
}

export function compileProtectedPaths(data: ProtectedFile): ProtectedPaths {
  const all = data.paths.map(
    (entry): ProtectedPath => ({
      path: entry.path,
      kind: entry.kind,
      because: entry.because,
      segments: entry.path.toLowerCase().split('/'),
      except: (entry.except ?? []).map((path) => path.toLowerCase().split('/')),
    }),
  );
  const byFirst = new Map<string, ProtectedPath[]>();
  for (const entry of all) {
    const first = entry.segments[0] ?? '';
    byFirst.set(first, [...(byFirst.get(first) ?? []), entry]);
  }
  return { all, byFirst };
}

/** The entry that covers an absolute path, without globs. */
export function findProtected(path: string, list: ProtectedPaths): ProtectedPath | undefined {
  const segments = path
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
  for (let at = 0; at < segments.length; at += 1) {
    for (const entry of list.byFirst.get(segments[at] ?? '') ?? []) {
      if (covers(entry, segments, at)) return entry;
    }
  }
  return undefined;
}

/** The entry that a path whose segments hold globs could become; `prefix` is the known beginning. */
export function findProtectedByGlob(pattern: string, list: ProtectedPaths): ProtectedPath | undefined {
  const segments = pattern
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
  const telling = segments.map(isTelling);
  const tails = segments.map(tailOfUnknown);
  if (!telling.includes(true) && tails.every((tail) => tail === undefined)) return undefined;
  for (const entry of list.all) {
    for (let at = 0; at + entry.segments.length <= segments.length; at += 1) {
      const hit = entry.segments.every(
        (name, offset) =>
          tails[at + offset] === name ||
          (telling[at + offset] === true && globMatches(segments[at + offset] ?? '', name)),
      );
      if (hit && !excepted(entry, segments, at)) return entry;
    }
  }
  return undefined;
}

/** The unknown value may end in a slash: `${DIR}.bashrc`. */
function tailOfUnknown(pattern: string): string | undefined {
  return pattern.startsWith('\u0001') ? pattern.replace(/^\u0001+/, '') : undefined;
}

/** `*.json` is not taken for a protected name that happens to fit; `.g*` and `lefthook*` are. */
function isTelling(pattern: string): boolean {
  const literal = /^[^*?[{(\u0001]*/.exec(pattern)?.[0] ?? '';
  return pattern.startsWith('.') || literal.length >= 4 || literal === pattern;
}

function covers(entry: ProtectedPath, segments: readonly string[], at: number): boolean {
  if (at + entry.segments.length > segments.length) return false;
  if (!entry.segments.every((name, offset) => segments[at + offset] === name)) return false;
  return !excepted(entry, segments, at);
}

function excepted(entry: ProtectedPath, segments: readonly string[], at: number): boolean {
  return entry.except.some((path) => path.every((name, offset) => segments[at + offset] === name));
}
