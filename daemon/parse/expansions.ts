/**
 * Everything that begins with `$` or a backtick, and process substitution. Each substitution's statements are read into
 * the model, wherever bash would run them.
 *
 * Source: bash(1) "Parameter Expansion", "Command Substitution", "Process Substitution".
 */
import { readArithmetic } from './arithmetic.ts';
import { makeWord, patternUse, quotedUse, singleUse } from './atoms.ts';
import type { Cursor } from './cursor.ts';
import type { Arithmetic, Statement, Word, WordPart } from './model.ts';
import { type QuoteContext, readQuotedOperand, readUnquoted } from './quotes.ts';
import { childrenOf, walkStatements, wordsOf } from './walk.ts';

const nameStart = /[A-Za-z_]/;
const namePattern = /[A-Za-z_][A-Za-z0-9_]*/y;

function findName(cursor: Cursor): string {
  namePattern.lastIndex = cursor.position;
  const name = namePattern.exec(cursor.text)?.[0] ?? '';
  return name.slice(0, cursor.end - cursor.position);
}

/** The expansion at a `$`, or undefined when the `$` stands for itself (the cursor is then unmoved). */
export function readDollar(cursor: Cursor, context: QuoteContext): WordPart | undefined {
  const start = cursor.position;
  const next = cursor.peek(1);
  const quoted = context !== 'none';
  if (next === '(')
    return cursor.startsWith('$((') ? readArithmeticPart(cursor, quoted) : readSubstitution(cursor, quoted);
  if (next === '{') return cursor.nested(() => readParameter(cursor, context));
  if (next === '[') return cursor.unsupported('the obsolete arithmetic `$[`');
  if (next === '\\' && cursor.peek(2) === '\n') return cursor.unsupported('a line continuation after $');
  let name = '';
  if (nameStart.test(next)) {
    cursor.advance();
    name = findName(cursor);
    cursor.advance(name.length);
    if (cursor.peek() === '\\' && cursor.peek(1) === '\n' && /[A-Za-z0-9_]/.test(cursor.peek(2))) {
      cursor.unsupported('a line continuation inside a variable name');
    }
  } else if (next !== '' && '@*#?-$!0123456789'.includes(next)) {
    name = next;
    cursor.advance(2);
  } else return undefined;
  const end = cursor.position;
  return {
    type: 'parameter',
    name,
    operator: undefined,
    operands: [],
    indirect: false,
    length: false,
    quoted,
    start,
    end,
  };
}

function readSubstitution(cursor: Cursor, quoted: boolean): WordPart {
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
  const { pending, outerPending } = cursor;
  cursor.pending = [];
  cursor.outerPending = outerPending || pending.length > 0;
  const body = cursor.nested(() => cursor.grammar.readSubstitutionBody(cursor));
  if (cursor.peek() !== ')') cursor.syntaxError('a substitution has no closing parenthesis', start);
  if (cursor.pending.length > 0) cursor.unsupported('a here-document that does not end inside its substitution', start);
  refuseTextAfterHeredoc(cursor, body, start);
  cursor.advance();
  cursor.pending = pending;
  cursor.outerPending = outerPending;
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

/**
 * When it expands `$((…))` bash counts parentheses in the bare text, and runs the text as commands if they do not pair:
 * the `)` of a `case` pattern, of a comment or of quoted text is enough. Source: `chk_arithsub` in `subst.c`.
 */
function hasLooseParenthesis({ text, expansions }: Arithmetic): boolean {
  let open = 0;
  for (const [char] of text.matchAll(/[()]/g)) {
    open += char === '(' ? 1 : -1;
    if (open < 0) return true;
  }
  if (open !== 0) return true;
  if (expansions.length === 0) return false;
  return /(?:^|[\s;&|()])#/.test(text) || expansions.some((part) => mentionsParenthesis(part));
}

/** A parenthesis that opens or closes nothing, or a `case`, anywhere in what the expansion would run. */
function mentionsParenthesis(part: WordPart): boolean {
  const inWord = ({ parts }: Word): boolean => parts.some(mentionsParenthesis);
  switch (part.type) {
    case 'literal':
      return /[()]/.test(part.value);
    case 'substitution':
    case 'process': {
      let found = false;
      walkStatements(part.body, (statement) => {
        found ||= statement.type === 'case' || wordsOf(statement).some(({ word }) => inWord(word));
      });
      return found;
    }
    case 'parameter':
      return part.operands.some(inWord);
    case 'brace':
      return part.words.some(inWord);
    case 'arithmetic':
      return part.expression.expansions.some(mentionsParenthesis);
    case 'glob':
    case 'tilde':
      return false;
  }
}

function readArithmeticPart(cursor: Cursor, quoted: boolean): WordPart {
  const start = cursor.position;
  cursor.advance(3);
  const expression = cursor.nested(() => readArithmetic(cursor, ''));
  if (!cursor.startsWith('))')) cursor.unsupported('`$((` that is not closed by `))`', start);
  if (hasLooseParenthesis(expression)) cursor.unsupported('parentheses of this kind inside `$((`', start);
  cursor.advance(2);
  return { type: 'arithmetic', expression, quoted, start, end: cursor.position };
}

/** Longest first. */
const operators = [
  ...[':-', ':=', ':?', ':+', '##', '%%', '//', '/#', '/%', '^^', ',,'],
  ...['-', '=', '?', '+', ':', '#', '%', '/', '^', ',', '@'],
];
const patternOperators = new Set(['#', '##', '%', '%%', '/', '//', '/#', '/%', '^', '^^', ',', ',,']);

function readParameter(cursor: Cursor, context: QuoteContext): WordPart {
  const start = cursor.position;
  cursor.advance(2);
  const indirect = cursor.peek() === '!' && /[A-Za-z_0-9@*#?]/.test(cursor.peek(1));
  const length = cursor.peek() === '#' && /[A-Za-z_0-9@*]/.test(cursor.peek(1));
  if (indirect || length) cursor.advance();
  let name = findName(cursor);
  if (name === '')
    name = /^(?:[0-9]+|[@*#?$!-])/.exec(cursor.text.slice(cursor.position, cursor.position + 12))?.[0] ?? '';
  if (name === '' || /^\d{10}/.test(name)) cursor.unsupported('this form of ${…}', start);
  cursor.advance(name.length);
  const operands: Word[] = [];
  let operator = '';
  if (cursor.peek() === '[') {
    operator = '[';
    operands.push(readSubscript(cursor));
  }
  if (cursor.peek() !== '}') {
    if (length || '#?$!-'.includes(name)) cursor.unsupported('this form of ${…}', start);
    operator += readOperation(cursor, context, operands, indirect);
  }
  if (cursor.peek() !== '}') cursor.syntaxError('a ${ has no closing }', start);
  cursor.advance();
  return {
    type: 'parameter',
    name,
    operator: operator === '' ? undefined : operator,
    operands,
    indirect,
    length,
    quoted: context !== 'none',
    start,
    end: cursor.position,
  };
}

/** From `[` to behind `]`. bash evaluates the subscript of an indexed array as arithmetic. */
export function readSubscript(cursor: Cursor): Word {
  const open = cursor.position;
  cursor.advance();
  const start = cursor.position;
  const atoms = cursor.nested(() => readUnquoted(cursor, { until: ']\n', extglob: false }));
  if (cursor.peek() !== ']') cursor.syntaxError('a subscript has no closing ]', open);
  // How far a subscript with brackets of its own reaches depends on where it stands.
  if (atoms.some((atom) => atom.kind === 'char' && '[;&|<>(){}'.includes(atom.value))) {
    cursor.unsupported('brackets or operators inside a subscript', open);
  }
  const word = makeWord(cursor.text, atoms, start, cursor.position, quotedUse);
  cursor.advance();
  return word;
}

function readOperation(cursor: Cursor, context: QuoteContext, operands: Word[], indirect: boolean): string {
  const start = cursor.position;
  const operator = operators.find((candidate) => cursor.startsWith(candidate));
  if (operator === undefined) return cursor.unsupported('this operator in ${…}');
  cursor.advance(operator.length);
  if (operator === '@' || ((operator === '*' || operator === '@') && indirect)) {
    const letter = cursor.peek();
    if (letter === '}' && indirect) return '@';
    if (!/[A-Za-z]/.test(letter)) cursor.unsupported('this operator in ${…}', start);
    cursor.advance();
    return `@${letter}`;
  }
  if (operator.startsWith('/')) {
    if (cursor.peek() === '/') cursor.unsupported('a pattern that begins with / in ${…}');
    operands.push(readOperand(cursor, context, '/}', true));
    if (cursor.peek() !== '/') return operator;
    cursor.advance();
    operands.push(readOperand(cursor, context, '}', true));
  } else operands.push(readOperand(cursor, context, '}', patternOperators.has(operator)));
  return operator;
}

function readOperand(cursor: Cursor, context: QuoteContext, until: string, isPattern: boolean): Word {
  const start = cursor.position;
  const atoms =
    context === 'none'
      ? readUnquoted(cursor, { until, extglob: isPattern })
      : readQuotedOperand(cursor, context, until, isPattern);
  if (atoms.some((atom) => atom.kind === 'char' && atom.value === '{')) {
    cursor.unsupported('a brace inside ${…}', start);
  }
  return makeWord(cursor.text, atoms, start, cursor.position, isPattern ? patternUse : singleUse);
}
