/**
 * Everything that begins with `$`: decides which expansion it is. Attack: `$((…))` is arithmetic only if its parentheses
 * pair in the way bash counts them; otherwise its text runs as commands.
 *
 * Source: bash(1) "EXPANSION".
 */
import { readArithmetic } from './arithmetic.ts';
import { type Cursor, findName } from './cursor.ts';
import type { Arithmetic, WordPart } from './model.ts';
import { readParameter } from './parameters.ts';
import type { QuoteContext } from './quotes.ts';
import { readSubstitution } from './substitutions.ts';
import { substitutionsOfPart, walkStatements, wordsOf } from './walk.ts';

const nameStart = /[A-Za-z_]/;
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
  // Looking for the closing quote bash takes `"$$(` for a substitution, whose quotes are its own; it then expands `$$`.
  if (next === '$' && /[({[\\]/.test(cursor.peek(2))) return cursor.unsupported('a bracket right after $$');
  // Inside `${…}` the quote of `$$'…'` begins as `$'…'` does.
  if (next === '$' && cursor.peek(2) === "'" && context === 'none') return cursor.unsupported("a ' right after $$");
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
  if (/(?:^|[\s;&|()])#/.test(text) || expansions.some(hasParenthesis)) return true;
  let found = false;
  for (const { body } of expansions.flatMap(substitutionsOfPart)) {
    walkStatements(body, (statement) => {
      found ||= statement.type === 'case' || wordsOf(statement).some(({ word }) => word.parts.some(hasParenthesis));
    });
  }
  return found;
}

/** A parenthesis in text that is none to the grammar. Substitutions are not looked into: their statements are walked. */
function hasParenthesis(part: WordPart): boolean {
  switch (part.type) {
    case 'literal':
      return /[()]/.test(part.value);
    case 'parameter':
      return part.operands.some(({ parts }) => parts.some(hasParenthesis));
    case 'brace':
      return part.words.some(({ parts }) => parts.some(hasParenthesis));
    case 'arithmetic':
      return part.expression.expansions.some(hasParenthesis);
    default:
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
