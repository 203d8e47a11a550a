/**
 * What is known about the shell at one point of the text: its directory, the variables that the text assigned, its
 * functions. Branches are merged by keeping only what all of them agree on, so a later path is either right or unknown.
 */
import type { KnownList, Piece, Values } from './args.ts';
import type { Facts } from './model.ts';
import type { Changes } from './shell-changes.ts';
import type { StandardInput } from './standard-input.ts';

export type Alternatives = readonly (readonly Piece[])[];

export interface ShellState {
  cwd: string | undefined;
  /** Where `cd -` leads, and the folders that `popd` leads back to, the next first; unknown where it is not certain. */
  previous: string | undefined;
  stack: readonly string[];
  /** A `cd` may have led out of the folder the text started in. */
  changed: boolean;
  /** Folders in force instead of `cwd` if an earlier `cd` failed. */
  fallbacks: readonly string[];
  variables: Map<string, Alternatives>;
  /** Arrays whose elements are known, and the positional parameters as `@`. */
  lists: Map<string, readonly KnownList[]>;
  /** What stands on standard input, where the text holds it. */
  input: StandardInput | undefined;
  /** Some of what stands on standard input where not all of it is known; only restrictions look at it. */
  someInput: string | undefined;
  /** The simple command whose output stands on standard input. */
  feeder: number | undefined;
  /** The `read` that a loop runs as its condition: where its body runs, it has read a line. */
  guard: number | undefined;
  /** Names with an attribute that changes what they are given (`declare -l`). */
  opaque: ReadonlySet<string>;
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
    previous: undefined,
    stack: [],
    changed: false,
    fallbacks: [],
    variables: new Map(),
    lists: new Map(),
    input: undefined,
    someInput: undefined,
    feeder: undefined,
    guard: undefined,
    opaque: new Set(),
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
    lists: new Map(state.lists),
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
  if (into.previous !== other.previous) into.previous = undefined;
  if (into.stack !== other.stack) into.stack = [];
  into.changed ||= other.changed;
  into.fallbacks = [...new Set([...into.fallbacks, ...other.fallbacks])];
  for (const [name, value] of other.variables) {
    const mine = into.variables.get(name);
    if (mine !== value) into.variables.set(name, joinAlternatives(mine ?? unsetValue, value));
  }
  for (const [name, mine] of into.variables) {
    if (!other.variables.has(name)) into.variables.set(name, joinAlternatives(mine, unsetValue));
  }
  for (const [name, lists] of into.lists) {
    const joined = joinLists(lists, other.lists.get(name));
    if (joined === undefined) into.lists.delete(name);
    else into.lists.set(name, joined);
  }
  if (into.input !== other.input) into.input = undefined;
  if (into.feeder !== other.feeder) into.feeder = undefined;
  for (const name of other.exported) into.exported.add(name);
  for (const name of into.functions) if (!other.functions.has(name)) into.functions.delete(name);
  into.oddSplitting ||= other.oddSplitting;
  into.dynamic ||= other.dynamic;
}

function joinLists(
  left: readonly KnownList[],
  right: readonly KnownList[] | undefined,
): readonly KnownList[] | undefined {
  if (right === undefined || left === right) return right;
  const byKey = new Map([...left, ...right].map((list) => [list.map(keyOf).join('\u0001'), list]));
  return byKey.size > maxAlternatives ? undefined : [...byKey.values()];
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
    key += `${piece.kind}:${'text' in piece ? piece.text : piece.kind === 'value' ? `${piece.assigned}${piece.empty}${piece.printedBy ?? ''}${piece.begins ?? ''}` : ''}\u0000`;
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
  if (state.dynamic && !/^\d$/.test(name)) return;
  state.lists.delete(name);
  state.variables.set(name, state.opaque.has(name) ? unknownValue : value);
}

/** From here on any variable may hold anything. Positional parameters that are set later are known all the same. */
export function forgetAll(state: ShellState): void {
  state.dynamic = true;
  assignPositional(state, undefined);
}

/** Forgets what the changes may have made of it. */
export function forgetChanges(changes: Changes, state: ShellState): void {
  if (changes.directory) {
    state.cwd = undefined;
    state.previous = undefined;
    state.stack = [];
    state.changed = true;
  }
  if (changes.everything) forgetAll(state);
  if (changes.positional) assignPositional(state, undefined);
  for (const name of changes.unknown) assign(state, name, unknownValue);
  for (const name of changes.numeric) {
    const before = state.variables.get(name);
    assign(state, name, before === undefined || isNumeric(before) ? numericValue : unknownValue);
  }
}

/** Lists of more elements than this are not followed. */
const maxElements = 64;
/** Arrays that bash fills by itself: what they are given does not stay. */
const ownArrays = /^(?:BASH_\w+|FUNCNAME|PIPESTATUS|DIRSTACK|GROUPS|COMP_\w+|COMPREPLY)$/;

/** Gives an array its elements, and its name the first of them; undefined makes both unknown. */
export function assignList(state: ShellState, name: string, lists: readonly KnownList[] | undefined): void {
  const known =
    lists === undefined ||
    state.opaque.has(name) ||
    ownArrays.test(name) ||
    lists.some((list) => list.length > maxElements)
      ? undefined
      : lists;
  assign(state, name, known === undefined ? unknownValue : known.map((list) => list[0] ?? []));
  if (known !== undefined && !state.dynamic) state.lists.set(name, known);
}

const maxPosition = 9;

/** Gives the positional parameters their values. */
export function assignPositional(state: ShellState, lists: readonly KnownList[] | undefined): void {
  const known = lists?.some((list) => list.length > maxElements) === true ? undefined : lists;
  for (let at = 1; at <= maxPosition; at += 1) {
    if (known === undefined) state.variables.delete(String(at));
    else
      state.variables.set(
        String(at),
        known.map((list) => list[at - 1] ?? []),
      );
  }
  if (known === undefined) state.lists.delete('@');
  else state.lists.set('@', known);
}
/** The state as the reader of words sees it. */
export function stateValues(state: ShellState, facts: Facts, substitution: Values['substitution']): Values {
  return {
    home: facts.home,
    cwd: state.cwd,
    oddSplitting: state.oddSplitting,
    substitution,
    lookUpList: (name) => (state.dynamic && name !== '@' ? undefined : state.lists.get(name)),
    lookUp: (name) => {
      if (state.dynamic && !/^\d$/.test(name)) return undefined;
      const value = state.variables.get(name);
      if (value !== undefined) return value;
      if (name === 'HOME') return [[{ kind: 'known', text: facts.home }]];
      if (name === 'TMPDIR') return temporaryFolder(facts.temporaryDirectories);
      if (name === 'PWD') return state.cwd === undefined ? undefined : [[{ kind: 'known', text: state.cwd }]];
      return undefined;
    },
  };
}

/** Sessions are given the first of the folders for temporary files. */
function temporaryFolder([first]: Facts['temporaryDirectories']): Alternatives | undefined {
  return first === undefined ? undefined : [[{ kind: 'known', text: first }]];
}
