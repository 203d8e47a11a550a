/**
 * Finds the texts in an error message that may be paths. Programs print names raw, quoted in a dozen styles, escaped, or
 * as the field before the reason. What is found is a guess, best first; nothing is believed before the session's plan
 * confirms it.
 *
 * Source: GNU quotearg styles (`shell-escape`, `locale`), repr() of Python, JSON, and messages of the usual programs.
 */

const closers: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': "`'", '‘': '’', '“': '”', '«': '»' };

/** Longer than any path. */
const maxPathLength = 4096;

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
};

/** Escapes as C, Python and JSON write them. Octal and `\x` are bytes of UTF-8, as programs print what is no character. */
function undoEscapes(text: string): string {
  const bytes: Buffer[] = [];
  const pattern = /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|([^\\]+|\\$)/gsu;
  for (const [, octal, hex, short, long, single, plain] of text.matchAll(pattern)) {
    if (octal !== undefined) bytes.push(Buffer.from([Number.parseInt(octal, 8) & 0xff]));
    else if (hex !== undefined) bytes.push(Buffer.from([Number.parseInt(hex, 16)]));
    else if (single !== undefined) bytes.push(Buffer.from(escapes[single] ?? single));
    else if (plain !== undefined) bytes.push(Buffer.from(plain));
    else {
      const point = Number.parseInt(short ?? long ?? '', 16);
      bytes.push(Buffer.from(point <= 0x10ffff ? String.fromCodePoint(point) : ''));
    }
  }
  return Buffer.concat(bytes).toString('utf8');
}

/** A word of the shell: `'a'$'\n''b'`, `'it'\''s'`, `"it's"`. Undefined when it is none from its first quote on. */
function readShellWord(text: string): { readonly text: string; readonly length: number } | undefined {
  const piece = /\$'((?:[^'\\]|\\.)*)'|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/suy;
  let word = '';
  let pieces = 0;
  let length = 0;
  for (let match = piece.exec(text); match !== null; match = piece.exec(text)) {
    const [, escaped, single, double, character] = match;
    word +=
      escaped === undefined
        ? (single ?? (double === undefined ? character : undoEscapes(double)) ?? '')
        : undoEscapes(escaped);
    pieces++;
    length = piece.lastIndex;
  }
  return pieces > 1 ? { text: word, length } : undefined;
}

/** Texts in quotes, from left to right, each with its readings; one that can end at several places ends at the first. */
function findQuoted(text: string): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < text.length; at++) {
    const opener = text[at] ?? '';
    const closer = closers[opener];
    // an apostrophe inside a word opens nothing
    if (closer === undefined || (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ''))) continue;
    const word = opener === "'" || opener === '"' ? readShellWord(text.slice(at, at + maxPathLength)) : undefined;
    if (word !== undefined) {
      found.push([word.text]);
      at += word.length - 1;
      continue;
    }
    let end = at + 1;
    while (end < text.length && !(text[end] === closer && !/^[\p{L}\p{N}]/u.test(text.slice(end + 1)))) {
      end += text[end] === '\\' ? 2 : 1;
    }
    if (end >= text.length) continue;
    const raw = text.slice(at + 1, end);
    found.push(raw.includes('\\') ? [undoEscapes(raw), raw] : [raw]);
    at = end;
  }
  return found;
}

/** From where a path begins: at a `/`, `~/`, `./` or `../` that starts a word. */
function fromRoot(text: string): string | undefined {
  const begin = /(?:^|[\s='"`(<[{,:‘“]|unix:\/\/|file:\/\/)((?:~|\.{1,2})?\/.*)$/su.exec(text)?.[1];
  return begin?.replace(/\s+-\s+\w+ \(\d*$/u, '').replace(/['"`’”»)\]}>,;:.\s]+$/u, '');
}

/** Without words that follow: a blank belongs to a path when more of it, a `/` within a word, comes after. */
function withoutWords(text: string): string {
  const words = text.split(' ');
  const last = words.findLastIndex((word, index) => index === 0 || /^[^/\s'"`(]+\//u.test(word));
  return words
    .slice(0, last + 1)
    .join(' ')
    .replace(/['"`’”»)\]}>,;:.]+$/u, '');
}

/** The fields of a message, those next to its end first. */
function splitFields(text: string): string[] {
  return text
    .split(/: |:$/u)
    .map((field) => field.trim())
    .filter((field) => field !== '')
    .toReversed();
}

/** A field that is nothing but a path may have any name; after and before other words only a name without blanks is sure. */
function readField(field: string): string[] {
  const text = fromRoot(field);
  if (text === undefined) return [];
  return field.startsWith(text) ? [text, withoutWords(text)] : [withoutWords(text), text];
}

/**
 * @param before the message up to the reason.
 * @param after what follows the reason.
 * @param isProse the reason is part of a sentence, so words follow the path.
 */
export function findPrintedPaths(before: string, after: string, isProse: boolean): string[] {
  const fields = splitFields(before.replace(/[\s:(,[@-]+$/u, ''));
  const bare = fields.slice(0, -1).find((field) => !/[\s'"`‘]/u.test(field));
  const candidates = [
    ...findQuoted(after).flat(),
    ...findQuoted(before).toReversed().flat(),
    ...fields.flatMap((field) => (isProse ? readField(field).toReversed() : readField(field))),
    ...readField(` ${after}`),
    ...(bare === undefined ? [] : [bare]),
    ...fields.slice(0, 1).flatMap((field) => /^\p{Ll}+ (\S+)$/u.exec(field)?.[1] ?? []),
  ];
  return [...new Set(candidates)].filter(
    (text) => text !== '' && text.length <= maxPathLength && !text.includes('\0') && !/^\/*$/u.test(text),
  );
}

/** Of a line near the reason: only what is clearly a path. */
export function findClearPaths(line: string): string[] {
  return findPrintedPaths(line, '', false).filter((text) => text.includes('/'));
}
