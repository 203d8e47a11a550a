/**
 * Reads awk programs far enough to know whether one runs commands (`system`, pipes, indirect calls), writes files (`print >`)
 * or loads code (`@load`). Strings, regular expressions and comments are told apart as awk's lexer does, so a `|` or `>` inside
 * them, or a comparison, is no false alarm. Source: POSIX awk "Lexical Conventions"; gawk manual "Redirection".
 */
import type { Arg } from '../args.ts';
import { isFreeTarget } from '../path-targets.ts';
import { dangerousText, harmlessText, type ProgramText } from './program-text.ts';
import { fillNumbers } from './sed.ts';

type Token =
  /** `plain` when it has no escapes but `\\"`, `\\\\` and `\\/`. */
  | { readonly kind: 'string'; readonly text: string; readonly plain: boolean }
  | { readonly kind: 'regex' | 'number' }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'operator'; readonly text: string };

const operators = [
  '>>',
  '||',
  '|&',
  '&&',
  '++',
  '--',
  '>=',
  '<=',
  '==',
  '!=',
  '!~',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '^=',
  '**',
];
const beforeRegex = new Set([
  'print',
  'printf',
  'return',
  'in',
  'getline',
  'case',
  'do',
  'else',
  'exit',
  'if',
  'while',
  'for',
]);

/** Texts that variables are given, each of which one of them may hold. */
type Assigned = ReadonlyMap<string, readonly string[]>;

/** @param given - variables that options set (`-v name=text`). */
export function readAwk(arg: Arg, given: Assigned = new Map()): ProgramText {
  const text = fillNumbers(arg);
  if (text === undefined) return dangerousText('is not known, and awk can run commands and write files');
  const tokens = tokenize(text);
  if (tokens === undefined) return dangerousText('cannot be read to its end');
  return judge(tokens, given);
}

function judge(tokens: readonly Token[], given: Assigned): ProgramText {
  const reads: string[] = readByAssignment(tokens);
  const writes: string[] = [];
  const shell: string[] = [];
  const assigned = assignedTexts(tokens, given);
  const textsOf = (token: Token | undefined): readonly string[] =>
    token?.kind === 'string' ? [token.text] : token?.kind === 'name' ? (assigned.get(token.text) ?? []) : [];
  let danger: string | undefined;
  let printDepth: number | undefined;
  let depth = 0;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at] as Token;
    const next = tokens[at + 1];
    if (token.kind === 'name') {
      if (token.text === 'print' || token.text === 'printf') printDepth = depth;
      else if (token.text === 'system') {
        danger = 'runs commands with `system`';
        const argument = tokens[at + 2];
        if (isOperator(next, '(') && isOperator(tokens[at + 3], ')')) shell.push(...textsOf(argument));
      } else if (token.text === 'getline') {
        const source = sourceOfGetline(tokens, at);
        if (source?.kind === 'string' && !source.plain) continue;
        for (const file of textsOf(source)) {
          if (file.startsWith('/inet')) danger = 'connects to the network';
          else reads.push(file);
        }
      }
    } else if (token.kind === 'operator') {
      if (token.text === '(' || token.text === '[') depth += 1;
      else if (token.text === ')' || token.text === ']') depth -= 1;
      else if (token.text === ';' || token.text === '\n' || token.text === '}' || token.text === '{')
        printDepth = undefined;
      else if (token.text === '|' || token.text === '|&') {
        danger = 'pipes to or from a command';
        const before = tokens[at - 1];
        const command = next?.kind === 'name' && next.text === 'getline' ? before : next;
        shell.push(...textsOf(command));
      } else if (token.text === '@') danger = 'loads code or calls a function by a name made at run time';
      else if ((token.text === '>' || token.text === '>>') && printDepth !== undefined && depth <= printDepth) {
        const end = tokens[at + 2];
        const literal =
          next?.kind === 'string' &&
          next.plain &&
          (end === undefined || (end.kind === 'operator' && /^[;\n}]$/.test(end.text)));
        if (!literal || next?.kind !== 'string') {
          danger ??= 'writes to a file whose name is made at run time';
          writes.push(...textsOf(next).filter((file) => !isFreeTarget(file) && !file.startsWith('/inet')));
        } else if (next.text.startsWith('/inet')) danger = 'connects to the network';
        else if (!isFreeTarget(next.text)) writes.push(next.text);
      }
    }
  }
  if (danger !== undefined)
    return dangerousText(danger, { reads, writes, shell, runs: danger.includes('command') || danger.includes('code') });
  if (writes.length > 0) return dangerousText('writes files', { reads, writes });
  return reads.length === 0 ? harmlessText : { ...harmlessText, reads };
}

/** `name = "text"`, wherever it stands. */
function assignedTexts(tokens: readonly Token[], given: Assigned): Assigned {
  const assigned = new Map(given);
  tokens.forEach((token, at) => {
    const [name, text] = [tokens[at - 1], tokens[at + 1]];
    if (!isOperator(token, '=') || name?.kind !== 'name' || text?.kind !== 'string') return;
    assigned.set(name.text, [...(assigned.get(name.text) ?? []), text.text]);
  });
  return assigned;
}

/** `ARGV[1] = "file"` makes it one of the files that are read. Source: POSIX awk "ARGV". */
function readByAssignment(tokens: readonly Token[]): string[] {
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'name' || token.text !== 'ARGV') return [];
    const end = tokens.findIndex((one, index) => index > at && isOperator(one, ']'));
    const text = tokens[end + 2];
    return end > at && isOperator(tokens[end + 1], '=') && text?.kind === 'string' ? [text.text] : [];
  });
}

function isOperator(token: Token | undefined, text: string): boolean {
  return token?.kind === 'operator' && token.text === text;
}

/** `getline`, `getline x`, `getline a[i]`, each followed by `< FILE`. */
function sourceOfGetline(tokens: readonly Token[], at: number): Token | undefined {
  for (let next = at + 1; next < Math.min(tokens.length, at + 10); next += 1) {
    const token = tokens[next];
    if (token?.kind !== 'operator') continue;
    if (token.text === '<') return tokens[next + 1];
    if (!['$', '[', ']'].includes(token.text)) return undefined;
  }
  return undefined;
}

/** Undefined when a string or regular expression has no end. */
function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === ' ' || char === '\t' || char === '\r') at += 1;
    else if (char === '\\' && text[at + 1] === '\n') at += 2;
    else if (char === '#') at = endOfLine(text, at);
    else if (char === '"') {
      const string = /"((?:\\[\s\S]|[^"\\\n])*)"/y;
      string.lastIndex = at;
      const match = string.exec(text);
      if (match === null) return undefined;
      const body = match[1] ?? '';
      tokens.push({ kind: 'string', text: decodeEscapes(body), plain: !/\\[^"\\/]/.test(body) });
      at += match[0].length;
    } else if (char === '/' && regexMayStand(tokens.at(-1))) {
      const end = endOfRegex(text, at);
      if (end === undefined) return undefined;
      tokens.push({ kind: 'regex' });
      at = end;
    } else if (/[A-Za-z_]/.test(char)) {
      const name = readAt(/[A-Za-z_]\w*(?:::\w+)?/y, text, at);
      tokens.push({ kind: 'name', text: name });
      at += name.length;
    } else if (/[\d.]/.test(char)) {
      at += readAt(/(?:0[xX][\dA-Fa-f]+|\d*\.?\d*(?:[eE][-+]?\d+)?)/y, text, at).length || 1;
      tokens.push({ kind: 'number' });
    } else {
      const operator = operators.find((one) => text.startsWith(one, at)) ?? char;
      tokens.push({ kind: 'operator', text: operator });
      at += operator.length;
    }
  }
  return tokens;
}

/** A slash divides after a value and starts a regular expression everywhere else. */
function regexMayStand(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === 'name') return beforeRegex.has(before.text);
  if (before.kind !== 'operator') return false;
  return ![')', ']', '$', '++', '--'].includes(before.text);
}

function endOfRegex(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\n') return undefined;
    if (char === '\\') at += 1;
    else if (char === '/') return at + 1;
    else if (char === '[') {
      // gawk lets a slash stand in brackets, mawk ends the expression there: both are read to the same end only if no
      // slash is inside.
      const bracket = readAt(/\[\^?\]?(?:\[:[^\]]*:\]|\\[\s\S]|[^\]\n\\])*\]/y, text, at);
      if (bracket === '' || bracket.replace(/\\[\s\S]/g, '').includes('/')) return undefined;
      at += bracket.length - 1;
    }
  }
  return undefined;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function readAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function decodeEscapes(text: string): string {
  return text.replace(/\\(["\\/])/g, '$1');
}
