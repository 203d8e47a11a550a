/** What `$1`, `$2`, … can be in a function of the text, when every call of it stands in the text. */
import type { ParsedScript, Statement } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import { type Alternatives, joinAlternatives, unknownValue } from './shell-state.ts';
import { allStatements } from './statements.ts';

const maxPosition = 9;
const movers = new Set(['shift', 'set', 'eval', 'source', '.', 'trap', 'alias', 'getopts']);

/** Empty when a call could come from elsewhere, or the parameters can move. */
export function positionalValues(
  statement: Statement & { readonly type: 'function' },
  script: ParsedScript,
): ReadonlyMap<string, Alternatives> {
  const names = script.commands.map((command) => (command.words.length === 0 ? '' : wordValue(command.words[0])));
  const twice =
    [...allStatements(script.body)].filter((one) => one.type === 'function' && one.name === statement.name).length > 1;
  if (twice || names.some((name) => name === undefined || movers.has(name))) return new Map();
  const calls = script.commands.filter((_command, index) => names[index] === statement.name);
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
  return values;
}

function isList(part: { readonly type: string; readonly name?: string }): boolean {
  return part.type === 'parameter' && (part.name === '@' || part.name === '*');
}
