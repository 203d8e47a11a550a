/**
 * Here-documents: the delimiter where it is written, the body after the next newline. Attack: a body that bash ends
 * earlier or later than a reader thinks turns text into commands; so a body needs its delimiter alone on a line, and
 * every unusual shape is refused.
 *
 * Source: bash(1) "Here Documents".
 */
import { makeWord, quotedUse } from './atoms.ts';
import type { Cursor, PendingHeredoc } from './cursor.ts';
import type { Heredoc, Word } from './model.ts';
import { readHeredocText } from './quotes.ts';

const plainDelimiter = /^[A-Za-z0-9_.,:=+@%/!^~?*#-]+$/;

/** The delimiter that a word names: quotes removed, nothing expanded. */
export function readDelimiter(cursor: Cursor, word: Word): { delimiter: string; quoted: boolean } {
  const [part, ...others] = word.parts;
  const value = word.quoted ? word.values?.[0] : word.source;
  const joined =
    word.parts.every((piece) => piece.type === 'literal') || (!word.quoted && part !== undefined && others.length >= 0);
  if (!joined || value === undefined || !(word.quoted ? /^[^\n\\`$]*$/ : plainDelimiter).test(value)) {
    return cursor.unsupported('this delimiter of a here-document', word.start, word.end);
  }
  if (word.source.includes('\\\n')) cursor.unsupported('a line continuation in a here-document delimiter', word.start);
  return { delimiter: value, quoted: word.quoted };
}

/** Takes a newline token and reads the bodies that wait for it. */
export function readNewline(cursor: Cursor): void {
  if (cursor.outerPending) cursor.unsupported('a newline in a substitution before a here-document has begun');
  cursor.advance();
  const pending = cursor.pending;
  cursor.pending = [];
  for (const heredoc of pending) heredoc.redirection.heredoc = readBody(cursor, heredoc);
}

function readBody(cursor: Cursor, { delimiter, quoted, stripsTabs }: PendingHeredoc): Heredoc {
  const start = cursor.position;
  for (;;) {
    const lineStart = cursor.position;
    if (cursor.atEnd()) cursor.syntaxError(`a here-document has no closing line \`${delimiter}\``, start);
    const lineEnd = findLineEnd(cursor, lineStart, quoted);
    let line = cursor.text.slice(lineStart, lineEnd);
    const continued = !quoted && line.includes('\\\n');
    if (continued) line = line.replaceAll('\\\n', '');
    const candidate = stripsTabs ? line.replace(/^\t+/, '') : line;
    if (candidate === delimiter) {
      if (continued) cursor.unsupported('a line continuation in the line that ends a here-document', lineStart);
      cursor.advance(Math.min(lineEnd + 1, cursor.end) - lineStart);
      return makeHeredoc(cursor, start, lineStart, quoted, stripsTabs);
    }
    // bash 5.2 also ends a body at `EOF)` in a substitution, with a warning; other versions read on.
    if (/^[\s)`"]+$/.test(candidate.slice(delimiter.length)) && candidate.startsWith(delimiter) && delimiter !== '') {
      cursor.unsupported(`a line that nearly closes the here-document \`${delimiter}\``, lineStart, lineEnd);
    }
    const length = Math.min(lineEnd + 1, cursor.end) - lineStart;
    // Before it is passed: the cursor counts everything else.
    if (quoted) cursor.budget.quotedHeredocLength += length;
    cursor.advance(length);
  }
}

/** End of a line; for an expanded body a backslash before the newline joins the next line to it. */
function findLineEnd(cursor: Cursor, from: number, quoted: boolean): number {
  let at = from;
  for (;;) {
    const newline = cursor.text.indexOf('\n', at);
    if (newline === -1 || newline >= cursor.end) return cursor.end;
    let backslashes = 0;
    while (newline - 1 - backslashes >= from && cursor.text[newline - 1 - backslashes] === '\\') backslashes++;
    if (quoted || backslashes % 2 === 0) return newline;
    at = newline + 1;
  }
}

function makeHeredoc(cursor: Cursor, start: number, end: number, quoted: boolean, stripsTabs: boolean): Heredoc {
  const { text } = cursor;
  if (quoted) {
    const raw = text.slice(start, end);
    const value = stripsTabs ? raw.replace(/^\t+/gm, '') : raw;
    const atoms = value === '' ? [] : [{ kind: 'text' as const, value, start, end }];
    return { start, end, quoted, body: makeWord(text, atoms, start, end, quotedUse) };
  }
  const bounded = cursor.bounded(start, end);
  bounded.insideHeredoc = true;
  let atoms = cursor.nested(() => readHeredocText(bounded));
  if (stripsTabs) {
    atoms = atoms.map((atom) =>
      atom.kind === 'text'
        ? { ...atom, value: atom.value.replace(text[atom.start - 1] === '\n' ? /^\t+/gm : /(?<=\n)\t+/g, '') }
        : atom,
    );
  }
  return { start, end, quoted, body: makeWord(text, atoms, start, end, quotedUse) };
}
