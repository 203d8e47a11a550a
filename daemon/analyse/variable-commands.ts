/**
 * What the values of variables and settings lead to: commands (`PAGER='less -R' git log`, `export GIT_SSH_COMMAND=…`, `make CC=…`)
 * and machines (`HTTPS_PROXY=…`, `npm config set registry …`). Programs run and reach them sooner or later, so restrictions
 * see them where they are assigned.
 */
import type { Assignment } from '../parse/model.ts';
import type { Instance } from './analyse-command.ts';
import { type Arg, makeArg, type Values } from './args.ts';
import type { Effect } from './model.ts';
import { connectionOf } from './remote-targets.ts';
import type { Variables } from './variables.ts';
import { expandValue } from './words.ts';

interface Given {
  readonly name: string;
  readonly value: Arg;
}

/** Shell text, one for each assignment that holds some. */
export function findVariableCommands(
  assignments: readonly Assignment[],
  instances: readonly Instance[],
  values: Values,
  variables: Variables,
): readonly Arg[] {
  return givenValues(assignments, instances, values).flatMap(({ name, value }) =>
    value.text === undefined
      ? []
      : variables.commands(name, value.text).map((text) => makeArg(value.word, [{ kind: 'known', text }], false)),
  );
}

/** Connections to the machines that proxies, registries and their like are set to. */
export function findVariableHosts(
  assignments: readonly Assignment[],
  instances: readonly Instance[],
  values: Values,
  variables: Variables,
): readonly Effect[] {
  return givenValues(assignments, instances, values).flatMap(({ name, value }) => {
    if (value.text === undefined || value.text === '' || !variables.namesHost(name)) return [];
    // `GOPROXY=https://host,direct`; several indexes stand with blanks between them.
    return value.text.split(/[,|\s]+/).flatMap((text): readonly Effect[] => {
      const { host, url } = connectionOf(text, true);
      const { start, end } = value.word;
      return host === undefined || !/[.:]|^localhost$/.test(host)
        ? []
        : [{ kind: 'connect', host, url, span: { start, end } }];
    });
  });
}

function givenValues(
  assignments: readonly Assignment[],
  instances: readonly Instance[],
  values: Values,
): readonly Given[] {
  const given: Given[] = [];
  for (const { name, value } of assignments) {
    const [only, ...others] = value === undefined ? [] : expandValue(value, values);
    if (value !== undefined && only !== undefined && others.length === 0)
      given.push({ name, value: makeArg(value, only, false) });
  }
  for (const { interpretation, wrapping } of instances) {
    const read = [interpretation, ...wrapping];
    const words = read.flatMap((one) => [...(one?.environment ?? []), ...(one?.names ?? []), ...(one?.settings ?? [])]);
    for (const arg of words) {
      const match = /^([A-Za-z_@/][\w.:@/-]*?)[:?+]*=([\s\S]*)$/.exec(arg.text ?? '');
      if (match?.[1] === undefined) continue;
      given.push({ name: match[1], value: makeArg(arg.word, [{ kind: 'known', text: match[2] ?? '' }], false) });
    }
  }
  return given;
}
