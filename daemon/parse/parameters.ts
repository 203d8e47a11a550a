/**
 * `${…}`: the name, an operator, and operands whose expansions run. Forms whose extent or meaning differs between shells
 * or versions are refused.
 *
 * Source: bash(1) "Parameter Expansion", "Arrays".
 */
import { makeWord, patternUse, quotedUse, singleUse } from './atoms.ts';
import { type Cursor, findName } from './cursor.ts';
import type { Word, WordPart } from './model.ts';
import { type QuoteContext, readQuotedOperand, readUnquoted } from './quotes.ts';

/** Longest first. */
const operators = [
  ...[':-', ':=', ':?', ':+', '##', '%%', '//', '/#', '/%', '^^', ',,'],
  ...['-', '=', '?', '+', ':', '#', '%', '/', '^', ',', '@', '*'],
];
const patternOperators = new Set(['#', '##', '%', '%%', '/', '//', '/#', '/%', '^', '^^', ',', ',,']);

export function readParameter(cursor: Cursor, context: QuoteContext): WordPart {
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
  // `${!prefix*}` and `${!prefix@}` list names.
  if (indirect && (operator === '*' || operator === '@') && cursor.peek() === '}') return operator;
  if (operator === '*') cursor.unsupported('this operator in ${…}', start);
  if (operator === '@') {
    const letter = cursor.peek();
    if (!/[A-Za-z]/.test(letter)) cursor.unsupported('this operator in ${…}', start);
    cursor.advance();
    return `@${letter}`;
  }
  if (operator.startsWith('/')) {
    if (cursor.peek() === '/' && /^\/+$/.test(operator)) cursor.unsupported('a pattern that begins with / in ${…}');
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
