/**
 * What `echo` and `printf` print when every word of theirs is known, so that a text which sends names through a pipe, a
 * substitution or a here-string is judged by those names. Source: bash(1) "echo", "printf".
 */
import type { Arg } from './args.ts';

/** Undefined where the output cannot be told: other programs, escapes that options of the shell change, odd directives. */
export function printedText(args: readonly Arg[]): string | undefined {
  const [name, ...rest] = args.map(({ text }) => text);
  if (rest.some((text) => text === undefined)) return undefined;
  if (name === 'echo') return printedByEcho(rest as readonly string[]);
  return name === 'printf' ? printedByPrintf(rest as readonly string[]) : undefined;
}

function printedByEcho(words: readonly string[]): string | undefined {
  const given = words.findIndex((word) => !/^-[neE]+$/.test(word));
  const options = words.slice(0, given < 0 ? words.length : given).join('');
  const text = (given < 0 ? [] : words.slice(given)).join(' ');
  const newline = options.includes('n') ? '' : '\n';
  if (options.includes('E')) return undefined;
  if (options.includes('e')) {
    const decoded = decodeEscapes(text, /\\(?:0([0-7]{0,3})|x([0-9A-Fa-f]{1,2})|([\s\S]))/g);
    return decoded === undefined ? undefined : `${decoded}${newline}`;
  }
  // `xpg_echo` decides about backslashes that begin an escape.
  return /\\(?:[abcefnrtvxuUE\\0]|$)/.test(text) ? undefined : `${text}${newline}`;
}

/** Undefined for escapes that end the output or need the shell's character set. */
function decodeEscapes(text: string, pattern: RegExp): string | undefined {
  let known = true;
  const decoded = text.replace(pattern, (whole: string, octal?: string, hex?: string, letter?: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal === '' ? '0' : octal, 8));
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const plain = escapes[letter ?? ''];
    if (plain !== undefined) return plain;
    if (/[cuUe]/.test(letter ?? 'c')) known = false;
    return whole;
  });
  return known && !/[\u0080-\uffff]/.test(decoded) ? decoded : undefined;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', '"': '"' };
/** A format used up more often than this is not followed. */
const maxRounds = 32;

function printedByPrintf(words: readonly string[]): string | undefined {
  const given = words[0] === '--' ? words.slice(1) : words;
  const [format, ...values] = given;
  if (format === undefined || format.startsWith('-')) return undefined;
  const pieces = format.match(/%(?:%|[sd])|\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{1,2}|[nrt\\"])|[^%\\]+|[%\\]/g) ?? [];
  const directives = pieces.filter((piece) => piece === '%s' || piece === '%d').length;
  const rounds = directives === 0 ? 1 : Math.max(1, Math.ceil(values.length / directives));
  if (rounds > maxRounds) return undefined;
  let out = '';
  let at = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const piece of pieces) {
      if (piece === '%s') out += values[at++] ?? '';
      else if (piece === '%d') {
        const value = values[at++] ?? '0';
        if (!/^(?:0|-?[1-9]\d{0,8})$/.test(value)) return undefined;
        out += value;
      } else if (piece === '%%') out += '%';
      else if (piece === '%' || piece === '\\') return undefined;
      else if (piece.startsWith('\\')) {
        const decoded = decodeEscapes(piece, /\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|([\s\S]))/g);
        if (decoded === undefined) return undefined;
        out += decoded;
      } else out += piece;
    }
  }
  return out;
}
