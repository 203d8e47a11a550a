/** Function definitions of both styles. A function's body runs when its name is called, so its commands are modelled. */
import { readCompound } from './compounds.ts';
import type { Cursor } from './cursor.ts';
import type { SimpleCommand, Statement } from './model.ts';
import { isReserved } from './reserved.ts';
import { skipLines } from './statements.ts';

const namePattern = /^[A-Za-z_][A-Za-z0-9_:.-]*/;

/** After `name`, at its `(`. */
export function readFunctionBody(cursor: Cursor, { words, start }: Pick<SimpleCommand, 'words' | 'start'>): Statement {
  const name = words[0]?.source ?? '';
  if (namePattern.exec(name)?.[0] !== name) cursor.unsupported('this function name', start, cursor.position);
  takeParentheses(cursor);
  return readBody(cursor, name, start);
}

/** After the reserved word `function`. */
export function readFunctionKeyword(cursor: Cursor, start: number): Statement {
  cursor.skipBlanks();
  const name = namePattern.exec(cursor.text.slice(cursor.position, Math.min(cursor.end, cursor.position + 256)))?.[0];
  if (name === undefined || isReserved(name)) return cursor.unsupported('this function name');
  cursor.advance(name.length);
  if (!/[\s(]/.test(cursor.peek())) cursor.unsupported('this function name', start, cursor.position);
  cursor.skipBlanks();
  if (cursor.peek() === '(') {
    // `function f ((1))` has an arithmetic body.
    if (!/^\([ \t]*\)/.test(cursor.text.slice(cursor.position, cursor.end))) cursor.unsupported('this function body');
    takeParentheses(cursor);
  }
  return readBody(cursor, name, start);
}

function takeParentheses(cursor: Cursor): void {
  cursor.advance();
  cursor.skipBlanks();
  if (cursor.peek() !== ')') cursor.syntaxError('`)` was expected after the `(` of a function');
  cursor.advance();
}

function readBody(cursor: Cursor, name: string, start: number): Statement {
  if (cursor.pending.length > 0) cursor.unsupported('a here-document operator before a function', start);
  skipLines(cursor);
  const bodyStart = cursor.position;
  const body = cursor.nested(() => readCompound(cursor));
  if (body === undefined || body.type === 'function' || body.type === 'coproc') {
    return cursor.syntaxError('a function needs a compound command as its body', bodyStart);
  }
  return { type: 'function', name, body, redirections: [], background: false, start, end: body.end };
}
