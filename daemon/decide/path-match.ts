/**
 * Whether a path rule meets a path that a command names. A grant needs the link and what it leads to to match, a
 * restriction fires on either (RULES P6); a path that is not fully known meets every restriction that it could complete.
 */
import type { Facts, PathTarget } from '../analyse/model.ts';
import { anyText, intersects, literalTokens, type Token } from './glob.ts';
import type { PathPattern } from './path-pattern.ts';

export interface TargetView {
  readonly kind: 'read' | 'write' | 'remove';
  readonly target: PathTarget;
  /** Shape of an unknown path; undefined when `target.path` is known. */
  readonly shape: readonly Token[] | undefined;
  /** What a search of a whole tree finds there: names of the shape, or any name below the path. */
  readonly listed?: boolean;
}

export function grantsPath(pattern: PathPattern | undefined, view: TargetView, facts: Facts): boolean {
  if (pattern === undefined) return true;
  const { path, resolved } = view.target;
  if (path === undefined || resolved === undefined) return false;
  const bases = basesOf(pattern, facts, 'grant');
  // What is copied into a folder gets a name of its own there, which only a rule for the whole folder covers.
  const into = view.kind === 'write' && facts.paths.get(resolved)?.kind === 'directory' ? `/${someName}` : '';
  const met = (each: string): boolean => bases.some((base) => meets(pattern, pattern.narrow, each + into, base));
  return met(path) && (resolved === path || met(resolved));
}

/**
 * Whether the pattern takes a path out of a restriction. Names that a glob finds count where each of them would match: a
 * glob stays in its folder, and what a link among them leads to has its own restriction.
 */
export function exemptsPath(pattern: PathPattern | undefined, view: TargetView, facts: Facts): boolean {
  const { shape } = view;
  if (pattern === undefined || shape === undefined) return grantsPath(pattern, view, facts);
  if (shape.includes(anyText)) return false;
  const found = shape.map((token) => (typeof token === 'string' ? token : someName)).join('');
  return basesOf(pattern, facts, 'grant').some((base) => meets(pattern, pattern.narrow, found, base));
}

export function restrictsPath(
  pattern: PathPattern | undefined,
  view: TargetView,
  facts: Facts,
  writes = false,
): 'yes' | 'maybe' | 'no' {
  if (pattern === undefined) return 'yes';
  const { path, resolved, recursive, names = [] } = view.target;
  const { shape } = view;
  // That a file is there, and how large it is, is not what it holds.
  const folder = facts.paths.get(resolved ?? path ?? '')?.kind === 'directory';
  if (view.kind === 'read' && view.target.namesOnly === true && shape === undefined && !folder) return 'no';
  if (shape !== undefined && shape.length === 1 && shape[0] === anyText) return 'maybe';
  if (
    shape === undefined &&
    !recursive &&
    ![path, resolved, ...names].some((each) => `${each}/`.includes(pattern.required))
  )
    return 'no';
  const bases = basesOf(pattern, facts, 'restrict');
  for (const each of path === resolved ? [path] : [path, resolved]) {
    if (each === undefined) continue;
    // A tree, or a folder that something is put into, is met when the pattern covers everything inside.
    const inside = recursive || (view.kind === 'write' && facts.paths.get(resolved ?? each)?.kind === 'directory');
    const probes = inside ? [each, `${each === '/' ? '' : each}/${someName}`] : [each];
    if (bases.some((base) => [...probes, ...names].some((probe) => meets(pattern, pattern.wide, probe, base))))
      return 'yes';
    if (recursive && bases.some((base) => contains(pattern, each, base))) {
      const found = meetsWithin(view, each, facts, writes);
      if (found !== 'no') return found;
    }
  }
  if (shape === undefined) return writes && recursive && holdsFolder(pattern, path, facts) ? 'maybe' : 'no';
  if (view.listed === true) {
    // In a folder of any name: a rule that holds at every depth is met for certain.
    const anywhere = shape
      .map((token) => (typeof token === 'string' ? token : token === anyText ? `/${someName}` : someName))
      .join('');
    if (bases.some((base) => meets(pattern, pattern.wide, anywhere, base))) return 'yes';
  }
  const inFolder = shape.includes(anyText)
    ? undefined
    : shape.map((token) => (typeof token === 'string' ? token : someName)).join('');
  if (inFolder !== undefined && bases.some((base) => meets(pattern, pattern.wide, inFolder, base))) return 'yes';
  if (recursive && view.kind !== 'read' && (pattern.fixed ?? '') !== '') {
    const below = [...shape, '/', anyText];
    if (bases.some((base) => intersects([...literalTokens(`${base}/`), ...pattern.wide], below))) return 'maybe';
  }
  // That a tree may hold a denied folder does not make a search of it suspicious.
  // What is found is changed wherever it lies, so there a denied folder in the tree does count.
  const found = pattern.named ?? (view.kind === 'read' ? undefined : pattern.narrow);
  const tokens = view.listed === true ? found : pattern.wide;
  if (tokens === undefined) return 'no';
  return bases.some((base) => intersects([...literalTokens(`${base}/`), ...tokens], shape)) ? 'maybe' : 'no';
}

/** What a tree with something restricted in it comes to: removing it is certain to meet that, much else may not. */
function meetsWithin(view: TargetView, tree: string, facts: Facts, writes: boolean): 'yes' | 'maybe' | 'no' {
  const everything = tree === facts.workspace || tree === facts.cwd;
  if (view.kind === 'remove') return view.listed === true ? 'maybe' : 'yes';
  if (view.kind === 'read' && view.target.namesOnly === true) return 'no';
  if (writes) return everything || view.listed === true ? 'maybe' : 'yes';
  // Searching the whole workspace, or unpacking into it, is everyday work and names nothing in it.
  return everything ? 'no' : 'maybe';
}

/** Whether something below the folder could be what the pattern describes. */
export function couldHold(pattern: PathPattern | undefined, tree: PathTarget, facts: Facts): boolean {
  if (pattern === undefined) return true;
  const bases = basesOf(pattern, facts, 'restrict');
  return [tree.path, tree.resolved].some((path) => {
    const below = path === undefined ? [anyText] : [...literalTokens(path === '/' ? '/' : `${path}/`), anyText];
    return bases.some((base) => intersects([...literalTokens(`${base}/`), ...pattern.wide], below));
  });
}

/** Stands for whatever a glob finds: a pattern that meets it does so by its own wildcard, or would meet anything there. */
const someName = '\0\0\0\0';

/** Folders, without a closing slash, below which the pattern is compared. */
function basesOf(pattern: PathPattern, facts: Facts, intent: 'grant' | 'restrict'): readonly string[] {
  const starts = intent === 'grant' || facts.workspace === undefined ? [facts.cwd] : [facts.cwd, facts.workspace];
  const bases =
    pattern.base === 'root'
      ? ['']
      : pattern.base === 'home'
        ? [facts.home]
        : pattern.base === 'origin'
          ? [pattern.anchor]
          : starts;
  return [...new Set(bases.map((base) => lift(base, pattern.up)))];
}

/** The folder so many levels above, without a closing slash. */
export function lift(base: string, up: number): string {
  let folder = base === '/' ? '' : base;
  for (let count = 0; count < up; count++) folder = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0));
  return folder;
}

/** Whether the tokens, of the same pattern, describe the path below the base. */
export function meets(pattern: PathPattern, tokens: readonly Token[], path: string, base: string): boolean {
  if (!path.includes(pattern.required)) return false;
  if (!path.startsWith(`${base}/`)) return path === base && tokens.length === 0;
  return intersects(tokens, literalTokens(path.slice(base.length + 1)));
}

/** Whether the folder that commands work in, written as a whole, has the folder of the pattern directly in it. */
function holdsFolder(pattern: PathPattern, tree: string | undefined, facts: Facts): boolean {
  if (tree === undefined || pattern.named !== undefined || (tree !== facts.workspace && tree !== facts.cwd))
    return false;
  return intersects([...literalTokens(`${tree}/`), ...pattern.narrow], [...literalTokens(`${tree}/`), anyText]);
}

/** The pattern's fixed beginning lies below the folder `tree`. */
function contains(pattern: PathPattern, tree: string, base: string): boolean {
  if (pattern.fixed === undefined || pattern.fixed === '') return false;
  return `${base}/${pattern.fixed}`.startsWith(`${tree === '/' ? '' : tree}/`);
}
