/**
 * Programs that reach a command on its standard input or from `<(…)` and that the text holds (RULES O29): shell text, a
 * script of an interpreter, statements of a database shell, a crontab. Of everything but shell text only the commands in it
 * are told.
 */
import type { SimpleCommand } from '../parse/model.ts';
import type { Instance } from './analyse-command.ts';
import { makeArg, type Values } from './args.ts';
import { embeddedCommands } from './embedded-shell.ts';
import { commandsInCalls } from './languages/calls.ts';
import { readSql } from './languages/sql.ts';
import { processText } from './standard-input.ts';
import { isStandardInput, readsProgramFromStdin } from './stdin-program.ts';

export interface FedProgram {
  /** Shell text that it runs. */
  readonly shell: readonly string[];
  /** Commands in a program of another language; what cannot be read there is no command. */
  readonly embedded: readonly string[];
}

/** @param input what stands on standard input, where the text holds it. */
export function readFedProgram(
  { name, program, reading }: Instance,
  { words }: SimpleCommand,
  input: string | undefined,
  values: Values,
): FedProgram | undefined {
  const interprets = reading?.program.data.interprets ?? program?.data.interprets;
  const sources = name === 'source' || name === '.';
  if (interprets === undefined && !sources) return undefined;
  const script = reading?.operands.find(({ role }) => role === 'load');
  const loaded = [
    script?.arg,
    ...(reading?.options.map(({ role, value }) => (role === 'load' ? value : undefined)) ?? []),
  ];
  const given = loaded
    .map((arg) => (arg === undefined ? undefined : processText(arg.word, values)))
    .find((text) => text !== undefined);
  const streamed = sources
    ? script?.arg.text !== undefined && isStandardInput(script.arg.text)
    : interprets === 'sql' || readsProgramFromStdin(reading) || loadsStandardInput(reading);
  const text = given ?? (streamed ? input : undefined);
  const [word] = words;
  if (text === undefined || word === undefined) return undefined;
  if (interprets === 'shell' || sources) return { shell: [text], embedded: [] };
  if (interprets === 'crontab') return { shell: [], embedded: jobsOf(text) };
  if (interprets === 'sql')
    return { shell: [], embedded: readSql(makeArg(word, [{ kind: 'known', text }], false)).shell ?? [] };
  const { shellAfter, spawns } = reading?.program.data ?? {};
  return { shell: [], embedded: [...embeddedCommands(text, shellAfter ?? []), ...commandsInCalls(text, spawns ?? [])] };
}

/** `make -f -`, `at -f /dev/stdin` */
function loadsStandardInput(reading: Instance['reading']): boolean {
  return (
    reading?.options.some(
      ({ role, value }) => role === 'load' && value?.text !== undefined && isStandardInput(value.text),
    ) ?? false
  );
}

/** The commands of a crontab: after five fields of time or one name of it. Source: crontab(5). */
function jobsOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const job = /^\s*(?:@\w+|(?:[\d*/,~\w-]+\s+){4}[\d*/,~\w-]+)\s+(.*)$/.exec(line)?.[1];
    return job === undefined ? [] : [job];
  });
}
