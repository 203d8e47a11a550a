/**
 * What `$x`, `${a[1]}`, `"$@"` and `${x:-word}` become, given the values that the text assigned. Source: bash(1) "Parameter
 * Expansion" and "Word Splitting".
 */
import type { Word, WordPart } from '../parse/model.ts';
import { anything, type Piece, type Values } from './args.ts';
import { transformValue } from './parameter-values.ts';
import type { Draft } from './word-drafts.ts';

const numbers: ReadonlySet<string> = new Set(['?', '#', '$', '!']);

/** Words stand in parameters as parameters stand in words: handed in, or the two files would import each other. */
type ExpandOperand = (word: Word, values: Values) => readonly (readonly Piece[])[];

export function expandParameter(
  part: WordPart & { readonly type: 'parameter' },
  values: Values,
  alone: boolean,
  expandOperand: ExpandOperand,
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
  if (part.operator !== undefined && /^:?[-=+]$/.test(part.operator))
    return expandDefault(part, known, values, expandOperand);
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
  expandOperand: ExpandOperand,
): readonly Draft[] {
  const [operand] = part.operands;
  const given = operand === undefined ? [[]] : expandOperand(operand, values);
  const own: readonly (readonly Piece[])[] = part.operator?.endsWith('+')
    ? [[]]
    : (known ?? [
        [{ kind: 'value', variable: part.name, assigned: false, empty: part.operator?.startsWith(':') !== true }],
      ]);
  const all = [...own.filter((pieces) => pieces.length > 0 || part.operator?.endsWith('+')), ...given];
  return all.map((pieces) => expandKnown(pieces, !part.quoted, false, values));
}

/** A variable's value in place: quoted it is one word; unquoted, blanks split it and wildcards expand. */
export function expandKnown(pieces: readonly Piece[], unquoted: boolean, alone: boolean, values: Values): Draft {
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
