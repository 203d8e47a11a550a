/** What `$1`, `$2`, … can be in a function of the text, when every call of it stands in the text. */
import type { ParsedScript, SimpleCommand, Statement } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { KnownList } from './args.ts';
import { type Alternatives, joinAlternatives, unknownValue } from './shell-state.ts';
import { allStatements } from './statements.ts';

const maxPosition = 9;
const movers = new Set(['shift', 'set', 'eval', 'source', '.', 'trap', 'alias', 'getopts']);

/** All parameters of the function at once; undefined where `positionalValues` has none, or too many ways. */
export function positionalLists(
  statement: Statement & { readonly type: 'function' },
  script: ParsedScript,
): readonly KnownList[] | undefined {
  const lists: KnownList[] = [];
  const { calls, complete } = findCalls(statement, script);
  if (!complete) return undefined;
  for (const { words } of calls) {
    const values = words.slice(1).map(wordValue);
    if (values.some((value) => value === undefined)) return undefined;
    lists.push(values.map((text) => (text === undefined || text === '' ? [] : [{ kind: 'known', text }])));
  }
  return lists.length === 0 || lists.length > maxCalls ? undefined : lists;
}

const maxCalls = 8;

/** The calls of the function that stand in the text; incomplete when one could come from elsewhere, or parameters can move. */
function findCalls(
  statement: Statement & { readonly type: 'function' },
  script: ParsedScript,
): { readonly calls: readonly SimpleCommand[]; readonly complete: boolean } {
  const { calls, definitions, fixed } = indexOf(script);
  return {
    calls: calls.get(statement.name) ?? [],
    complete: fixed && (definitions.get(statement.name) ?? 0) < 2,
  };
}

interface CallIndex {
  /** Commands by the name that they run. */
  readonly calls: ReadonlyMap<string, readonly SimpleCommand[]>;
  /** How often each function is defined. */
  readonly definitions: ReadonlyMap<string, number>;
  /** Every name is known, and none of them moves parameters. */
  readonly fixed: boolean;
}

/** Asked for by every function of a text. */
const indexes = new WeakMap<ParsedScript, CallIndex>();

function indexOf(script: ParsedScript): CallIndex {
  const known = indexes.get(script);
  if (known !== undefined) return known;
  const calls = new Map<string, SimpleCommand[]>();
  const definitions = new Map<string, number>();
  let fixed = true;
  let relays = false;
  for (const command of script.commands) {
    const name = command.words.length === 0 ? '' : wordValue(command.words[0]);
    if (name === undefined && isRelay(command)) relays = true;
    else if (name === undefined || movers.has(name)) fixed = false;
    if (name === undefined) continue;
    const found = calls.get(name);
    if (found === undefined) calls.set(name, [command]);
    else found.push(command);
  }
  for (const statement of allStatements(script.body)) {
    if (statement.type === 'function') definitions.set(statement.name, (definitions.get(statement.name) ?? 0) + 1);
  }
  // What a function runs by its own parameters is what the calls say, if that is neither a function nor moves parameters.
  const relayed = [...definitions.keys()]
    .flatMap((name) => calls.get(name) ?? [])
    .map(({ words }) => wordValue(words[1]));
  if (relays && relayed.some((name) => name === undefined || definitions.has(name) || movers.has(name))) fixed = false;
  const index = { calls, definitions, fixed };
  indexes.set(script, index);
  return index;
}

/** `"$@"` and `"$1" …`: runs what the function was given. */
function isRelay({ words }: SimpleCommand): boolean {
  return /^"?\$(?:[@*1]|\{[@*1]\})"?$/.test(words[0]?.source ?? '');
}

/** With anything as one more way where a call could come from elsewhere. */
export function positionalValues(
  statement: Statement & { readonly type: 'function' },
  script: ParsedScript,
): ReadonlyMap<string, Alternatives> {
  const { calls, complete } = findCalls(statement, script);
  const values = new Map<string, Alternatives>();
  for (const { words } of calls) {
    // A word that may be several, or none, moves every later one.
    const fixed = words
      .slice(1)
      .every(
        (word) =>
          word.values?.length === 1 ||
          word.parts.every((part) => part.type === 'literal' || ('quoted' in part && part.quoted && !isList(part))),
      );
    for (let position = 1; position <= maxPosition; position += 1) {
      const word = words[position];
      const text = word === undefined ? '' : wordValue(word);
      const value: Alternatives =
        !fixed || text === undefined ? unknownValue : [text === '' ? [] : [{ kind: 'known', text }]];
      const before = values.get(String(position));
      values.set(String(position), before === undefined ? value : joinAlternatives(before, value));
    }
  }
  if (complete) return values;
  return new Map([...values].map(([name, value]) => [name, joinAlternatives(value, anyParameter(name))]));
}

function anyParameter(variable: string): Alternatives {
  return [[{ kind: 'value', variable, assigned: false, empty: true }]];
}

function isList(part: { readonly type: string; readonly name?: string }): boolean {
  return part.type === 'parameter' && (part.name === '@' || part.name === '*');
}
