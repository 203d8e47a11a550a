/**
 * From the pieces of a word as they were read (atoms) to the word of the model: parts, and the values bash makes of it
 * when they are known from the text alone. Whatever could depend on the machine makes the values unknown, never a guess.
 */
import { expandBraces, findBraceGroup } from './braces.ts';
import { maxBracesInWord } from './limits.ts';
import type { Word, WordPart } from './model.ts';
import { Stop } from './stop.ts';

interface AtomBase {
  readonly start: number;
  readonly end: number;
}

export type Atom =
  /** One unquoted character (several when a brace sequence made it), still open to braces, globs and tilde. */
  | (AtomBase & { readonly kind: 'char'; readonly value: string })
  /** Quoted or escaped text, decoded. */
  | (AtomBase & { readonly kind: 'text'; readonly value: string })
  /** A piece of an extglob pattern. */
  | (AtomBase & { readonly kind: 'glob'; readonly value: string })
  | (AtomBase & { readonly kind: 'part'; readonly part: WordPart });

/** Which expansions bash applies to a word at this place. */
export interface WordUse {
  readonly braces: boolean;
  readonly globs: boolean;
  /** `assignment`: also after the first `=` and each `:`, as in the value of an assignment. */
  readonly tilde: 'none' | 'start' | 'assignment';
}

/** Arguments, `for` lists, array elements. Source: bash(1) "EXPANSION". */
export const argumentUse: WordUse = { braces: true, globs: true, tilde: 'start' };
export const assignmentUse: WordUse = { braces: false, globs: false, tilde: 'assignment' };
export const patternUse: WordUse = { braces: false, globs: true, tilde: 'start' };
/** Here-strings, the subject of `case`, operands of `[[`. */
export const singleUse: WordUse = { braces: false, globs: false, tilde: 'start' };
/** Bodies of here-documents, subscripts. */
export const quotedUse: WordUse = { braces: false, globs: false, tilde: 'none' };

const assignmentForm = /^[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=/;

/** Characters that are themselves wherever they stand. */
const plainForm = /^[\w./:=,+@%^-]+$/;

export function makeWord(text: string, atoms: readonly Atom[], start: number, end: number, use: WordUse): Word {
  const source = text.slice(start, end);
  if (isPlain(atoms, source)) return makePlainWord(source, start, end);
  if (use.braces && atoms.filter((atom) => isChar(atom, '{')).length > maxBracesInWord) {
    throw new Stop('too-complex', `a word has more than ${maxBracesInWord} braces`, start, end);
  }
  const quoted =
    source.includes('\\\n') ||
    atoms.some((atom) => atom.kind === 'text' || (atom.kind === 'part' && 'quoted' in atom.part && atom.part.quoted));
  const tildes = findTildes(atoms, source, use);
  const parts = makeParts(text, atoms, tildes, use);
  return { start, end, source, parts, quoted, values: findValues(atoms, tildes.size > 0, use) };
}

/** Most words are one name, path or option, which no expansion changes: no need to ask each of them. */
function isPlain(atoms: readonly Atom[], source: string): boolean {
  if (atoms.length !== source.length || !plainForm.test(source)) return false;
  return atoms.every((atom, index) => atom.kind === 'char' && atom.value === source[index]);
}

function makePlainWord(source: string, start: number, end: number): Word {
  const parts: WordPart[] = [{ type: 'literal', start, end, value: source, quoted: false }];
  return { start, end, source, parts, quoted: false, values: [source] };
}

/** @param values characters, any of which it may be. */
function isChar(atom: Atom | undefined, values: string): boolean {
  return atom?.kind === 'char' && atom.value.length === 1 && values.includes(atom.value);
}

/** Indexes of the `~` that bash may expand. Source: bash(1) "Tilde Expansion". */
function findTildes(atoms: readonly Atom[], source: string, use: WordUse): Set<number> {
  const found = new Set<number>();
  if (use.tilde === 'none' || !source.includes('~')) return found;
  if (isChar(atoms[0], '~')) found.add(0);
  const asArgument = use.tilde === 'start' && assignmentForm.test(source);
  let afterEquals = use.tilde === 'assignment';
  for (let index = 1; index < atoms.length; index++) {
    const before = atoms[index - 1];
    const first = asArgument && !afterEquals && isChar(before, '=');
    if (first) afterEquals = true;
    if ((first || (afterEquals && isChar(before, ':'))) && isChar(atoms[index], '~')) found.add(index);
  }
  return found;
}

/** `*`, `?`, and a `[` that some later `]` could close. */
function isGlob(atoms: readonly Atom[], index: number, lastBracket: number): boolean {
  return isChar(atoms[index], '*?') || (isChar(atoms[index], '[') && lastBracket > index);
}

function findLastBracket(atoms: readonly Atom[]): number {
  return atoms.findLastIndex((atom) => atom.kind === 'part' || atom.value.includes(']'));
}

function findValues(atoms: readonly Atom[], hasTilde: boolean, use: WordUse): string[] | undefined {
  if (hasTilde || atoms.some((atom) => atom.kind === 'part' || atom.kind === 'glob')) return undefined;
  const words = use.braces ? expandBraces(atoms) : [atoms];
  if (words === undefined) return undefined;
  const expanded = words.length > 1 || words[0] !== atoms;
  if (use.globs) {
    const lastBracket = findLastBracket(atoms);
    if (atoms.some((_, index) => isGlob(atoms, index, lastBracket))) return undefined;
  }
  if (expanded && use.tilde !== 'none' && atoms.some((atom) => isChar(atom, '~'))) return undefined;
  // A brace can leave an empty unquoted word (`{,a}`), which bash drops.
  const kept = expanded ? words.filter((word) => word.some((atom) => atom.kind === 'text' || !isEmpty(atom))) : words;
  return kept.map((word) => word.map((atom) => (atom.kind === 'part' ? '' : atom.value)).join(''));
}

function isEmpty(atom: Atom): boolean {
  return atom.kind !== 'part' && atom.value === '';
}

function makeParts(text: string, atoms: readonly Atom[], tildes: ReadonlySet<number>, use: WordUse): WordPart[] {
  const literal = atoms.every((atom) => atom.kind === 'char' || atom.kind === 'text');
  const opaque = use.braces && (!literal || atoms.some((atom) => isChar(atom, '*?[~')));
  const group = opaque ? findBraceGroup(atoms) : undefined;
  if (group === undefined) return joinAtoms(text, atoms, tildes, use);
  const open = atoms[group.open] as Atom;
  const close = atoms[group.close] as Atom;
  const inside = atoms.slice(group.open + 1, group.close);
  const words = (group.alternatives ?? [inside]).map((alternative) => {
    const start = alternative[0]?.start ?? open.end;
    return makeWord(text, alternative, start, Math.max(start, alternative.at(-1)?.end ?? start), use);
  });
  return [
    ...joinAtoms(text, atoms.slice(0, group.open), tildes, use),
    { type: 'brace', start: open.start, end: close.end, words },
    ...makeParts(text, atoms.slice(group.close + 1), new Set(), use),
  ];
}

/** Parts without braces: neighbouring characters of one kind become one part. */
function joinAtoms(text: string, atoms: readonly Atom[], tildes: ReadonlySet<number>, use: WordUse): WordPart[] {
  const parts: WordPart[] = [];
  const lastBracket = findLastBracket(atoms);
  for (let index = 0; index < atoms.length; index++) {
    const atom = atoms[index] as Atom;
    const { start, end } = atom;
    const last = parts.at(-1);
    if (atom.kind === 'part') parts.push(atom.part);
    else if (tildes.has(index)) {
      let stop = index + 1;
      while (stop < atoms.length && atoms[stop]?.kind === 'char' && !isChar(atoms[stop], '/:')) stop++;
      const until = atoms[stop - 1]?.end ?? end;
      parts.push({ type: 'tilde', start, end: until, value: text.slice(end, until) });
      index = stop - 1;
    } else if (atom.kind === 'glob' || (use.globs && isGlob(atoms, index, lastBracket))) {
      if (last?.type === 'glob') parts[parts.length - 1] = { ...last, end, value: last.value + atom.value };
      else parts.push({ type: 'glob', start, end, value: atom.value });
    } else {
      const quoted = atom.kind === 'text';
      if (last?.type === 'literal' && last.quoted === quoted) {
        parts[parts.length - 1] = { ...last, end, value: last.value + atom.value };
      } else parts.push({ type: 'literal', start, end, value: atom.value, quoted });
    }
  }
  return parts;
}
