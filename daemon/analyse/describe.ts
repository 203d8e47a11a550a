/** English accounts of commands and of a whole text, from the analysis alone. */
import type { ParsedScript } from '../parse/model.ts';
import type { CommandRecord } from './analyse-command.ts';
import type { AnalysedCommand } from './model.ts';

export function describeCommand(record: CommandRecord, _result: AnalysedCommand): string {
  const [first] = record.instances;
  if (first === undefined) return 'sets variables';
  return `runs ${first.reading?.program.path ?? first.name ?? 'a program whose name is not known'}`;
}

export function describeScript(_script: ParsedScript, commands: readonly CommandRecord[]): string {
  return commands.map((record) => record.result.description).join(', then ');
}
