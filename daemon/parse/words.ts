/** Reads one word of a command line, from a place where one begins. */
import { makeWord, type WordUse } from './atoms.ts';
import type { Cursor } from './cursor.ts';
import type { Word } from './model.ts';
import { readUnquoted } from './quotes.ts';

export function readWord(cursor: Cursor, use: WordUse, extglob = true): Word {
  const start = cursor.position;
  const atoms = readUnquoted(cursor, { until: 'word', extglob });
  const end = cursor.position;
  // bash would look for the body at the newline token after this word, other readers at the newline inside of it.
  if (cursor.pending.length > 0 && cursor.text.slice(start, end).includes('\n')) {
    cursor.unsupported('a word of several lines after a here-document operator', start, end);
  }
  return makeWord(cursor.text, atoms, start, end, use);
}
