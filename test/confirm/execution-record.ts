/**
 * Reads what the recorder heard: the argv of every command that ran. Words of a trace are quoted by bash itself (source:
 * bash 5.2 print_cmd.c, `xtrace_print_word_list`: nothing, `'…'` with `'\''`, or `$'…'`), so decoding is exact.
 */
import { handlerTrace } from './recorder.ts';

/**
 * A trace also shows reserved words and assignments. None of them is a builtin or a function, so that a program of such a
 * name is still heard by the other ear.
 */
const notCommands = /^(?:(?:for|case|select|coproc) |\[\[ |\(\(|[A-Za-z_]\w*(?:\[[\s\S]*?\])?\+?=)/;

/** Every argv in the order in which it was heard; most are there twice. */
export function readRecord(bytes: Buffer): string[][] {
  const heard: string[][] = [];
  for (const entry of bytes.toString('utf8').split(/\x1e+/)) {
    const kind = entry[0];
    if (kind === 'H') {
      const end = entry.indexOf('\x1d');
      if (end > 0) heard.push(entry.slice(1, end).split('\x1f'));
    } else if (kind === 'T' && entry.endsWith('\n')) {
      const line = entry.slice(1, -1);
      if (line === handlerTrace || line === '' || notCommands.test(line)) continue;
      heard.push(decodeWords(line));
    }
  }
  return heard;
}

function decodeWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  let word: string | undefined;
  while (at < line.length) {
    const rest = line.slice(at);
    if (rest[0] === ' ') {
      if (word !== undefined) words.push(word);
      word = undefined;
      at++;
      continue;
    }
    const [taken, value] = readSegment(rest, word === undefined);
    word = (word ?? '') + value;
    at += taken;
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Length of the next piece of a word, and its text. */
function readSegment(rest: string, atStart: boolean): readonly [number, string] {
  if (atStart && rest.startsWith("$'")) {
    const quoted = /^\$'((?:[^'\\]|\\[\s\S])*)'/.exec(rest);
    if (quoted) return [quoted[0].length, decodeAnsiC(quoted[1] ?? '')];
  }
  if (rest[0] === "'") {
    const end = rest.indexOf("'", 1);
    if (end > 0) return [end + 1, rest.slice(1, end)];
  }
  if (rest[0] === '\\' && rest.length > 1) return [2, rest.slice(1, 2)];
  return [1, rest.slice(0, 1)];
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function decodeAnsiC(text: string): string {
  return text.replace(/\\([0-7]{3}|[\s\S])/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (escapes[code] ?? code),
  );
}
