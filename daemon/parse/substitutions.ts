/**
 * Command and process substitution: the statements inside are read into the model as bash would run them.
 *
 * Source: bash(1) "Command Substitution", "Process Substitution".
 */
import type { Cursor } from './cursor.ts';
import type { Statement, WordPart } from './model.ts';
import type { QuoteContext } from './quotes.ts';
import { childrenOf } from './walk.ts';

export function readSubstitution(cursor: Cursor, quoted: boolean): WordPart {
  const start = cursor.position;
  cursor.advance(2);
  const body = readBody(cursor, start);
  return { type: 'substitution', body, quoted, start, end: cursor.position };
}

export function readProcess(cursor: Cursor): WordPart {
  const start = cursor.position;
  const direction = cursor.peek() === '<' ? '<' : '>';
  cursor.advance(2);
  const body = readBody(cursor, start);
  return { type: 'process', direction, body, start, end: cursor.position };
}

/** The statements of a substitution and its `)`. Its here-documents must end inside of it. */
function readBody(cursor: Cursor, start: number): Statement[] {
  const { pending, outerPending, insideSubstitution } = cursor;
  cursor.pending = [];
  cursor.insideSubstitution = true;
  cursor.outerPending = outerPending || pending.length > 0;
  const body = cursor.nested(() => cursor.grammar.readSubstitutionBody(cursor));
  if (cursor.peek() !== ')') cursor.syntaxError('a substitution has no closing parenthesis', start);
  if (cursor.pending.length > 0) cursor.unsupported('a here-document that does not end inside its substitution', start);
  refuseTextAfterHeredoc(cursor, body, start);
  cursor.advance();
  cursor.pending = pending;
  cursor.outerPending = outerPending;
  cursor.insideSubstitution = insideSubstitution;
  return body;
}

/**
 * bash 5.2 prints the commands of a substitution and reads them again, and after a here-document it forgets a `;`: in
 * `$(a <<E⏎E⏎b; c)` it runs `b c`. So a here-document is taken only at the end, with simple commands around it.
 * Source: experiments with bash 5.2.15; `was_heredoc` in `print_cmd.c`.
 */
function refuseTextAfterHeredoc(cursor: Cursor, body: readonly Statement[], start: number): void {
  for (const statement of body) {
    if (!hasHeredoc(statement)) continue;
    if (statement !== body.at(-1) || !isPlain(statement)) {
      cursor.unsupported('commands after a here-document in a substitution', start);
    }
  }
}

/** Whether the statement, substitutions inside of it aside, has a here-document. */
function hasHeredoc(statement: Statement): boolean {
  const redirections = statement.type === 'command' ? statement.command.redirections : statement.redirections;
  if (redirections.some(({ operator }) => operator === '<<' || operator === '<<-')) return true;
  return childrenOf(statement).some(({ part, body }) => part === undefined && body.some(hasHeredoc));
}

/** Simple commands joined by `|`, `&&` or `||`. */
function isPlain(statement: Statement): boolean {
  if (statement.type === 'command') return !statement.background;
  if (statement.type !== 'pipeline' && statement.type !== 'and-or') return false;
  return childrenOf(statement).every(({ part, body }) => part !== undefined || body.every(isPlain));
}

export function readBackticks(cursor: Cursor, context: QuoteContext): WordPart {
  const start = cursor.position;
  let close = start + 1;
  while (close < cursor.end && cursor.text[close] !== '`') close += cursor.text[close] === '\\' ? 2 : 1;
  if (close >= cursor.end) cursor.syntaxError('a ` has no closing `', start);
  const inside = cursor.text.slice(start + 1, close);
  // Such a backslash is removed before the inside is read, so what runs is not a stretch of the text.
  if (/\\[`$\\\n"]/.test(inside)) cursor.unsupported('an escape inside backticks', start, close + 1);
  const bounded = cursor.bounded(start + 1, close);
  bounded.outerPending = cursor.outerPending || cursor.pending.length > 0;
  const body = cursor.nested(() => cursor.grammar.readWholeBody(bounded));
  cursor.advance(close + 1 - start);
  return { type: 'substitution', body, quoted: context !== 'none', start, end: cursor.position };
}
