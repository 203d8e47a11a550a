/**
 * Text on standard input that the command line itself holds: here-documents, here-strings, and what `echo` or `printf` send
 * through a pipe or a process substitution. What reads it (`read`, `mapfile`, `xargs`, a shell) is judged by that text.
 */
import type { Redirection, SimpleCommand, Statement, Word } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { Arg, Values } from './args.ts';
import { printedText } from './printed-text.ts';
import { allStatements } from './statements.ts';
import { expandValue, expandWords } from './words.ts';

export interface StandardInput {
  readonly text: string;
  /** Some of it may have been read before. */
  readonly started: boolean;
}

/** Longer texts are not followed. */
const maxLength = 4096;
/** Nor are texts put together from more pieces, each of which would be looked up again by every command that reads them. */
const maxParts = 64;

/** The input that the redirections give to standard input or another descriptor; undefined where it is not known, `inherited` where they give none. */
export function redirectedInput(
  redirections: readonly Redirection[],
  values: Values,
  inherited: StandardInput | undefined,
  descriptor = '0',
): StandardInput | undefined {
  let input = inherited;
  for (const redirection of redirections) {
    if ((redirection.descriptor ?? '0') !== descriptor) continue;
    const { operator } = redirection;
    if (operator === '<<' || operator === '<<-' || operator === '<<<') input = begin(hereText(redirection, values));
    else if (operator === '<') input = begin(processText(redirection.target, values));
    else if (operator === '<>' || operator === '<&') input = undefined;
  }
  return input;
}

/** What the statement prints, as input of the next stage; filters that only reorder or repeat lines pass it on. */
export function pipedInput(
  stage: Statement,
  values: Values,
  before: StandardInput | undefined,
): StandardInput | undefined {
  if (stage.type !== 'command' || stage.redirections.length > 0) return undefined;
  const { command } = stage;
  if (command.redirections.some(({ operator }) => operator !== '<<<' && operator !== '<<' && operator !== '<<-'))
    return undefined;
  const name = wordValue(command.words[0]);
  if (name === 'tee' || (name === 'cat' && command.words.length === 1))
    return redirectedInput(command.redirections, values, before);
  return begin(outputOf(command, values));
}

/** What the commands of a group print, as far as it is known: `(crontab -l; echo '* * * * * x') | crontab -`. */
export function printedParts(stage: Statement, values: Values): string | undefined {
  if (stage.type === 'command') return undefined;
  const parts = allStatements([stage]).flatMap((each) =>
    each.type === 'command' && each.command.redirections.every(isInput) ? (outputOf(each.command, values) ?? []) : [],
  );
  const text = parts.join('');
  return text === '' || text.length > maxLength ? undefined : text;
}

/** What a simple command prints, when its words are known. */
export function outputOf(command: SimpleCommand, values: Values): string | undefined {
  const name = wordValue(command.words[0]);
  if (command.assignments.length > 0) return undefined;
  if (name === 'cat' && command.words.length === 1)
    return redirectedInput(command.redirections.filter(isInput), values, undefined)?.text;
  if (name !== 'echo' && name !== 'printf') return undefined;
  const [only, ...others] = expandWords(command.words, values);
  return only === undefined || others.length > 0 ? undefined : printedText(only);
}

/** Says only what a command reads. */
export function isInput({ operator }: Redirection): boolean {
  return operator === '<<' || operator === '<<-' || operator === '<<<' || operator === '<';
}

/** Standard input comes from elsewhere then; a further descriptor is taken for it too. */
export function replacesInput({ operator }: Redirection): boolean {
  return operator.startsWith('<');
}

function begin(text: string | undefined): StandardInput | undefined {
  return text === undefined || text.length > maxLength ? undefined : { text, started: false };
}

function hereText(redirection: Redirection, values: Values): string | undefined {
  const { heredoc } = redirection;
  const body = heredoc?.body ?? redirection.target;
  if (body.end - body.start > maxLength * 2 || body.parts.length > maxParts) return undefined;
  const [only, ...others] = expandValue(body, values);
  if (only === undefined || others.length > 0) return undefined;
  let text = '';
  for (const piece of only) {
    if (piece.kind !== 'known') return undefined;
    text += piece.text;
  }
  return heredoc === undefined ? `${text}\n` : text;
}

/** What `<(echo a)` holds. */
export function processText(word: Word, values: Values): string | undefined {
  const [part, ...more] = word.parts;
  if (part?.type !== 'process' || part.direction !== '<' || more.length > 0) return undefined;
  const [only, ...others] = part.body;
  if (only?.type !== 'command' || others.length > 0 || only.command.redirections.length > 0) return undefined;
  return outputOf(only.command, values);
}

/** The words that `xargs` makes of its input; undefined where quoting or its options decide. Source: xargs(1). */
export function splitForXargs(text: string, delimiter: string | undefined): readonly string[] | undefined {
  if (delimiter !== undefined) {
    const parts = text.split(delimiter);
    if (parts.at(-1) === '') parts.pop();
    return parts;
  }
  if (/['"\\]/.test(text)) return undefined;
  return text.split(/[ \t\n]+/).filter((word) => word !== '');
}

/** As many lines as are worth following one by one. */
const maxLines = 8;

/** Undefined where there are too many. */
export function linesOf(text: string): readonly string[] | undefined {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.length > maxLines ? undefined : lines;
}

/** Words of a known text, in the place of a word that stands for them. */
export function argsOf(words: readonly string[], like: Arg['word']): readonly Arg[] {
  return words.map((text) => ({
    word: { ...like, source: text, values: [text], parts: [] },
    pieces: text === '' ? [] : [{ kind: 'known', text } as const],
    text,
    many: false,
  }));
}
