/**
 * `NAME=value`, `NAME+=value`, `NAME[subscript]=value` and `NAME=(…)`. Attack: a subscript and the elements of an array
 * are evaluated, so code in them runs; an assignment before a command is part of that command's environment.
 *
 * Source: bash(1) "PARAMETERS", "Arrays".
 */
import { argumentUse, assignmentUse, makeWord } from './atoms.ts';
import { type Cursor, isMeta } from './cursor.ts';
import { readNewline } from './heredocs.ts';
import type { Assignment, Word, WordPart } from './model.ts';
import { readSubscript } from './parameters.ts';
import { readWord } from './words.ts';

const namePattern = /[A-Za-z_][A-Za-z0-9_]*(?=\+?=|\[)/y;

/** Reads the assignment at the cursor, or leaves the cursor where it is. */
export function readAssignment(cursor: Cursor): Assignment | undefined {
  const start = cursor.position;
  namePattern.lastIndex = start;
  const name = namePattern.exec(cursor.text)?.[0];
  if (name === undefined || start + name.length >= cursor.end) return undefined;
  cursor.advance(name.length);
  const subscript = cursor.peek() === '[' ? readAssignmentSubscript(cursor) : undefined;
  const append = cursor.startsWith('+=');
  if (!append && cursor.peek() !== '=') {
    if (/[\s'"\\$`]/.test(subscript?.source ?? '')) cursor.unsupported('a word that is nearly an assignment', start);
    cursor.position = start;
    return undefined;
  }
  cursor.advance(append ? 2 : 1);
  if (cursor.startsWith('\\\n(')) cursor.unsupported('a line continuation inside an assignment');
  const elements = cursor.peek() === '(' ? readElements(cursor) : undefined;
  if (elements !== undefined && subscript !== undefined) cursor.unsupported('an array assigned to an element', start);
  if (elements !== undefined && !isMeta(cursor.peek()) && !cursor.startsWith('\\\n')) {
    cursor.unsupported('text right after an array');
  }
  const value = elements === undefined ? readWord(cursor, assignmentUse, false) : undefined;
  return { start, end: cursor.position, name, append, subscript, value, elements };
}

function readAssignmentSubscript(cursor: Cursor): Word | undefined {
  // `a[` alone is an ordinary word; what has no `]` before the next blank is refused rather than guessed.
  if (!cursor.text.slice(cursor.position, cursor.end).includes(']')) cursor.unsupported('a subscript without an end');
  return readSubscript(cursor);
}

/** The words between `(` and `)`. */
function readElements(cursor: Cursor): Word[] {
  const open = cursor.position;
  const elements: Word[] = [];
  cursor.advance();
  cursor.nested(() => {
    for (;;) {
      cursor.skipBlanks();
      const char = cursor.peek();
      if (char === '') cursor.syntaxError('an array has no closing parenthesis', open);
      if (char === ')') break;
      if (char === '\n') {
        if (cursor.pending.length > 0) cursor.unsupported('a newline in an array after a here-document operator');
        readNewline(cursor);
        continue;
      }
      if (isMeta(char) && !((char === '<' || char === '>') && cursor.peek(1) === '(')) {
        cursor.syntaxError(`\`${char}\` inside an array`);
      }
      const element = readElement(cursor);
      // bash 5.2 loses such a backslash when it reads the substitution again, and goes on behind the error that follows.
      if (cursor.insideSubstitution && /\\[^\w]/.test(element.source)) {
        cursor.unsupported('an escape in an array inside a substitution', element.start, element.end);
      }
      elements.push(element);
    }
  });
  cursor.advance();
  return elements;
}

/** An element may be `[subscript]=value`, which bash reads up to the `]` whatever stands between. */
function readElement(cursor: Cursor): Word {
  const word = readWord(cursor, argumentUse);
  if (!word.source.startsWith('[')) return word;
  const close = word.source.indexOf(']');
  if (close === -1) cursor.unsupported('an array element that begins with [', word.start, word.end);
  return { ...word, values: undefined };
}

/**
 * An argument `NAME=(…)` of `declare` and its kin as one word of unknown value; its elements' expansions are parts.
 */
export function readArrayArgument(cursor: Cursor): Word | undefined {
  namePattern.lastIndex = cursor.position;
  const name = namePattern.exec(cursor.text)?.[0];
  if (name === undefined) return undefined;
  const operator = /^\+?=\(/.exec(cursor.text.slice(cursor.position + name.length, cursor.position + name.length + 3));
  if (operator === null) return undefined;
  const start = cursor.position;
  const open = start + name.length + operator[0].length;
  const assignment = readAssignment(cursor);
  const end = cursor.position;
  const parts: WordPart[] = [
    { type: 'literal', value: cursor.text.slice(start, open), quoted: false, start, end: open },
    ...(assignment?.elements ?? []).flatMap((element) => element.parts),
    { type: 'literal', value: ')', quoted: false, start: end - 1, end },
  ];
  const quoted = assignment?.elements?.some((element) => element.quoted) ?? false;
  return { ...makeWord(cursor.text, [], start, end, argumentUse), parts, quoted, values: undefined };
}
