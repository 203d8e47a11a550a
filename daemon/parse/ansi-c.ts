/**
 * Decodes `$'…'`. Attack: `$'\x72\x6d'` is the word `rm`; rules and people must be shown what it decodes to.
 *
 * Source: bash(1) "QUOTING", and experiments with bash 5.2: NUL ends the string, unknown escapes keep their backslash.
 */
import type { Cursor } from './cursor.ts';

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

const utf8 = new TextEncoder();

/** Reads `$'…'` from its `$`; afterwards the cursor stands behind the closing quote. */
export function readAnsiC(cursor: Cursor): string {
  const start = cursor.position;
  const bytes: number[] = [];
  cursor.advance(2);
  for (;;) {
    if (cursor.atEnd()) cursor.syntaxError("a $' has no closing '", start);
    const char = cursor.peek();
    if (char === "'") break;
    if (char === '\\') readEscape(cursor, bytes);
    else {
      const point = cursor.text.codePointAt(cursor.position) ?? 0;
      const length = point > 0xffff ? 2 : 1;
      bytes.push(...utf8.encode(cursor.text.slice(cursor.position, cursor.position + length)));
      cursor.advance(length);
    }
  }
  cursor.advance();
  const nul = bytes.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      new Uint8Array(nul === -1 ? bytes : bytes.slice(0, nul)),
    );
  } catch {
    return cursor.unsupported("a $'…' gives bytes that are not UTF-8", start);
  }
}

function readDigits(cursor: Cursor, pattern: RegExp, most: number): string {
  let digits = '';
  while (digits.length < most && pattern.test(cursor.peek())) {
    digits += cursor.peek();
    cursor.advance();
  }
  return digits;
}

function readEscape(cursor: Cursor, bytes: number[]): void {
  const start = cursor.position;
  const letter = cursor.peek(1);
  const simple = Object.hasOwn(simpleEscapes, letter) ? simpleEscapes[letter] : undefined;
  cursor.advance();
  if (simple !== undefined) {
    cursor.advance();
    bytes.push(simple.charCodeAt(0));
  } else if (/[0-7]/.test(letter)) {
    bytes.push(Number.parseInt(readDigits(cursor, /[0-7]/, 3), 8) & 0xff);
  } else if (letter === 'x') {
    cursor.advance();
    if (cursor.peek() === '{') cursor.unsupported("`\\x{` in $'…' is read differently by different shells", start);
    const digits = readDigits(cursor, /[0-9A-Fa-f]/, 2);
    if (digits === '') bytes.push(0x5c, 0x78);
    else bytes.push(Number.parseInt(digits, 16));
  } else if (letter === 'u' || letter === 'U') {
    cursor.advance();
    const digits = readDigits(cursor, /[0-9A-Fa-f]/, letter === 'u' ? 4 : 8);
    if (digits === '') bytes.push(0x5c, letter.charCodeAt(0));
    else bytes.push(...encodePoint(cursor, Number.parseInt(digits, 16), start));
  } else if (letter === 'c') {
    cursor.advance();
    const control = cursor.peek();
    // What bash makes of `\c'`, `\c\\` and non-ASCII letters changed between versions.
    if (!/[@-[\]-_a-z]/.test(control)) cursor.unsupported("this `\\c` escape in $'…' is not portable", start);
    cursor.advance();
    bytes.push(control.toUpperCase().charCodeAt(0) & 0x1f);
  } else {
    bytes.push(0x5c);
  }
}

/** The bytes of `\u` in a UTF-8 locale, which is what the sandbox sets; elsewhere bash prints the escape as it stands. */
function encodePoint(cursor: Cursor, point: number, start: number): Uint8Array {
  const surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point > 0x10ffff || surrogate) cursor.unsupported("a \\u escape in $'…' names no character", start);
  return utf8.encode(String.fromCodePoint(point));
}
