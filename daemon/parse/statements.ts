/**
 * Lists, and-or lists and pipelines: the grammar that joins commands.
 *
 * Source: bash(1) "Lists", "Pipelines"; `parse.y` of bash 5.2.
 */

import { readSimpleCommand } from './commands.ts';
import { readCompound } from './compounds.ts';
import type { Cursor, Grammar } from './cursor.ts';
import { readFunctionBody } from './functions.ts';
import { readNewline } from './heredocs.ts';
import type { SimpleCommand, Statement } from './model.ts';
import { peekBare, takeReserved } from './reserved.ts';

/** What ends a list besides the end of the text. */
export interface ListEnd {
  readonly words?: readonly string[];
  readonly paren?: boolean;
  /** `;;`, `;&`, `;;&` of `case`. */
  readonly caseClause?: boolean;
}

export const grammar: Grammar = {
  readSubstitutionBody: (cursor) => readList(cursor, { paren: true }),
  readWholeBody(cursor) {
    const body = readList(cursor, {});
    if (!cursor.atEnd()) cursor.syntaxError(`an unexpected \`${cursor.peek()}\``);
    if (cursor.pending.length > 0) cursor.syntaxError('a here-document has no body');
    return body;
  },
};

/** Skips blanks, comments and newlines (and the here-document bodies after them). */
export function skipLines(cursor: Cursor): void {
  cursor.skipBlanks();
  while (cursor.peek() === '\n') {
    readNewline(cursor);
    cursor.skipBlanks();
  }
}

function isAtEnd(cursor: Cursor, end: ListEnd): boolean {
  const char = cursor.peek();
  if (char === '') return true;
  if (char === ')') return end.paren === true;
  if (char === ';') return end.caseClause === true && (cursor.peek(1) === ';' || cursor.peek(1) === '&');
  return end.words?.includes(peekBare(cursor)) ?? false;
}

/** Reads statements up to `end`, which is left unread. May give none: callers that need one use `readBody`. */
export function readList(cursor: Cursor, end: ListEnd): Statement[] {
  const statements: Statement[] = [];
  skipLines(cursor);
  while (!isAtEnd(cursor, end)) {
    const statement = readAndOr(cursor);
    cursor.skipBlanks();
    const char = cursor.peek();
    const background = char === '&';
    statements.push(background ? { ...statement, background } : statement);
    if (background || (char === ';' && cursor.peek(1) !== ';' && cursor.peek(1) !== '&')) cursor.advance();
    else if (
      char !== '\n' &&
      !isSeparatorFree(cursor, end) &&
      !(endsInReservedWord(statement) && isAtEnd(cursor, end))
    ) {
      cursor.syntaxError(`an unexpected \`${peekBare(cursor) || char}\``);
    }
    skipLines(cursor);
  }
  return statements;
}

/** After a statement without a separator only `)`, a case clause's end or the end of the text may follow. */
function isSeparatorFree(cursor: Cursor, end: ListEnd): boolean {
  return isAtEnd(cursor, { paren: end.paren === true, caseClause: end.caseClause === true });
}

/**
 * bash knows reserved words behind the one that ends a compound command: `{ (a) }`, `if a; then { b; } fi`. Behind a
 * redirection or an argument `}` is a word.
 */
function endsInReservedWord(statement: Statement): boolean {
  switch (statement.type) {
    case 'command':
      return false;
    case 'pipeline':
      return endsInReservedWord(statement.stages.at(-1) as Statement);
    case 'and-or':
      return endsInReservedWord(statement.right);
    case 'function':
    case 'coproc':
      return endsInReservedWord(statement.body);
    default:
      return statement.redirections.length === 0;
  }
}

/** Like `readList`, where bash requires at least one statement. */
export function readBody(cursor: Cursor, end: ListEnd): Statement[] {
  return cursor.nested(() => {
    const body = readList(cursor, end);
    if (body.length === 0) cursor.syntaxError('a command was expected here');
    return body;
  });
}

function readAndOr(cursor: Cursor): Statement {
  let left = readPipeline(cursor);
  for (;;) {
    cursor.skipBlanks();
    const operator = cursor.startsWith('&&') ? '&&' : cursor.startsWith('||') ? '||' : undefined;
    if (operator === undefined) return left;
    cursor.advance(2);
    refuseJoinedOperator(cursor);
    skipLines(cursor);
    const right = readPipeline(cursor);
    const { start } = left;
    left = { type: 'and-or', left, operator, right, redirections: [], background: false, start, end: right.end };
  }
}

/** `|\⏎|` is the operator `||`. */
function refuseJoinedOperator(cursor: Cursor): void {
  if (cursor.startsWith('\\\n') && /[|&]/.test(cursor.peek(2)))
    cursor.unsupported('a line continuation inside an operator');
}

function readPipeline(cursor: Cursor): Statement {
  const start = cursor.position;
  let negated = false;
  let timed = false;
  for (;;) {
    cursor.skipBlanks();
    if (takeReserved(cursor, '!')) negated = !negated;
    else if (takeReserved(cursor, 'time')) {
      timed = true;
      cursor.skipBlanks();
      if (takeReserved(cursor, '-p')) cursor.skipBlanks();
      if (takeReserved(cursor, '--')) cursor.skipBlanks();
    } else break;
  }
  if ((negated || timed || start !== cursor.position) && /^[\n;&|)]?$/.test(cursor.peek())) {
    cursor.unsupported('`time` or `!` without a command', start);
  }
  const stages = [readCommand(cursor)];
  for (;;) {
    cursor.skipBlanks();
    if (cursor.peek() !== '|' || cursor.peek(1) === '|') break;
    cursor.advance(cursor.peek(1) === '&' ? 2 : 1);
    refuseJoinedOperator(cursor);
    skipLines(cursor);
    // `time` is an ordinary word here to bash alone; `!` is an error to bash alone.
    if (/^(?:time|!)$/.test(peekBare(cursor))) cursor.unsupported(`\`${peekBare(cursor)}\` after a pipe`);
    stages.push(readCommand(cursor));
  }
  const [only] = stages as [Statement];
  if (stages.length === 1 && start === only.start) return only;
  const end = stages.at(-1)?.end ?? start;
  return { type: 'pipeline', stages, negated, timed, redirections: [], background: false, start, end };
}

export function readCommand(cursor: Cursor): Statement {
  const compound = cursor.nested(() => readCompound(cursor));
  if (compound !== undefined) return compound;
  const { command, opensFunction } = readSimpleCommand(cursor);
  if (opensFunction) return readFunctionBody(cursor, command);
  return makeCommandStatement(command);
}

export function makeCommandStatement(command: Omit<SimpleCommand, 'id' | 'positions' | 'pipedTo'>): Statement {
  const { start, end } = command;
  // Number, positions and pipe are filled in by `numberCommands` when the whole text has been read.
  const numbered = { ...command, id: -1, positions: [], pipedTo: undefined };
  return { type: 'command', command: numbered, redirections: [], background: false, start, end };
}
