/**
 * Names to which the text gives an attribute, wherever it declares them: a function may run before the line that declares
 * a name, so the place of the declaration proves nothing.
 */
import type { SimpleCommand } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';

/** Names that `declare -A` makes associative, wherever it stands. */
export function findAssociative(commands: readonly SimpleCommand[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { words } of commands) {
    const values = words.map((word) => wordValue(word) ?? '');
    if (!/^(?:declare|local|typeset|readonly)$/.test(values[0] ?? '') || !values.some((value) => /^-\w*A/.test(value)))
      continue;
    for (const word of words.slice(1)) {
      const name = /^[A-Za-z_]\w*/.exec(word.source)?.[0];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

/** Names with an attribute that changes the letters of what they are given, wherever the text declares them. */
export function findOpaque(commands: readonly SimpleCommand[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { words } of commands) {
    const values = words.map((word) => wordValue(word) ?? '');
    const at = values.findIndex((value) => /^(?:declare|local|typeset|readonly)$/.test(value));
    if (at < 0 || !values.some((value) => /^-\w*[luc]/.test(value))) continue;
    for (const { source } of words.slice(at + 1)) {
      const name = /^[A-Za-z_]\w*/.exec(source)?.[0];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}
