/**
 * What `${x%pattern}`, `${x:1}`, `${x/a/b}` and `${x^^}` make of a value that is known. Only forms whose result is the same on
 * every machine count: patterns of literals, `*` and `?`, ASCII letters, plain numbers.
 * Source: bash(1) "Parameter Expansion".
 */
import type { Word } from '../parse/model.ts';

/** Longer values are not computed: each removal tries every length. */
const maxLength = 256;

/** Undefined where the result cannot be told. */
export function transformValue(text: string, operator: string, operands: readonly Word[]): string | undefined {
  const [first, second] = operands;
  if (first === undefined || text.length > maxLength) return undefined;
  switch (operator) {
    case '%':
    case '%%':
    case '#':
    case '##':
      return removePattern(text, operator, first);
    case ':':
      return takeSlice(text, first.source);
    case '/':
    case '//':
      return replaceLiteral(text, operator === '//', first, second);
    case ',':
    case ',,':
    case '^':
    case '^^':
      return changeCase(text, operator, first);
    default:
      return undefined;
  }
}

function removePattern(text: string, operator: string, pattern: Word): string | undefined {
  const expression = compilePattern(pattern);
  if (expression === undefined) return undefined;
  const suffix = operator.startsWith('%');
  const longest = operator.length === 2;
  for (let step = 0; step <= text.length; step += 1) {
    const length = longest ? text.length - step : step;
    const part = suffix ? text.slice(text.length - length) : text.slice(0, length);
    if (expression.test(part)) return suffix ? text.slice(0, text.length - length) : text.slice(length);
  }
  return text;
}

function compilePattern(word: Word): RegExp | undefined {
  let source = '';
  for (const part of word.parts) {
    if (part.type === 'literal') source += part.value.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    else if (part.type === 'glob' && part.value === '*') source += '.*';
    else if (part.type === 'glob' && part.value === '?') source += '.';
    else return undefined;
  }
  return /(?:\.\*){3}/.test(source) ? undefined : new RegExp(`^${source}$`, 's');
}

function takeSlice(text: string, source: string): string | undefined {
  const match = /^(\d{1,4})(?::(\d{1,4}))?$/.exec(source);
  if (match === null || !isAscii(text)) return undefined;
  const start = Number(match[1]);
  return text.slice(start, match[2] === undefined ? undefined : start + Number(match[2]));
}

function replaceLiteral(text: string, all: boolean, pattern: Word, replacement: Word | undefined): string | undefined {
  const from = pattern.values?.length === 1 ? pattern.values[0] : undefined;
  const to = replacement === undefined ? '' : replacement.values?.length === 1 ? replacement.values[0] : undefined;
  if (from === undefined || to === undefined || from === '' || /^[#%]/.test(from) || /[&\\]/.test(to)) return undefined;
  return all ? text.split(from).join(to) : text.replace(from, () => to);
}

function changeCase(text: string, operator: string, pattern: Word): string | undefined {
  if (pattern.source !== '' || !isAscii(text)) return undefined;
  const change = (part: string): string => (operator.startsWith(',') ? part.toLowerCase() : part.toUpperCase());
  return operator.length === 2 ? change(text) : change(text.slice(0, 1)) + text.slice(1);
}

function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
