/**
 * Simple commands: assignments, words and redirections in any order bash takes them, and function definitions of the
 * form `name () …`, which begin alike.
 *
 * Source: bash(1) "Simple Commands", "Shell Function Definitions".
 */

import { readArrayArgument, readAssignment } from './assignments.ts';
import { argumentUse } from './atoms.ts';
import { type Cursor, isMeta } from './cursor.ts';
import type { Assignment, Redirection, SimpleCommand, Word } from './model.ts';
import { readRedirection } from './redirections.ts';
import { isReserved } from './reserved.ts';
import { readWord } from './words.ts';

/** Builtins whose `NAME=(…)` arguments bash reads as arrays. Source: `ASSIGNMENT_BUILTIN` in bash's builtins. */
const arrayBuiltins = new Set(['declare', 'typeset', 'local', 'export', 'readonly']);

export interface ReadCommand {
  readonly command: Omit<SimpleCommand, 'id' | 'positions' | 'pipedTo'>;
  /** A `(` follows the only word: `name ()` defines a function. */
  readonly opensFunction: boolean;
}

export function readSimpleCommand(cursor: Cursor): ReadCommand {
  const start = cursor.position;
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirections: Redirection[] = [];
  let end = start;
  for (;;) {
    cursor.skipBlanks();
    const redirection = readRedirection(cursor);
    if (redirection !== undefined) {
      redirections.push(redirection);
      end = cursor.position;
      continue;
    }
    const char = cursor.peek();
    if (char === '(') {
      if (words.length === 1 && assignments.length + redirections.length === 0) break;
      cursor.syntaxError('an unexpected `(`');
    }
    if (isMeta(char) && !((char === '<' || char === '>') && cursor.peek(1) === '(')) break;
    const assignment = words.length === 0 ? readAssignment(cursor) : undefined;
    if (assignment !== undefined) assignments.push(assignment);
    else words.push(readCommandWord(cursor, words));
    end = cursor.position;
  }
  if (assignments.length + words.length + redirections.length === 0) refuseNothing(cursor);
  return { command: { start, end, assignments, words, redirections }, opensFunction: cursor.peek() === '(' };
}

function readCommandWord(cursor: Cursor, words: readonly Word[]): Word {
  const name = words[0];
  if (name === undefined) {
    const word = readWord(cursor, argumentUse, false);
    const bare = word.source.replaceAll('\\\n', '');
    if (isReserved(bare)) cursor.unsupported(`the reserved word \`${bare}\` in this place`, word.start, word.end);
    return word;
  }
  if (name.values?.length === 1 && arrayBuiltins.has(name.values[0] ?? '')) {
    const array = readArrayArgument(cursor);
    // bash recognises the builtin by the word as written: a quoted name gives a syntax error there.
    if (array !== undefined && name.quoted) cursor.unsupported('an array after a quoted builtin name', array.start);
    if (array !== undefined) return array;
  }
  return readWord(cursor, argumentUse);
}

function refuseNothing(cursor: Cursor): never {
  const char = cursor.peek();
  return cursor.syntaxError(
    char === ''
      ? 'the text ends where a command was expected'
      : `an unexpected \`${char === '\n' ? 'newline' : char}\``,
  );
}
