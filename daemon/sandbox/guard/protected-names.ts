/**
 * Which names in a workspace are protected: by a run of segments, at any depth and in any letter case, as the rules read
 * the same list. A folder with exceptions is not protected as a whole, but every name in it that is none of them.
 */

export interface ProtectedName {
  /** Segments with `/` between them. */
  readonly path: string;
  readonly kind: 'directory' | 'file';
  /** Paths below a directory that are not protected. */
  readonly except?: readonly string[] | undefined;
  readonly because: string;
}

export interface NameList {
  /** The entry that protects a path relative to the workspace, by its last segments. */
  readonly find: (segments: readonly string[]) => Protection | undefined;
  /** A protected name may lie in a folder of this path, which other names would not be looked for in. */
  readonly leadsOn: (segments: readonly string[]) => boolean;
}

export interface Protection {
  readonly because: string;
  /** What has to be there for the name to mean anything. */
  readonly kind: 'directory' | 'file' | 'any';
}

interface Entry {
  readonly name: ProtectedName;
  readonly segments: readonly string[];
  readonly except: readonly (readonly string[])[];
}

export function compileNames(names: readonly ProtectedName[]): NameList {
  const byLast = new Map<string, Entry[]>();
  const withExceptions: Entry[] = [];
  const above: (readonly string[])[] = [];
  for (const name of names) {
    const segments = name.path.toLowerCase().split('/');
    const except = (name.except ?? []).map((exception) => exception.toLowerCase().split('/'));
    const entry = { name, segments, except };
    for (let depth = 1; depth < segments.length; depth++) above.push(segments.slice(0, depth));
    if (except.length > 0) {
      withExceptions.push(entry);
      continue;
    }
    const last = segments.at(-1) ?? '';
    byLast.set(last, [...(byLast.get(last) ?? []), entry]);
  }
  const lower = (segments: readonly string[]): string[] => segments.map((segment) => segment.toLowerCase());
  return {
    leadsOn: (segments) => {
      const own = lower(segments);
      return above.some((start) => endsWith(own, start));
    },
    find: (segments) => {
      const own = lower(segments);
      const direct = byLast.get(own.at(-1) ?? '')?.find((entry) => endsWith(own, entry.segments));
      if (direct !== undefined) return direct.name;
      const inside = withExceptions.find(
        (entry) =>
          endsWith(own.slice(0, -1), entry.segments) &&
          !entry.except.some((exception) => endsWith(own, exception.slice(0, entry.segments.length + 1))),
      );
      return inside === undefined ? undefined : { because: inside.name.because, kind: 'any' };
    },
  };
}

function endsWith(segments: readonly string[], tail: readonly string[]): boolean {
  const start = segments.length - tail.length;
  return start >= 0 && tail.every((name, index) => segments[start + index] === name);
}

/**
 * Folders that tools fill by the thousand and remove as a whole. A pin in them would break that, and nothing is looked for
 * in them: what a build makes is run by the build.
 */
const filledByTools = new Set([
  ...['node_modules', 'bower_components', 'vendor', 'pods', '.pnpm-store'],
  ...['target', 'dist', 'build', 'out', '.next', '.nuxt', '.turbo', '.gradle', 'deriveddata'],
  ...['.venv', 'venv', '__pycache__', '.tox', '.nox', '.mypy_cache', '.pytest_cache', '.cache'],
]);

export function isFilledByTools(name: string): boolean {
  return filledByTools.has(name.toLowerCase());
}
