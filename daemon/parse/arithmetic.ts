/**
 * Reads an arithmetic expression as far as it matters here: its extent, the expansions in it, and whether anything in it
 * is looked up. Attack: `$((a[$(cmd)]))` runs `cmd`, and a variable's value is itself evaluated.
 *
 * Source: bash(1) "ARITHMETIC EVALUATION".
 */
import type { Cursor } from './cursor.ts';
import { readDollar } from './expansions.ts';
import type { Arithmetic, WordPart } from './model.ts';
import { readDoubleQuoted } from './quotes.ts';
import { readBackticks } from './substitutions.ts';

const constantText = /^[\d\s+\-*/%<>=!&|^~?:(),]*$/;

/**
 * From the first character of the expression up to the `)` that no `(` of its own matches, or one of `until` outside
 * parentheses.
 */
export function readArithmetic(cursor: Cursor, until: string): Arithmetic {
  const start = cursor.position;
  const expansions: WordPart[] = [];
  let open = 0;
  for (;;) {
    const char = cursor.peek();
    if (char === '') cursor.syntaxError('an arithmetic expression has no end', start);
    if (open === 0 && (char === ')' || (until !== '' && until.includes(char)))) break;
    if (char === '(') open++;
    if (char === ')') open--;
    if (char === '$' && !/["']/.test(cursor.peek(1))) {
      const part = readDollar(cursor, 'double');
      if (part === undefined) cursor.advance();
      else expansions.push(part);
    } else if (char === '`') expansions.push(readBackticks(cursor, 'double'));
    else if (char === '"') {
      for (const atom of readDoubleQuoted(cursor)) if (atom.kind === 'part') expansions.push(atom.part);
    } else if (char === "'" || char === '$' || char === '{' || char === '}' || char === '#' || char === ';') {
      // `#` is a base (`16#ff`); at the start of a word shells differ on whether it begins a comment.
      if (char !== '#' || !/[0-9]/.test(cursor.text.charAt(cursor.position - 1))) {
        cursor.unsupported('this character in an arithmetic expression');
      }
      cursor.advance();
    } else if (char === '\\') {
      if (cursor.peek(1) !== '\n') cursor.unsupported('a backslash in an arithmetic expression');
      cursor.advance(2);
    } else if ((char === '<' || char === '>') && cursor.peek(1) === '(') {
      cursor.unsupported('what could be a process substitution in an arithmetic expression');
    } else cursor.advance();
  }
  const text = cursor.text.slice(start, cursor.position);
  return { start, end: cursor.position, text, expansions, constant: constantText.test(text) };
}
