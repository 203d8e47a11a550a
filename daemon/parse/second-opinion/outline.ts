/**
 * What three readings of one text are compared by: a flat list of facts, ordered by place. Two readings agree when they
 * have the same simple commands with the same words, assignments and redirections at the same places.
 */
import {
  type ParsedScript,
  type Redirection,
  type SimpleCommand,
  type Statement,
  type Word,
  wordValue,
} from '../model.ts';
import { walkStatements } from '../walk.ts';

export type FactKind = 'command' | 'word' | 'assignment' | 'redirection' | 'heredoc' | 'function';

export interface Fact {
  readonly kind: FactKind;
  readonly start: number;
  readonly end: number;
  /** Operator of a redirection, name of an assignment or function, quotedness of a here-document. */
  readonly detail?: string | undefined;
  /** Value of the word, of the assignment or of the target, where the reading knows it. */
  readonly value?: string | undefined;
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
  if (statement.type === 'function') {
    facts.push({ kind: 'function', start: statement.start, end: 0, detail: statement.name });
  }
}

export function outlineCommand(command: SimpleCommand, facts: Fact[]): void {
  facts.push({ kind: 'command', start: command.start, end: 0 });
  for (const word of command.words) {
    facts.push({ kind: 'word', start: word.start, end: word.end, value: knownValue(word) });
  }
  for (const { start, end, name, value } of command.assignments) {
    facts.push({ kind: 'assignment', start, end, detail: name, value: knownValue(value) });
  }
  for (const redirection of command.redirections) outlineRedirection(redirection, facts);
}

/** The value of a word that is one literal; what braces and `~` give is not said by other parsers. */
function knownValue(word: Word | undefined): string | undefined {
  return word === undefined || /[{}~]/.test(word.source) ? undefined : wordValue(word);
}

function outlineRedirection({ operator, target, heredoc }: Redirection, facts: Fact[]): void {
  const { start, end } = target;
  const value = heredoc === undefined ? knownValue(target) : undefined;
  facts.push({ kind: 'redirection', start, end, detail: operator, value });
  if (heredoc !== undefined) {
    const detail = heredoc.quoted ? 'quoted' : 'expanded';
    facts.push({ kind: 'heredoc', start: heredoc.start, end: heredoc.end, detail });
  }
}
