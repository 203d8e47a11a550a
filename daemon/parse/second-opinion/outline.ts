/**
 * What three readings of one text are compared by: a flat list of facts, ordered by place. Two readings agree when they
 * have the same simple commands with the same words, assignments and redirections at the same places.
 */
import type { ParsedScript, Redirection, SimpleCommand, Statement } from '../model.ts';
import { walkStatements } from '../walk.ts';

export type FactKind = 'command' | 'word' | 'assignment' | 'redirection' | 'heredoc' | 'function';

export interface Fact {
  readonly kind: FactKind;
  readonly start: number;
  readonly end: number;
  /** Operator of a redirection, name of an assignment, quotedness of a here-document, value of a word when known. */
  readonly detail: string;
}

/** The facts of our own model. */
export function outlineModel(script: ParsedScript): Fact[] {
  const facts: Fact[] = [];
  walkStatements(script.body, (statement) => outlineStatement(statement, facts));
  return facts;
}

/** The facts of one statement, without those of statements inside of it. */
export function outlineStatement(statement: Statement, facts: Fact[]): void {
  if (statement.type === 'command') outlineCommand(statement.command, facts);
  else for (const redirection of statement.redirections) outlineRedirection(redirection, facts);
  if (statement.type === 'function')
    facts.push({ kind: 'function', start: statement.start, end: 0, detail: statement.name });
}

export function outlineCommand(command: SimpleCommand, facts: Fact[]): void {
  facts.push({ kind: 'command', start: command.start, end: 0, detail: '' });
  for (const { start, end, source, values } of command.words) {
    // Only a word that is one literal has a value to compare; a sequence of brace words has none elsewhere.
    const known = values?.length === 1 && !/[{}~]/.test(source);
    facts.push({ kind: 'word', start, end, detail: known ? `=${values[0]}` : '' });
  }
  for (const { start, end, name } of command.assignments) facts.push({ kind: 'assignment', start, end, detail: name });
  for (const redirection of command.redirections) outlineRedirection(redirection, facts);
}

function outlineRedirection({ operator, target, heredoc }: Redirection, facts: Fact[]): void {
  facts.push({ kind: 'redirection', start: target.start, end: target.end, detail: operator });
  if (heredoc !== undefined) {
    facts.push({ kind: 'heredoc', start: heredoc.start, end: heredoc.end, detail: heredoc.quoted ? 'quoted' : '' });
  }
}
