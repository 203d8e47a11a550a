/**
 * What is known about the shell at one point of the text: its directory, the variables that the text assigned, its
 * functions. Branches are merged by keeping only what all of them agree on, so a later path is either right or unknown.
 */
import type { Facts } from './model.ts';
import type { Piece, Values } from './words.ts';

export type Alternatives = readonly (readonly Piece[])[];

export interface ShellState {
  cwd: string | undefined;
  /** A `cd` may have led out of the folder the text started in. */
  changed: boolean;
  /** Folders in force instead of `cwd` if an earlier `cd` failed. */
  fallbacks: readonly string[];
  variables: Map<string, Alternatives>;
  /** Names whose value reaches programs. */
  exported: Set<string>;
  functions: Set<string>;
  /** Nothing after this point runs in this shell (`exit`, `return`). */
  ended: boolean;
  /** `IFS` was assigned. */
  oddSplitting: boolean;
  /** Code that is not in the text may have assigned anything (`eval`, `source`). */
  dynamic: boolean;
}

const maxAlternatives = 8;
export const unknownValue: Alternatives = [[{ kind: 'value', variable: undefined, assigned: true, empty: true }]];
/** The value of a variable that some way through the text does not assign. */
export const unsetValue: Alternatives = [[{ kind: 'value', variable: undefined, assigned: false, empty: true }]];
export const numericValue: Alternatives = [[{ kind: 'number' }]];

export function startState(facts: Facts): ShellState {
  return {
    cwd: facts.cwd,
    changed: false,
    fallbacks: [],
    variables: new Map(),
    exported: new Set(),
    functions: new Set(),
    ended: false,
    oddSplitting: false,
    dynamic: false,
  };
}

export function copyState(state: ShellState): ShellState {
  return {
    ...state,
    variables: new Map(state.variables),
    exported: new Set(state.exported),
    functions: new Set(state.functions),
  };
}

/** Makes `into` what is certain when the shell is in either state. */
export function mergeState(into: ShellState, other: ShellState): void {
  if (other.ended) return;
  if (into.ended) {
    Object.assign(into, copyState(other));
    return;
  }
  if (into.cwd !== other.cwd) into.cwd = undefined;
  into.changed ||= other.changed;
  into.fallbacks = [...new Set([...into.fallbacks, ...other.fallbacks])];
  for (const [name, value] of other.variables) {
    const mine = into.variables.get(name);
    if (mine !== value) into.variables.set(name, joinAlternatives(mine ?? unsetValue, value));
  }
  for (const [name, mine] of into.variables) {
    if (!other.variables.has(name)) into.variables.set(name, joinAlternatives(mine, unsetValue));
  }
  for (const name of other.exported) into.exported.add(name);
  for (const name of into.functions) if (!other.functions.has(name)) into.functions.delete(name);
  into.oddSplitting ||= other.oddSplitting;
  into.dynamic ||= other.dynamic;
}

export function joinAlternatives(left: Alternatives, right: Alternatives): Alternatives {
  if (left === unknownValue || right === unknownValue) return unknownValue;
  const byKey = new Map<string, readonly Piece[]>();
  for (const pieces of left) byKey.set(keyOf(pieces), pieces);
  for (const pieces of right) byKey.set(keyOf(pieces), pieces);
  if (byKey.size > maxAlternatives) return unknownValue;
  return byKey.size === left.length ? left : [...byKey.values()];
}

function keyOf(pieces: readonly Piece[]): string {
  let key = '';
  for (const piece of pieces)
    key += `${piece.kind}:${'text' in piece ? piece.text : piece.kind === 'value' ? `${piece.assigned}${piece.empty}` : ''}\u0000`;
  return key;
}

/** Whether every alternative is a plain number. */
export function isNumeric(alternatives: Alternatives | undefined): boolean {
  return alternatives?.every(isNumber) === true;
}

function isNumber(pieces: readonly Piece[]): boolean {
  return (
    pieces.length > 0 &&
    pieces.every((piece) => piece.kind === 'number' || (piece.kind === 'known' && /^[-+]?\d+$/.test(piece.text)))
  );
}

/** More variables than this are not followed: a text that assigns hundreds would make every branch copy them all. */
const maxVariables = 64;

export function assign(state: ShellState, name: string, value: Alternatives): void {
  if (state.variables.size >= maxVariables && !state.variables.has(name)) state.dynamic = true;
  if (name === 'IFS') state.oddSplitting = true;
  if (state.dynamic) return;
  state.variables.set(name, value);
}

/** The state as the reader of words sees it. */
export function stateValues(state: ShellState, facts: Facts, substitution: Values['substitution']): Values {
  return {
    home: facts.home,
    cwd: state.cwd,
    oddSplitting: state.oddSplitting,
    substitution,
    lookUp: (name) => {
      if (state.dynamic) return undefined;
      const value = state.variables.get(name);
      if (value !== undefined) return value;
      if (name === 'HOME') return [[{ kind: 'known', text: facts.home }]];
      if (name === 'PWD') return state.cwd === undefined ? undefined : [[{ kind: 'known', text: state.cwd }]];
      return undefined;
    },
  };
}
