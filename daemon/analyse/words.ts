/**
 * What the words of a command can become, given the variables that the same text assigned. Known is only what bash
 * would make of the word whatever the machine; everything else stays a piece of unknown value with what is certain about
 * it (RULES O9, O24): its beginning, whether it is one word, whether it could begin an option.
 */
import type { Word, WordPart } from '../parse/model.ts';
import { transformValue } from './parameter-values.ts';

export type Piece =
  | { readonly kind: 'known'; readonly text: string }
  /** Expands to names of files; cannot cross a slash. */
  | { readonly kind: 'glob'; readonly text: string }
  /** Digits, perhaps with a sign. */
  | { readonly kind: 'number' }
  /** An absolute path of no interest: `~user`, `/dev/fd/63`. */
  | { readonly kind: 'place'; readonly free: boolean }
  /** Anything. `variable` is its name when it is one; `empty` whether it can be the empty string. */
  | {
      readonly kind: 'value';
      readonly variable: string | undefined;
      readonly assigned: boolean;
      readonly empty: boolean;
      /** One word that begins with a letter or digit, if it is not empty. */
      readonly plain?: boolean;
      /** What a search of the folder before it found: it cannot lead out of that folder. */
      readonly below?: boolean;
      /** The simple command that prints it, all of its output or a line of it. */
      readonly printedBy?: number;
      /** Unless it is empty: this, and then letters and digits. */
      readonly begins?: string;
    };

/** Elements in their order, from the first. */
export type KnownList = readonly (readonly Piece[])[];

/** One argument as the program would see it. */
export interface Arg {
  readonly word: Word;
  readonly pieces: readonly Piece[];
  /** The argument, when it is known. */
  readonly text: string | undefined;
  /** May be no word, or several: an unquoted expansion or a glob. */
  readonly many: boolean;
}

/** What is known about variables at one point of the text. Each value is a list of alternatives. */
export interface Values {
  readonly lookUp: (name: string) => readonly (readonly Piece[])[] | undefined;
  /** The elements of an array, or of the positional parameters under `@`; one list for each way they can turn out. */
  readonly lookUpList?: (name: string) => readonly KnownList[] | undefined;
  readonly home: string;
  readonly cwd: string | undefined;
  /** `IFS` was touched: unquoted values split nobody knows where. */
  readonly oddSplitting: boolean;
  /** The value of a command substitution, where the analysis knows it. */
  readonly substitution: (part: WordPart & { readonly type: 'substitution' }) => readonly Piece[] | undefined;
}

const maxAlternatives = 8;

/**
 * Pieces, and characters, of one word or value. Attack: `a=$b$b; b=$a$a; …` doubles with every assignment and fills the memory;
 * what nobody could write out in one text counts as unknown from here on. Characters as in the longest text that is counted.
 */
const maxPieces = 1_000;
const maxValueLength = 10_000;
const anything: Piece = { kind: 'value', variable: undefined, assigned: true, empty: true };
const numbers: ReadonlySet<string> = new Set(['?', '#', '$', '!']);

/** The argument lists that the words can become; one, unless a variable has several known values. */
export function expandWords(words: readonly Word[], values: Values): readonly (readonly Arg[])[] {
  let lists: Arg[][] = [[]];
  for (const word of words) {
    const alternatives = expandWord(word, values);
    if (alternatives.length === 1) {
      const only = alternatives[0] ?? [];
      for (const list of lists) list.push(...only);
    } else if (lists.length * alternatives.length <= maxAlternatives) {
      lists = lists.flatMap((list) => alternatives.map((args) => [...list, ...args]));
    } else {
      const widened = widen(word, alternatives);
      for (const list of lists) list.push(widened);
    }
  }
  return lists;
}

/** The alternatives of one word, each a list of arguments. */
export function expandWord(word: Word, values: Values): readonly (readonly Arg[])[] {
  if (word.values !== undefined) {
    return [word.values.map((text): Arg => ({ word, pieces: [{ kind: 'known', text }], text, many: false }))];
  }
  let drafts: GrowingDraft[] = [emptyDraft()];
  for (const part of word.parts) {
    const options = expandPart(part, values, isAlone(word, part));
    const [option] = options;
    if (drafts.length * options.length > maxAlternatives) {
      const [draft = emptyDraft()] = drafts;
      grow(draft, { pieces: [anything], many: true });
      drafts = [draft];
    } else if (options.length === 1 && option !== undefined) {
      for (const draft of drafts) grow(draft, option);
    } else {
      drafts = drafts.flatMap((draft) => options.map((each) => grow({ ...draft, pieces: [...draft.pieces] }, each)));
    }
    if (drafts.some(isTooLarge)) drafts = [cutOff(drafts)];
  }
  return drafts.map((draft) => splitDraft(word, draft));
}

/** Whether nothing else stands in the word: the quotes around an expansion leave an empty literal before it. */
function isAlone(word: Word, part: WordPart): boolean {
  if (word.parts.length === 1) return true;
  const [first, second] = word.parts;
  const quotes = first?.type === 'literal' && first.quoted && first.value === '';
  return word.parts.length === 2 && quotes && second === part && 'quoted' in part && part.quoted;
}

/** The value that an assignment or a here-string makes of a word: one string, never split. */
export function expandValue(word: Word, values: Values): readonly (readonly Piece[])[] {
  if (word.values?.length === 1) return [[{ kind: 'known', text: word.values[0] ?? '' }]];
  const quiet: Values = { ...values, oddSplitting: false };
  let drafts: GrowingDraft[] = [emptyDraft()];
  for (const part of word.parts) {
    const options = expandPart(quoted(part), quiet, false);
    if (drafts.length * options.length > maxAlternatives) return [[anything]];
    const [option] = options;
    if (options.length === 1 && option !== undefined) for (const draft of drafts) grow(draft, option);
    else drafts = drafts.flatMap((draft) => options.map((each) => grow({ ...draft, pieces: [...draft.pieces] }, each)));
    if (drafts.some(isTooLarge)) drafts = [cutOff(drafts)];
  }
  return drafts.map(({ pieces }) => joinPieces(pieces));
}

interface Draft {
  readonly pieces: readonly Piece[];
  readonly many: boolean;
  /** The words it becomes, where that is known and may not be one (`$x` with blanks in its value, an array). */
  readonly fields?: readonly (readonly Piece[])[] | undefined;
}

/** A draft that is added to in place: a word has as many parts as it has characters, and each copy would be as long. */
interface GrowingDraft {
  readonly pieces: Piece[];
  many: boolean;
  fields: Draft['fields'];
  /** Known characters. */
  length: number;
}

function emptyDraft(): GrowingDraft {
  return { pieces: [], many: false, fields: undefined, length: 0 };
}

function grow(draft: GrowingDraft, by: Draft): GrowingDraft {
  for (const piece of by.pieces) {
    draft.pieces.push(piece);
    if (piece.kind === 'known') draft.length += piece.text.length;
  }
  draft.many ||= by.many;
  draft.fields = by.fields;
  return draft;
}

/** How it begins stays known where that is certain: it tells an option from an operand. */
function cutOff(drafts: readonly GrowingDraft[]): GrowingDraft {
  const [only] = drafts.length === 1 ? joinPieces(drafts[0]?.pieces ?? []) : [];
  const beginning: readonly Piece[] =
    only?.kind === 'known' ? [{ kind: 'known', text: only.text.slice(0, maxPieces) }] : [];
  const many = drafts.some((draft) => draft.many);
  return grow(emptyDraft(), { pieces: [...beginning, anything], many });
}

function isTooLarge({ pieces, length }: GrowingDraft): boolean {
  return pieces.length > maxPieces || length > maxValueLength;
}

function splitDraft(word: Word, draft: Draft): readonly Arg[] {
  if (draft.fields !== undefined) {
    return draft.fields.map((pieces) => makeArg(word, pieces, false));
  }
  return [makeArg(word, draft.pieces, draft.many)];
}

export function makeArg(word: Word, pieces: readonly Piece[], many: boolean): Arg {
  const merged = joinPieces(pieces);
  const [only] = merged;
  const text = merged.length === 0 ? '' : merged.length === 1 && only?.kind === 'known' ? only.text : undefined;
  return { word, pieces: merged, text, many: many && text === undefined };
}

/** Pieces with neighbouring known text as one. */
export function joinPieces(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (piece.kind === 'known' && last?.kind === 'known')
      out[out.length - 1] = { kind: 'known', text: last.text + piece.text };
    else if (piece.kind !== 'known' || piece.text !== '') out.push(piece);
  }
  return out;
}

function quoted(part: WordPart): WordPart {
  if (part.type === 'glob')
    return { type: 'literal', value: part.value, quoted: true, start: part.start, end: part.end };
  return 'quoted' in part && !part.quoted ? { ...part, quoted: true } : part;
}

function expandPart(part: WordPart, values: Values, alone: boolean): readonly Draft[] {
  switch (part.type) {
    case 'literal':
      return [{ pieces: [{ kind: 'known', text: part.value }], many: false }];
    case 'glob':
      return [{ pieces: [{ kind: 'glob', text: part.value }], many: true }];
    case 'tilde':
      return [{ pieces: [expandTilde(part.value, values)], many: false }];
    case 'brace':
      return expandBrace(part.words, values);
    case 'arithmetic':
      return [{ pieces: [{ kind: 'number' }], many: false }];
    case 'process':
      return [{ pieces: [{ kind: 'place', free: true }], many: false }];
    case 'substitution': {
      const known = values.substitution(part);
      if (known !== undefined) return [expandKnown(known, !part.quoted, alone, values)];
      return [{ pieces: [anything], many: !part.quoted }];
    }
    case 'parameter':
      return expandParameter(part, values, alone);
  }
}

function expandTilde(value: string, values: Values): Piece {
  if (value === '') return { kind: 'known', text: values.home };
  if (value === '+' && values.cwd !== undefined) return { kind: 'known', text: values.cwd };
  if (value === '+' || value === '-') return { kind: 'value', variable: undefined, assigned: true, empty: false };
  return { kind: 'place', free: false };
}

function expandBrace(words: readonly Word[], values: Values): readonly Draft[] {
  const drafts = words.flatMap((word) =>
    expandWord(word, values).flatMap((args) => args.map((arg) => ({ pieces: arg.pieces, many: true }))),
  );
  return drafts.length === 0 || drafts.length > maxAlternatives ? [{ pieces: [anything], many: true }] : drafts;
}

function expandParameter(
  part: WordPart & { readonly type: 'parameter' },
  values: Values,
  alone: boolean,
): readonly Draft[] {
  if (part.length || numbers.has(part.name)) return [{ pieces: [{ kind: 'number' }], many: false }];
  const unquoted = !part.quoted;
  if (part.indirect) return [unknown(part.name, true, true, unquoted)];
  const list = listName(part);
  if (list !== undefined) return expandList(list, part, values, alone);
  const known = part.operator === '[' ? lookUpElement(part, values) : values.lookUp(part.name);
  if (part.operator === '[') {
    if (known === undefined) return [unknown(part.name, true, true, unquoted)];
    return known.map((pieces) => expandKnown(pieces, unquoted, alone, values));
  }
  if (part.operator !== undefined && /^:?[-=+]$/.test(part.operator)) return expandDefault(part, known, values);
  if (known !== undefined && /^:?\?$/.test(part.operator ?? '') && known.every(isFilled))
    return known.map((pieces) => expandKnown(pieces, unquoted, alone, values));
  if (part.operator !== undefined) {
    const transformed = known === undefined ? undefined : transform(known, part);
    if (transformed !== undefined) return transformed.map((pieces) => expandKnown(pieces, unquoted, alone, values));
    const guarded = part.operator === ':?';
    return [unknown(part.name, known !== undefined, !guarded, unquoted)];
  }
  if (known === undefined) return [unknown(part.name, false, true, unquoted)];
  return known.map((pieces) => expandKnown(pieces, unquoted, alone, values));
}

/** Certainly not the empty string. */
function isFilled(pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => (piece.kind === 'known' && piece.text !== '') || piece.kind === 'number');
}

interface ListReference {
  readonly name: string;
  /** `*`: in quotes all elements are one word. */
  readonly joined: boolean;
}

/** `$@`, `$*`, `${a[@]}`, `${a[*]}`; undefined for anything that picks one value. */
function listName(part: WordPart & { readonly type: 'parameter' }): ListReference | undefined {
  if (part.name === '@' || part.name === '*') return { name: '@', joined: part.name === '*' };
  const subscript = part.operator?.startsWith('[') === true ? part.operands[0]?.source : undefined;
  return subscript === '@' || subscript === '*' ? { name: part.name, joined: subscript === '*' } : undefined;
}

function expandList(
  { name, joined }: ListReference,
  part: WordPart & { readonly type: 'parameter' },
  values: Values,
  alone: boolean,
): readonly Draft[] {
  const many = !part.quoted || !joined;
  const whole = part.operator === undefined || part.operator === '[';
  const lists = whole ? values.lookUpList?.(name) : undefined;
  if (lists === undefined || values.oddSplitting) return [unknown(part.name, true, true, many)];
  return lists.map((list) => {
    if (part.quoted && joined)
      return { pieces: list.flatMap((element, at) => (at === 0 ? element : [blank, ...element])), many: false };
    if (!alone)
      return list.length === 1 && part.quoted
        ? { pieces: list[0] ?? [], many: false }
        : unknown(name, true, true, many);
    if (part.quoted) return { pieces: [anything], many: true, fields: list };
    const split = list.map((element) => expandKnown(element, true, true, values));
    if (split.some((draft) => draft.many)) return unknown(name, true, true, true);
    return { pieces: [anything], many: true, fields: split.flatMap((draft) => draft.fields ?? [draft.pieces]) };
  });
}

const blank: Piece = { kind: 'known', text: ' ' };

/** `${a[1]}` of a list that is known. */
function lookUpElement(
  part: WordPart & { readonly type: 'parameter' },
  values: Values,
): readonly (readonly Piece[])[] | undefined {
  const index = /^\d{1,4}$/.exec(part.operands[0]?.source ?? '')?.[0];
  if (index === undefined) return undefined;
  return values.lookUpList?.(part.name)?.map((list) => list[Number(index)] ?? []);
}

function transform(
  known: readonly (readonly Piece[])[],
  part: WordPart & { readonly type: 'parameter' },
): readonly (readonly Piece[])[] | undefined {
  const out: (readonly Piece[])[] = [];
  for (const pieces of known) {
    const [only] = pieces;
    const text = pieces.length === 0 ? '' : pieces.length === 1 && only?.kind === 'known' ? only.text : undefined;
    const value = text === undefined ? undefined : transformValue(text, part.operator ?? '', part.operands);
    if (value === undefined) return undefined;
    out.push(value === '' ? [] : [{ kind: 'known', text: value }]);
  }
  return out;
}

/** `${x:-word}`, `${x:=word}`, `${x:+word}`: what the variable holds, or the word. */
function expandDefault(
  part: WordPart & { readonly type: 'parameter' },
  known: readonly (readonly Piece[])[] | undefined,
  values: Values,
): readonly Draft[] {
  const [operand] = part.operands;
  const given = operand === undefined ? [[]] : expandValue(operand, values);
  const own: readonly (readonly Piece[])[] = part.operator?.endsWith('+')
    ? [[]]
    : (known ?? [
        [{ kind: 'value', variable: part.name, assigned: false, empty: part.operator?.startsWith(':') !== true }],
      ]);
  const all = [...own.filter((pieces) => pieces.length > 0 || part.operator?.endsWith('+')), ...given];
  return all.map((pieces) => expandKnown(pieces, !part.quoted, false, values));
}

/** A variable's value in place: quoted it is one word; unquoted, blanks split it and wildcards expand. */
function expandKnown(pieces: readonly Piece[], unquoted: boolean, alone: boolean, values: Values): Draft {
  if (!unquoted) return { pieces, many: false };
  if (pieces.every((piece) => piece.kind === 'number' || piece.kind === 'place'))
    return { pieces, many: values.oddSplitting };
  if (!values.oddSplitting && pieces.length === 1 && pieces[0]?.kind === 'value' && pieces[0].plain === true)
    return { pieces, many: true };
  const [only] = pieces;
  const text = pieces.length === 0 ? '' : pieces.length === 1 && only?.kind === 'known' ? only.text : undefined;
  if (text === undefined)
    return {
      pieces: pieces.map((piece) => (piece.kind === 'known' && /[\s*?[]/.test(piece.text) ? anything : piece)),
      many: true,
    };
  if (values.oddSplitting || /[*?[\\]/.test(text)) return { pieces: [anything], many: true };
  if (!/[ \t\n]/.test(text))
    return text === '' && alone ? { pieces: [], many: false, fields: [] } : { pieces, many: false };
  if (!alone) return { pieces: [anything], many: true };
  return { pieces: [], many: false, fields: splitFields(text) };
}

function splitFields(text: string): readonly (readonly Piece[])[] {
  return text
    .split(/[ \t\n]+/)
    .filter((field) => field !== '')
    .map((field) => [{ kind: 'known', text: field }]);
}

function unknown(variable: string, assigned: boolean, empty: boolean, many: boolean): Draft {
  return { pieces: [{ kind: 'value', variable, assigned, empty }], many };
}

function widen(word: Word, alternatives: readonly (readonly Arg[])[]): Arg {
  const many = alternatives.some((args) => args.length !== 1 || args[0]?.many === true);
  const texts = alternatives.map((args) => args.map((arg) => arg.text ?? '\u0000').join(' '));
  const prefix = commonPrefix(texts);
  return makeArg(word, [{ kind: 'known', text: many ? '' : prefix }, anything], many);
}

function commonPrefix(texts: readonly string[]): string {
  const [first = ''] = texts;
  let length = first.length;
  for (const text of texts) {
    while (length > 0 && !text.startsWith(first.slice(0, length))) length -= 1;
  }
  const cut = first.indexOf('\u0000');
  return first.slice(0, cut < 0 ? length : Math.min(length, cut));
}

/** The known beginning of an argument. */
export function prefixOf(arg: Arg): string {
  const first = arg.pieces[0];
  return first?.kind === 'known' ? first.text : '';
}

/** Whether the argument, its value being unknown, could begin with a dash (RULES O24). */
export function couldBeOption(arg: Arg): boolean {
  if (arg.text !== undefined) return false;
  const first = arg.pieces[0];
  if (first === undefined) return false;
  if (first.kind === 'known')
    return arg.many && arg.pieces.some((piece) => piece.kind === 'value' && piece.plain !== true);
  return (first.kind === 'value' && first.plain !== true) || first.kind === 'glob';
}

/** What is left of an argument after its first `length` known characters. */
export function argFrom(arg: Arg, length: number): Arg {
  const first = arg.pieces[0];
  if (first?.kind !== 'known') return arg;
  const rest = first.text.slice(length);
  const pieces: readonly Piece[] =
    rest === '' ? arg.pieces.slice(1) : [{ kind: 'known', text: rest }, ...arg.pieces.slice(1)];
  return { ...arg, pieces, text: arg.text?.slice(length) };
}
