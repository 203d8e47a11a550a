/** Statements that are one simple command, told by its first word. */
import type { SimpleCommand, Statement } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';

export function commandName(statement: Statement): string | undefined {
  return statement.type === 'command' ? wordValue(statement.command.words[0]) : undefined;
}

export function asStatement(command: SimpleCommand): Statement {
  return { type: 'command', command, redirections: [], background: false, start: command.start, end: command.end };
}

/** The `read` that is the whole condition of a `while` loop. */
export function readCondition(condition: readonly Statement[]): number | undefined {
  const [only, ...others] = condition;
  if (only?.type !== 'command' || others.length > 0) return undefined;
  return wordValue(only.command.words[0]) === 'read' ? only.command.id : undefined;
}

/** Statements that may stand before a script's functions without running anything of it. */
export function isPreamble(command: SimpleCommand): boolean {
  const name = wordValue(command.words[0]);
  return command.words.length === 0 || name === 'set' || name === 'shopt' || name === 'export' || name === 'readonly';
}
