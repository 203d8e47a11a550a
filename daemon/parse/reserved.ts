/** Reserved words: recognised where a command may begin, when no character of them is quoted. Source: bash(1) "RESERVED WORDS". */
import { type Cursor, isMeta } from './cursor.ts';

const reserved = new Set([
  ...['!', '{', '}', '[[', ']]', 'case', 'coproc', 'do', 'done', 'elif', 'else', 'esac', 'fi', 'for'],
  ...['function', 'if', 'in', 'select', 'then', 'time', 'until', 'while'],
]);

export function isReserved(word: string): boolean {
  return reserved.has(word);
}

/** The bare word at the cursor, for comparison with a reserved word; quotes are part of it and so never match. */
export function peekBare(cursor: Cursor): string {
  let length = 0;
  while (
    length < 9 &&
    !isMeta(cursor.peek(length)) &&
    !(cursor.peek(length) === '\\' && cursor.peek(length + 1) === '\n')
  ) {
    length++;
  }
  return cursor.text.slice(cursor.position, cursor.position + length);
}

/** Takes the reserved word if it stands here. */
export function takeReserved(cursor: Cursor, word: string): boolean {
  if (peekBare(cursor) !== word) return false;
  cursor.advance(word.length);
  refuseJoined(cursor, word);
  return true;
}

export function expectReserved(cursor: Cursor, word: string): void {
  if (!takeReserved(cursor, word)) cursor.syntaxError(`\`${word}\` was expected`);
}

/** `fi\⏎x` is the word `fix`. */
function refuseJoined(cursor: Cursor, word: string): void {
  let offset = 0;
  while (cursor.peek(offset) === '\\' && cursor.peek(offset + 1) === '\n') offset += 2;
  if (offset > 0 && !isMeta(cursor.peek(offset))) cursor.unsupported(`a line continuation right after \`${word}\``);
}
