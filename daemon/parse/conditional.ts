/**
 * `[[ … ]]`, whose inside has a grammar of its own. Attack: the operand of `-v` and the sides of `-eq` are evaluated, so
 * a subscript in them runs code; the words are handed on with their operators for analyse to judge.
 *
 * Source: bash(1) "Compound Commands", "CONDITIONAL EXPRESSIONS".
 */
import { makeWord, patternUse, quotedUse, singleUse } from './atoms.ts';
import type { Cursor } from './cursor.ts';
import type { Word } from './model.ts';
import { readUnquoted } from './quotes.ts';
import { peekBare, takeReserved } from './reserved.ts';
import { skipLines } from './statements.ts';
import { readWord } from './words.ts';

const unaryOperator = /^-[abcdefghknoprstuvwxzGLNORS]$/;
const binaryOperator = /^(?:==?|!=|=~|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef))$/;

/** From behind `[[` to behind `]]`: operands and operators in order. */
export function readConditional(cursor: Cursor): Word[] {
  const words: Word[] = [];
  cursor.nested(() => readOr(cursor, words));
  skipConditionalLines(cursor);
  if (!takeReserved(cursor, ']]')) cursor.syntaxError('`]]` was expected');
  return words;
}

function skipConditionalLines(cursor: Cursor): void {
  if (cursor.pending.length > 0) cursor.unsupported('[[ after a here-document operator');
  skipLines(cursor);
}

function takeOperator(cursor: Cursor, words: Word[], operator: string): boolean {
  if (!cursor.startsWith(operator)) return false;
  const start = cursor.position;
  const end = start + operator.length;
  const atoms = [{ kind: 'char' as const, value: operator, start, end }];
  cursor.advance(operator.length);
  words.push(makeWord(cursor.text, atoms, start, end, quotedUse));
  return true;
}

function readOr(cursor: Cursor, words: Word[]): void {
  do readAnd(cursor, words);
  while (takeAfterBlanks(cursor, words, '||'));
}

function readAnd(cursor: Cursor, words: Word[]): void {
  do readTerm(cursor, words);
  while (takeAfterBlanks(cursor, words, '&&'));
}

function takeAfterBlanks(cursor: Cursor, words: Word[], operator: string): boolean {
  skipConditionalLines(cursor);
  return takeOperator(cursor, words, operator);
}

function readTerm(cursor: Cursor, words: Word[]): void {
  skipConditionalLines(cursor);
  if (peekBare(cursor) === '!') {
    takeOperator(cursor, words, '!');
    cursor.nested(() => readTerm(cursor, words));
    return;
  }
  if (takeOperator(cursor, words, '(')) {
    cursor.nested(() => readOr(cursor, words));
    if (!takeAfterBlanks(cursor, words, ')')) cursor.syntaxError('`)` was expected inside [[ ]]');
    return;
  }
  const first = readOperand(cursor, words);
  cursor.skipBlanks();
  if (unaryOperator.test(first.source) && !endsTerm(cursor) && !binaryOperator.test(peekBare(cursor))) {
    readOperand(cursor, words);
    return;
  }
  const bare = peekBare(cursor);
  if (/^[<>]$/.test(cursor.peek()) && /[ \t]/.test(cursor.peek(1))) {
    takeOperator(cursor, words, cursor.peek());
    cursor.skipBlanks();
    readOperand(cursor, words);
    return;
  }
  if (endsTerm(cursor)) return;
  if (!binaryOperator.test(bare)) cursor.syntaxError('an operator was expected inside [[ ]]');
  takeOperator(cursor, words, bare);
  cursor.skipBlanks();
  if (bare === '=~') words.push(readRegex(cursor));
  else if (/^[=!]/.test(bare)) words.push(requireWord(cursor, readWord(cursor, patternUse)));
  else readOperand(cursor, words);
}

/** Nothing of the term follows: `]]`, `&&`, `||`, `)` or a newline. */
function endsTerm(cursor: Cursor): boolean {
  return /^[\n)|&]?$/.test(cursor.peek()) || peekBare(cursor) === ']]';
}

function requireWord(cursor: Cursor, word: Word): Word {
  if (word.source === '' || (word.source === ']]' && !word.quoted))
    cursor.syntaxError('an operand was expected inside [[ ]]');
  return word;
}

function readOperand(cursor: Cursor, words: Word[]): Word {
  const word = requireWord(cursor, readWord(cursor, singleUse, false));
  words.push(word);
  return word;
}

/** The right side of `=~`: parentheses and `|` belong to it. Blanks inside its parentheses are refused. */
function readRegex(cursor: Cursor): Word {
  const start = cursor.position;
  const atoms = readUnquoted(cursor, { until: ' \t\n;&<>', extglob: true });
  if (!/^[ \t\n]$/.test(cursor.peek())) cursor.unsupported('this character in a regular expression');
  let open = 0;
  for (const atom of atoms) {
    if (atom.kind === 'char' && atom.value === '(') open++;
    if (atom.kind === 'char' && atom.value === ')') open--;
    if (open < 0) cursor.unsupported('these parentheses in a regular expression', start);
  }
  if (open !== 0) cursor.unsupported('these parentheses in a regular expression', start);
  return requireWord(cursor, makeWord(cursor.text, atoms, start, cursor.position, patternUse));
}
