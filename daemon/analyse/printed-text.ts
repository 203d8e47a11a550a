/**
 * What `echo` and `printf` print when every word of theirs is known, so that a text which sends names through a pipe, a
 * substitution or a here-string is judged by those names. Source: bash(1) "echo", "printf".
 */
import type { Arg } from './words.ts';

/** Undefined where the output cannot be told: other programs, escapes that options of the shell change, odd directives. */
export function printedText(args: readonly Arg[]): string | undefined {
  const [name, ...rest] = args.map(({ text }) => text);
  if (rest.some((text) => text === undefined)) return undefined;
  if (name === 'echo') return printedByEcho(rest as readonly string[]);
  return name === 'printf' ? printedByPrintf(rest as readonly string[]) : undefined;
}

function printedByEcho(words: readonly string[]): string | undefined {
  const newline = words[0] === '-n' ? '' : '\n';
  const text = newline === '' ? words.slice(1) : words;
  // `xpg_echo` decides about backslashes.
  if (text[0]?.startsWith('-') === true || text.some((word) => word.includes('\\'))) return undefined;
  return `${text.join(' ')}${newline}`;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\', '0': '\0', '"': '"' };
/** A format used up more often than this is not followed. */
const maxRounds = 32;

function printedByPrintf(words: readonly string[]): string | undefined {
  const given = words[0] === '--' ? words.slice(1) : words;
  const [format, ...values] = given;
  if (format === undefined || format.startsWith('-')) return undefined;
  const pieces = format.match(/%(?:%|[sd])|\\[nt\\0"](?!\d)|[^%\\]+|[%\\]/g) ?? [];
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
      else if (piece.startsWith('\\')) out += escapes[piece.slice(1)] ?? '';
      else out += piece;
    }
  }
  return out;
}
