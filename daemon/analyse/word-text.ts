/**
 * Words of a command inside an English sentence. A plain word stands as it is; everything that could be taken for the
 * sentence itself, or that hides what it holds, stands in backticks with hidden characters made visible.
 */
import { showText } from '../../client/protocol/visible.ts';
import type { Arg } from './args.ts';

const maxNames = 3;
const maxLength = 60;

/** What nobody could take for anything but a name, a path or an address. */
const plain = /^[\w./:@%+=~-]+$/;

/** How words that `xargs` adds are written. */
export const filledIn = '…';

/** Words of our own sentences: an operand of this name must not read as a part of them. */
const ours =
  /^(?:an|and|any|as|at|below|branch|current|each|everything|file|files|folder|from|in|input|into|it|its|more|nothing|of|on|only|or|output|the|them|then|this|to|with)$/i;

/** A text that was resolved: quotes are gone. */
export function showValue(text: string): string {
  return plain.test(text) && text.length <= maxLength && !ours.test(text) ? text : quoteText(text);
}

export function showArg(arg: Arg): string {
  return arg.text === undefined ? showSource(arg.word.source) : showValue(arg.text);
}

/** A word as it was written. */
export function showSource(source: string): string {
  if (source === filledIn) return 'them';
  return showValue(withoutQuotes(source));
}

/** The same, in backticks whatever it holds. */
export function quoteSource(source: string): string {
  return quoteText(withoutQuotes(source));
}

/** Quotes say nothing where they only hold plain text. */
function withoutQuotes(source: string): string {
  const inner = /^'([^']*)'$|^"([^"$`\\]*)"$/.exec(source);
  return inner?.[1] ?? inner?.[2] ?? source;
}

/** In backticks, on one line, not endless. */
export function quoteText(text: string): string {
  const line = showText(shorten(text.replace(/\s*\n\s*/g, '\n')));
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}

function shorten(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}

export function listOf(items: readonly string[]): string {
  if (items.length > maxNames) return `${items.slice(0, maxNames).join(', ')} and ${items.length - maxNames} more`;
  if (items.length <= 1) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
