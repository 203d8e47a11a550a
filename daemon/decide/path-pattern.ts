/**
 * The pattern inside `Read(…)` and `Edit(…)`: gitignore syntax with an anchor that depends on its first characters and on
 * where the rule was written (RULES P1–P5, P12). Own code rather than a gitignore library: those decide about one tree
 * below one root, while a rule here has four kinds of anchor, two intents, and is also asked what it could match.
 */
import { anyInSegment, anyText, oneInSegment, requiredText, type Token, type Wild } from './glob.ts';

export interface PathPattern {
  readonly text: string;
  /** `//x` root, `~/x` home, `/x` the folder the rule was written for, everything else the folder commands start in. */
  readonly base: 'root' | 'home' | 'origin' | 'start';
  /** Absolute folder for base `origin`. */
  readonly anchor: string;
  /** Leading `..` segments, which lift the base. */
  readonly up: number;
  /** What the rest of the path below the base must be, for a grant and for a restriction. */
  readonly narrow: readonly Token[];
  readonly wide: readonly Token[];
  /** As `wide`, without what lies below a folder; undefined for a pattern of everything in a folder. */
  readonly named: readonly Token[] | undefined;
  /** Stands in every path that either of them describes. */
  readonly required: string;
  /** Leading segments without wildcards, when the pattern holds at one depth only; a tree above them contains a match. */
  readonly fixed: string | undefined;
}

/** @returns the pattern, or one phrase that says what is wrong. */
export function parsePathPattern(source: string, anchor: string): PathPattern | string {
  const text = source.trim();
  if (text === '') return 'the path is empty';
  if (text.startsWith('!')) return 'a path pattern cannot be negated';
  if (text.includes('\0')) return 'a path cannot contain a NUL byte';
  const { base, rest, rooted } = splitBase(text);
  const segments = rest.split('/');
  const directory = segments.length > 1 && segments[segments.length - 1] === '';
  const kept = segments.filter((segment) => segment !== '' && segment !== '.');
  const up = kept.findIndex((segment) => segment !== '..');
  const named = up < 0 ? [] : kept.slice(up);
  if (named.includes('..')) return '`..` can stand only at the beginning of a path pattern';
  if (text.startsWith('~') && !/^~(\/|$)/.test(text)) return 'only `~/`, the own home folder, is understood';

  const single = !rooted && up <= 0 && named.length === 1 && !directory;
  const folder = !rooted && up <= 0 && ((named.length === 1 && directory) || (named.length === 2 && named[1] === '**'));
  const wildcard = named.some(hasWildcard);
  const tokens = namedTokens(named, directory);
  const below: readonly Token[] = [{ skip: 2 }, '/', anyText];
  const lastIsOpen = directory || hasWildcard(named[named.length - 1] ?? '');
  const anyDepthWide = single || folder;
  const anyDepthNarrow = single && !wildcard;
  return {
    text,
    base,
    anchor,
    up: Math.max(up, 0),
    narrow: [...depth(anyDepthNarrow), ...tokens, ...(lastIsOpen ? [] : below)],
    wide: [...depth(anyDepthWide), ...tokens, ...(directory ? [] : below)],
    named: directory || named[named.length - 1] === '**' ? undefined : [...depth(anyDepthWide), ...tokens],
    required: requiredText(tokens),
    fixed: anyDepthWide ? undefined : named.slice(0, fixedLength(named)).map(unescapeSegment).join('/'),
  };
}

function splitBase(text: string): { base: PathPattern['base']; rest: string; rooted: boolean } {
  if (text.startsWith('//')) return { base: 'root', rest: text.slice(2), rooted: true };
  if (text === '~' || text.startsWith('~/')) return { base: 'home', rest: text.slice(2), rooted: true };
  if (text.startsWith('/')) return { base: 'origin', rest: text.slice(1), rooted: true };
  return { base: 'start', rest: text, rooted: text.startsWith('./') || text === '.' };
}

/** Any number of folders, or none. */
function depth(any: boolean): readonly Token[] {
  return any ? [{ skip: 2 }, anyText, '/'] : [];
}

function namedTokens(named: readonly string[], directory: boolean): readonly Token[] {
  const tokens: Token[] = [];
  named.forEach((segment, index) => {
    const last = index === named.length - 1;
    if (segment === '**') {
      // Source: gitignore(5): a leading or middle `**/` is any number of folders, a trailing `/**` everything inside.
      if (last) tokens.push(anyText);
      else tokens.push(...depth(true));
      return;
    }
    tokens.push(...segmentTokens(segment));
    if (!last) tokens.push('/');
  });
  if (directory) tokens.push({ skip: 2 }, '/', anyText);
  return tokens;
}

function segmentTokens(segment: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let index = 0; index < segment.length; index++) {
    const unit = segment.charAt(index);
    if (unit === '*') {
      if (tokens[tokens.length - 1] !== anyInSegment) tokens.push(anyInSegment);
    } else if (unit === '?') tokens.push(oneInSegment);
    else if (unit === '\\' && index + 1 < segment.length) tokens.push(segment.charAt(++index));
    else if (unit === '[') {
      const found = readClass(segment, index);
      if (found === undefined) tokens.push(unit);
      else {
        tokens.push(found.wild);
        index = found.end;
      }
    } else tokens.push(unit);
  }
  return tokens;
}

/** `[abc]`, `[a-z]`, `[!…]`. Source: glob(7). An unclosed `[` is a literal. */
function readClass(segment: string, start: number): { wild: Wild; end: number } | undefined {
  let index = start + 1;
  const negated = segment.charAt(index) === '!' || segment.charAt(index) === '^';
  if (negated) index++;
  const end = segment.indexOf(']', index + 1);
  if (end < 0) return undefined;
  const ranges: [string, string][] = [];
  for (; index < end; index++) {
    const low = segment.charAt(index);
    if (segment.charAt(index + 1) === '-' && index + 2 < end) {
      ranges.push([low, segment.charAt(index + 2)]);
      index += 2;
    } else ranges.push([low, low]);
  }
  const accepts = (unit: string): boolean =>
    unit !== '/' && ranges.some(([low, high]) => unit >= low && unit <= high) !== negated;
  return { wild: { many: false, accepts }, end };
}

function hasWildcard(segment: string): boolean {
  return /[*?[]/.test(segment.replace(/\\./g, ''));
}

function fixedLength(named: readonly string[]): number {
  const index = named.findIndex(hasWildcard);
  return index < 0 ? named.length : index;
}

function unescapeSegment(segment: string): string {
  return segment.replace(/\\(.)/g, '$1');
}

/** A path as a pattern that matches only itself, anchored at the root (RULES P11). */
export function literalPathPattern(path: string): string {
  return `/${path.replace(/[\\*?[\]!]/g, '\\$&')}`;
}
