/**
 * Reads the pieces of a word: unquoted text, quotes, and the operands inside `${…}`, where quoting follows other rules.
 * Attack: inside double quotes and here-documents the single quotes of `${x:-'$(cmd)'}` quote nothing, so `cmd` runs.
 *
 * Source: bash(1) "QUOTING"; experiments with bash 5.2.
 */
import { readAnsiC } from './ansi-c.ts';
import type { Atom } from './atoms.ts';
import { refuseHiddenCharacter } from './characters.ts';
import { type Cursor, isMeta } from './cursor.ts';
import { readDollar } from './expansions.ts';
import { readBackticks, readProcess } from './substitutions.ts';

/** What surrounds an expansion, which decides what its quotes mean. */
export type QuoteContext = 'none' | 'double' | 'heredoc';

export interface UnquotedPlace {
  /** `word`: up to a blank or operator. Otherwise up to one of these characters, blanks being ordinary. */
  readonly until: 'word' | string;
  /** `?(a|b)` is a pattern here. Elsewhere it is a syntax error or, for `!(`, even another command. */
  readonly extglob: boolean;
}

export function readUnquoted(cursor: Cursor, place: UnquotedPlace): Atom[] {
  const atoms: Atom[] = [];
  for (;;) {
    const char = cursor.peek();
    const start = cursor.position;
    if (char === '') break;
    if (char === '\\') {
      if (cursor.peek(1) === '\n') {
        if (place.until !== 'word') cursor.advance(2);
        else if (!endsAtContinuation(cursor)) cursor.unsupported('a line continuation inside a word');
        else break;
      } else atoms.push(readEscaped(cursor));
    } else if (char === "'") atoms.push(readSingleQuoted(cursor));
    else if (char === '"') atoms.push(...readDoubleQuoted(cursor));
    else if (char === '$' && cursor.peek(1) === "'") {
      atoms.push(place.until === 'word' ? readAnsiText(cursor) : readPlainAnsiText(cursor));
    } else if (char === '$' && cursor.peek(1) === '"') {
      cursor.advance();
      atoms.push(...readDoubleQuoted(cursor));
    } else if (char === '$') atoms.push(readDollarAtom(cursor, 'none', 'char'));
    else if (char === '`') {
      const part = readBackticks(cursor, 'none');
      atoms.push({ kind: 'part', part, start, end: part.end });
    } else if ((char === '<' || char === '>') && cursor.peek(1) === '(') {
      if (place.until !== 'word') cursor.unsupported('a process substitution inside ${…}');
      const part = readProcess(cursor);
      atoms.push({ kind: 'part', part, start, end: part.end });
    } else if ('?*+@!'.includes(char) && cursor.peek(1) === '(' && (place.until === 'word' || place.extglob)) {
      if (!place.extglob) cursor.unsupported('a pattern with parentheses is not certain to be a pattern here');
      atoms.push(...readExtglob(cursor));
    } else if (place.until === 'word' ? isMeta(char) : place.until.includes(char)) break;
    else atoms.push(readCharacter(cursor, 'char'));
  }
  return atoms;
}

function readAnsiText(cursor: Cursor): Atom {
  const start = cursor.position;
  const value = readAnsiC(cursor);
  return { kind: 'text', value, start, end: cursor.position };
}

/**
 * `$'\n'` inside `${…}`. Attack: in an operand of `"${x:-$(a ${y:-$'…'})}"` bash 5.2 does not quote what it decodes but runs
 * it; so only what means nothing to a shell is taken.
 */
function readPlainAnsiText(cursor: Cursor): Atom {
  const atom = readAnsiText(cursor);
  if (atom.kind !== 'text' || !/^[\n\t A-Za-z0-9_,.:/@%+-]*$/.test(atom.value)) {
    cursor.unsupported("this $'…' inside ${…}", atom.start, atom.end);
  }
  return atom;
}

/** Whether the word ends at this backslash-newline because a blank or an operator follows. */
function endsAtContinuation(cursor: Cursor): boolean {
  let offset = 2;
  while (cursor.peek(offset) === '\\' && cursor.peek(offset + 1) === '\n') offset += 2;
  const next = cursor.peek(offset);
  if (next === '<' || next === '>' || next === '(')
    cursor.unsupported('a line continuation between a word and an operator');
  return isMeta(next);
}

function readCharacter(cursor: Cursor, kind: 'char' | 'text'): Atom {
  const start = cursor.position;
  if (kind === 'char') refuseHiddenCharacter(cursor.text, start);
  const length = (cursor.text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
  cursor.advance(length);
  return { kind, value: cursor.text.slice(start, start + length), start, end: start + length };
}

function readEscaped(cursor: Cursor): Atom {
  const start = cursor.position;
  if (cursor.peek(1) === '') cursor.unsupported('a backslash at the end of the text');
  cursor.advance();
  refuseHiddenCharacter(cursor.text, cursor.position);
  const { value, end } = readCharacter(cursor, 'text') as Atom & { kind: 'text' };
  return { kind: 'text', value, start, end };
}

function readSingleQuoted(cursor: Cursor): Atom {
  const start = cursor.position;
  const close = cursor.text.indexOf("'", start + 1);
  if (close === -1 || close >= cursor.end) cursor.syntaxError("a ' has no closing '", start);
  cursor.advance(close + 1 - start);
  return { kind: 'text', value: cursor.text.slice(start + 1, close), start, end: close + 1 };
}

function readExtglob(cursor: Cursor): Atom[] {
  const start = cursor.position;
  const operator = cursor.peek();
  cursor.advance(2);
  const inside = cursor.nested(() => readUnquoted(cursor, { until: ')\n', extglob: true }));
  if (cursor.peek() !== ')') cursor.syntaxError('a pattern has no closing parenthesis', start);
  if (inside.some((atom) => atom.kind === 'char' && '(<>;&'.includes(atom.value))) {
    cursor.unsupported('an operator inside a pattern', start);
  }
  cursor.advance();
  const close = cursor.position;
  return [
    { kind: 'glob', value: `${operator}(`, start, end: start + 2 },
    ...inside.map((atom): Atom => (atom.kind === 'char' ? { ...atom, kind: 'glob' } : atom)),
    { kind: 'glob', value: ')', start: close - 1, end: close },
  ];
}

function readDollarAtom(cursor: Cursor, context: QuoteContext, kind: 'char' | 'text'): Atom {
  const start = cursor.position;
  const part = readDollar(cursor, context);
  if (part === undefined) return readCharacter(cursor, kind);
  return { kind: 'part', part, start, end: part.end };
}

/** From the opening `"`; there is at least one text atom, as `""` is a word. */
export function readDoubleQuoted(cursor: Cursor): Atom[] {
  const start = cursor.position;
  cursor.advance();
  const atoms: Atom[] = [{ kind: 'text', value: '', start, end: start + 1 }];
  cursor.nested(() => {
    readQuotedText(cursor, atoms, 'double', '"');
    if (cursor.peek() !== '"') cursor.syntaxError('a " has no closing "', start);
  });
  cursor.advance();
  return atoms;
}

/** The body of a here-document with an unquoted delimiter, over a cursor bounded to it. */
export function readHeredocText(cursor: Cursor): Atom[] {
  const atoms: Atom[] = [];
  readQuotedText(cursor, atoms, 'heredoc', '');
  return atoms;
}

function readQuotedText(cursor: Cursor, atoms: Atom[], context: 'double' | 'heredoc', close: string): void {
  const escapable = context === 'double' ? '$`"\\' : '$`\\';
  for (;;) {
    const char = cursor.peek();
    const start = cursor.position;
    if (char === '' || char === close) return;
    if (char === '\\' && cursor.peek(1) === '\n') cursor.advance(2);
    else if (char === '\\' && cursor.peek(1) !== '' && escapable.includes(cursor.peek(1))) {
      atoms.push({ kind: 'text', value: cursor.peek(1), start, end: start + 2 });
      cursor.advance(2);
    } else if (char === '$') atoms.push(readDollarAtom(cursor, context, 'text'));
    else if (char === '`') {
      const part = readBackticks(cursor, context);
      atoms.push({ kind: 'part', part, start, end: part.end });
    } else {
      const special = context === 'double' ? /[$`"\\]/g : /[$`\\]/g;
      special.lastIndex = start + 1;
      const end = Math.min(special.exec(cursor.text)?.index ?? cursor.end, cursor.end);
      atoms.push({ kind: 'text', value: cursor.text.slice(start, end), start, end });
      cursor.advance(end - start);
    }
  }
}

/**
 * An operand inside `${…}` that itself stands in double quotes or a here-document.
 * @param isPattern the operator takes a pattern, in which single quotes do quote
 */
export function readQuotedOperand(
  cursor: Cursor,
  context: 'double' | 'heredoc',
  until: string,
  isPattern: boolean,
): Atom[] {
  const atoms: Atom[] = [];
  for (;;) {
    const char = cursor.peek();
    const start = cursor.position;
    if (char === '' || until.includes(char)) return atoms;
    if (char === '\\' && cursor.peek(1) === '\n') cursor.advance(2);
    else if (char === '\\' && cursor.peek(1) !== '') {
      const escapes = '$`"\\}/'.includes(cursor.peek(1)) || isPattern;
      const value = escapes ? cursor.peek(1) : `\\${cursor.peek(1)}`;
      if (!isPattern && cursor.peek(1) === "'") cursor.unsupported('an escaped quote inside a quoted ${…}');
      atoms.push({ kind: 'text', value, start, end: start + 2 });
      cursor.advance(2);
    } else if (char === '"') {
      if (context === 'heredoc') cursor.unsupported('double quotes inside ${…} in a here-document');
      atoms.push(...readDoubleQuoted(cursor));
    } else if (char === "'" && isPattern) {
      const atom = readSingleQuoted(cursor);
      if (atom.kind === 'text' && /["$`\\{}]/.test(atom.value)) {
        cursor.unsupported('single quotes around special characters inside a quoted ${…}', start);
      }
      atoms.push(atom);
    } else if (char === '$') {
      if (cursor.startsWith("$$'")) cursor.unsupported("a ' right after $$");
      const isAnsi = cursor.peek(1) === "'" && context === 'double';
      if (!isAnsi && /["']/.test(cursor.peek(1))) cursor.unsupported('a $ before a quote inside a quoted ${…}');
      atoms.push(isAnsi ? readPlainAnsiText(cursor) : readDollarAtom(cursor, context, 'text'));
    } else if (char === '`') {
      const part = readBackticks(cursor, context);
      atoms.push({ kind: 'part', part, start, end: part.end });
    } else atoms.push(readCharacter(cursor, 'text'));
  }
}
