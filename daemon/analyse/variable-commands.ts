/**
 * Commands that the values of variables hold (`PAGER='less -R' git log`, `export GIT_SSH_COMMAND=…`, `make CC=…`): programs
 * run them sooner or later, so restrictions see them where they are assigned.
 */
import type { Assignment } from '../parse/model.ts';
import type { Instance } from './analyse-command.ts';
import type { Variables } from './variables.ts';
import { type Arg, expandValue, makeArg, type Values } from './words.ts';

/** Shell text, one for each assignment that holds some. */
export function findVariableCommands(
  assignments: readonly Assignment[],
  instances: readonly Instance[],
  values: Values,
  variables: Variables,
): readonly Arg[] {
  const found: Arg[] = [];
  const add = (name: string, value: Arg): void => {
    const text = value.text === undefined ? undefined : variables.command(name, value.text);
    if (text !== undefined) found.push(makeArg(value.word, [{ kind: 'known', text }], false));
  };
  for (const { name, value } of assignments) {
    const [only, ...others] = value === undefined ? [] : expandValue(value, values);
    if (value !== undefined && only !== undefined && others.length === 0) add(name, makeArg(value, only, false));
  }
  for (const { interpretation, wrapping } of instances) {
    const words = [interpretation, ...wrapping].flatMap((one) => [...(one?.environment ?? []), ...(one?.names ?? [])]);
    for (const arg of words) {
      const match = /^([A-Za-z_][\w.]*)[:?+]*=([\s\S]*)$/.exec(arg.text ?? '');
      if (match?.[1] === undefined) continue;
      add(match[1], makeArg(arg.word, [{ kind: 'known', text: match[2] ?? '' }], false));
    }
  }
  return found;
}
