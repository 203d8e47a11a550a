/**
 * What a variable holds after an assignment of the shell itself: `x=word`, `x+=word`, `a=(x y)`, `${x:=word}`, the variable
 * of a `for`. A value that is not certain counts as unknown; a wrong one would hide what a later command does.
 */
import type { Assignment, Word, WordPart } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import { type Arg, joinPieces, type KnownList, type Piece, type Values } from './args.ts';
import type { EvaluatedNames } from './findings/evaluated-values.ts';
import {
  assign,
  assignList,
  isNumeric,
  joinAlternatives,
  numericValue,
  type ShellState,
  unknownValue,
  unsetValue,
} from './shell-state.ts';
import { printsNumber } from './substitutions.ts';
import { expandValue, expandWord } from './words.ts';

/** What the text declares about names, wherever it does. */
export interface Declared {
  /** Arrays whose subscripts are plain strings. */
  readonly associative: ReadonlySet<string>;
  readonly evaluated: EvaluatedNames;
}

/** What the variable holds after the assignment. */
export function assignVariable(
  assignment: Assignment,
  state: ShellState,
  values: Values,
  { associative, evaluated }: Declared,
  context: AnalysisContext,
): void {
  const { name, value } = assignment;
  if (evaluated.integers.has(name)) {
    assign(state, name, numericValue);
    return;
  }
  if (assignment.subscript !== undefined || assignment.elements !== undefined) {
    assignList(state, name, associative.has(name) ? undefined : elementsAfter(assignment, state, values));
    return;
  }
  if (value === undefined || assignment.append) {
    const numeric =
      assignment.append &&
      value !== undefined &&
      isNumeric(expandValue(value, values)) &&
      isNumeric(state.variables.get(name));
    assign(state, name, numeric ? numericValue : appended(state.variables.get(name), value, values));
    return;
  }
  const [part] = value.parts;
  if (value.parts.length === 1 && part?.type === 'substitution' && printsNumber(part, state.cwd, context)) {
    assign(state, name, numericValue);
    return;
  }
  assign(
    state,
    name,
    expandValue(value, values).map((pieces) =>
      pieces.map((piece): Piece => (piece.kind === 'value' ? { ...piece, assigned: true } : piece)),
    ),
  );
}

/** The array after `a=(x y)`, `a+=(z)` or `a[0]=x`; undefined where an element is not one known word. */
function elementsAfter(assignment: Assignment, state: ShellState, values: Values): readonly KnownList[] | undefined {
  const { name, subscript, value, elements, append } = assignment;
  if (subscript !== undefined) {
    const index = Number(/^\d{1,2}$/.exec(subscript.source)?.[0] ?? Number.NaN);
    const before = state.lists.get(name) ?? (state.variables.has(name) || index > 0 ? undefined : [[]]);
    const [given, ...others] = value === undefined ? [] : expandValue(value, values);
    if (before === undefined || given === undefined || others.length > 0 || append || Number.isNaN(index))
      return undefined;
    if (before.some((list) => index > list.length)) return undefined;
    return before.map((list) => [...list.slice(0, index), given, ...list.slice(index + 1)]);
  }
  const added: (readonly Piece[])[] = [];
  for (const element of elements ?? []) {
    const [args, ...others] = expandWord(element, values);
    if (args === undefined || others.length > 0 || element.source.startsWith('[') || args.some(({ many }) => many))
      return undefined;
    added.push(...args.map(({ pieces }) => pieces));
  }
  return append ? state.lists.get(name)?.map((list) => [...list, ...added]) : [added];
}

/** `x+=word`: every value that it has, followed by the word. */
function appended(
  before: readonly (readonly Piece[])[] | undefined,
  value: Word | undefined,
  values: Values,
): readonly (readonly Piece[])[] {
  if (before === undefined || before === unknownValue || value === undefined) return unknownValue;
  const given = expandValue(value, values);
  if (before.length * given.length > maxAppended) return unknownValue;
  return before.flatMap((head) => given.map((tail) => joinPieces([...head, ...tail])));
}

const maxAppended = 8;

/** `${x:=word}`: what the variable held before, or the word. */
export function assignDefault(
  part: WordPart & { readonly type: 'parameter' },
  state: ShellState,
  values: Values,
): void {
  const [operand] = part.operands;
  const given = operand === undefined ? [] : expandValue(operand, values);
  assign(state, part.name, joinAlternatives(state.variables.get(part.name) ?? unsetValue, given));
}

/** What the loop variable can be: each word on its own, never empty unless quoted. */
export function loopValue(
  words: readonly Word[] | undefined,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): readonly (readonly Piece[])[] {
  if (words === undefined) {
    const parameters = values.lookUpList?.('@')?.flat();
    return parameters === undefined || parameters.length === 0 || parameters.length > 16 ? unknownValue : parameters;
  }
  const out: (readonly Piece[])[] = [];
  for (const word of words) {
    for (const args of expandWord(word, values)) {
      for (const arg of args) out.push(fieldPieces(arg, word, state, context));
    }
  }
  return out.length === 0 || out.length > 16
    ? [[{ kind: 'value', variable: undefined, assigned: true, empty: false }]]
    : out;
}

function fieldPieces(arg: Arg, word: Word, state: ShellState, context: AnalysisContext): readonly Piece[] {
  if (arg.many && word.parts.length === 1) {
    const [part] = word.parts;
    if (part?.type === 'substitution' && printsNumber(part, state.cwd, context)) return [{ kind: 'number' }];
    return arg.pieces.map((piece): Piece => (piece.kind === 'value' ? { ...piece, empty: false } : piece));
  }
  return arg.pieces;
}
