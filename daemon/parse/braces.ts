/**
 * Brace expansion, the first of bash's expansions and a purely lexical one: `r{m,x}` is two words before anything else
 * looks at it. Follows `braces.c` of bash 5.2, its oddities included, over atoms instead of characters, so that quoted
 * text and expansions are opaque.
 *
 * Source: bash(1) "Brace Expansion"; compared with real bash by test/property/parse-words.test.ts.
 */
import type { Atom } from './atoms.ts';
import { maxBraceSize, maxBraceWords } from './limits.ts';

/** The first expandable brace of a word: `before`, the alternatives, `after`. */
export interface BraceGroup {
  readonly open: number;
  readonly close: number;
  /** Undefined when the alternatives cannot be told. */
  readonly alternatives: readonly (readonly Atom[])[] | undefined;
}

/** The unquoted character at `index`, or the empty string for quoted text, expansions and the end. */
function charAt(atoms: readonly Atom[], index: number): string {
  const atom = atoms[index];
  return atom?.kind === 'char' ? atom.value : '';
}

/** Index of the `}` that closes a brace whose inside begins at `from`, if the inside has a `,` or `..` of its own. */
function findClose(atoms: readonly Atom[], from: number): number {
  let level = 0;
  let separators = 0;
  for (let index = from; index < atoms.length; index++) {
    const char = charAt(atoms, index);
    if (char === '}' && level === 0 && separators > 0) return index;
    if (char === '{') level++;
    else if (char === '}' && level > 0) level--;
    else if (level === 0 && char === ',') separators++;
    else if (level === 0 && char === '.' && charAt(atoms, index + 1) === '.' && charAt(atoms, index + 2) !== '}') {
      separators++;
    }
  }
  return -1;
}

/** `{}` and a lone `{` at the beginning of a word are no braces. */
function isIgnoredOpen(atoms: readonly Atom[], index: number): boolean {
  return index === 0 && (atoms.length === 1 || charAt(atoms, 1) === '}');
}

function splitAtCommas(atoms: readonly Atom[]): Atom[][] {
  const pieces: Atom[][] = [[]];
  let level = 0;
  for (let index = 0; index < atoms.length; index++) {
    const char = charAt(atoms, index);
    if (char === ',' && level === 0) {
      pieces.push([]);
      continue;
    }
    if (char === '{') level++;
    else if (char === '}' && level > 0) level--;
    pieces.at(-1)?.push(atoms[index] as Atom);
  }
  return pieces;
}

export function findBraceGroup(atoms: readonly Atom[], from = 0): BraceGroup | undefined {
  for (let open = from; open < atoms.length; open++) {
    if (charAt(atoms, open) !== '{' || isIgnoredOpen(atoms, open)) continue;
    const close = findClose(atoms, open + 1);
    if (close === -1) continue;
    const inside = atoms.slice(open + 1, close);
    const pieces = splitAtCommas(inside);
    // bash looks for any comma here, a quoted or nested one included; those shapes are left unknown.
    const hasHiddenComma = inside.some((atom) => (atom.kind === 'part' ? true : atom.value.includes(',')));
    if (pieces.length > 1) return { open, close, alternatives: pieces };
    if (hasHiddenComma) return { open, close, alternatives: undefined };
    const sequence = expandSequence(inside);
    if (sequence !== undefined) return { open, close, alternatives: sequence === 'unknown' ? undefined : sequence };
    return findBraceGroup(atoms, close + 1);
  }
  return undefined;
}

/** All words a literal word expands to; undefined when they cannot be told or are too many. */
export function expandBraces(atoms: readonly Atom[]): (readonly Atom[])[] | undefined {
  const group = findBraceGroup(atoms);
  if (group === undefined) return [atoms];
  if (group.alternatives === undefined) return undefined;
  const before = atoms.slice(0, group.open);
  const afters = expandBraces(atoms.slice(group.close + 1));
  if (afters === undefined) return undefined;
  const words: Atom[][] = [];
  let size = 0;
  for (const alternative of group.alternatives) {
    const middles = expandBraces(alternative);
    if (middles === undefined || words.length + middles.length * afters.length > maxBraceWords) return undefined;
    for (const middle of middles) {
      for (const after of afters) {
        size += before.length + middle.length + after.length;
        if (size > maxBraceSize) return undefined;
        words.push([...before, ...middle, ...after]);
      }
    }
  }
  return words;
}

const sequencePattern = /^([+-]?\d+|[A-Za-z])\.\.([+-]?\d+|[A-Za-z])(?:\.\.([+-]?\d+))?$/;

/** `{1..5}`, `{a..e}`, `{01..10..2}`; undefined when the text is no sequence. */
function expandSequence(inside: readonly Atom[]): Atom[][] | 'unknown' | undefined {
  if (inside.some((atom) => atom.kind !== 'char')) return undefined;
  const text = inside.map((atom) => (atom.kind === 'char' ? atom.value : '')).join('');
  const match = sequencePattern.exec(text);
  if (match === null) return /^[^.]*\.\.[^.]*(?:\.\.[^.]*)?$/.test(text) && /\d/.test(text) ? 'unknown' : undefined;
  const [, first = '', last = '', step] = match;
  const letters = /[A-Za-z]/.test(first);
  if (letters !== /[A-Za-z]/.test(last)) return undefined;
  // A range over both letter cases runs through `[`, `\` and a backtick, which bash then reads again.
  if (letters && /[a-z]/.test(first) !== /[a-z]/.test(last)) return 'unknown';
  const from = letters ? first.charCodeAt(0) : Number(first);
  const to = letters ? last.charCodeAt(0) : Number(last);
  const size = Math.abs(Number(step ?? 1)) || 1;
  if (Math.abs(from) > 1e9 || Math.abs(to) > 1e9 || size > 1e9) return 'unknown';
  if (Math.abs(to - from) / size + 1 > maxBraceWords) return 'unknown';
  const width = [first, last].some((end) => /^[+-]?0\d/.test(end)) ? Math.max(first.length, last.length) : 0;
  if (width > 0 && /\+/.test(first + last)) return 'unknown';
  const span = { start: inside[0]?.start ?? 0, end: inside.at(-1)?.end ?? 0 };
  const words: Atom[][] = [];
  for (let value = from; from <= to ? value <= to : value >= to; value += from <= to ? size : -size) {
    const word = letters ? String.fromCharCode(value) : padNumber(value, width);
    words.push([{ kind: 'char', value: word, ...span }]);
  }
  return words;
}

function padNumber(value: number, width: number): string {
  const digits = String(Math.abs(value));
  return value < 0 ? `-${digits.padStart(width - 1, '0')}` : digits.padStart(width, '0');
}
