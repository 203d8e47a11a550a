/** Programs that a shell reads from standard input (RULES O29): here-documents, here-strings, pipes. */
import type { ParsedScript, SimpleCommand, Word } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { Reading } from './read-arguments.ts';

/** Whether a shell or interpreter takes its program from standard input: no script, `-s`, `-` or a name of the stream. */
export function readsProgramFromStdin(reading: Reading | undefined): boolean {
  if (reading === undefined) return false;
  if (
    reading.options.some(
      ({ role, option }) => role === 'code' || role === 'shell' || option.spelling === '-c' || option.spelling === '-m',
    )
  )
    return false;
  if (reading.options.some(({ option }) => option.spelling === '-s')) return true;
  const [first] = reading.operands;
  if (first === undefined) return reading.command === undefined;
  return (
    first.arg.text === '-' ||
    first.arg.text === '/dev/stdin' ||
    (first.arg.text !== undefined && /^\/dev\/fd\/\d+$/.test(first.arg.text))
  );
}

/** Commands whose output reaches this one through pipes. */
export function feedersOf(command: SimpleCommand, script: ParsedScript): readonly SimpleCommand[] {
  const found: SimpleCommand[] = [];
  let wanted = new Set([command.id]);
  for (let round = 0; round < 50 && wanted.size > 0; round += 1) {
    const before = script.commands.filter(
      (one) => one.pipedTo !== undefined && wanted.has(one.pipedTo) && !found.includes(one),
    );
    found.push(...before);
    wanted = new Set(before.map((one) => one.id));
  }
  return found;
}

/** The program text on standard input, where the text itself holds it. */
export function literalStdin(command: SimpleCommand, feeders: readonly SimpleCommand[]): string | undefined {
  for (const redirection of command.redirections) {
    if (redirection.heredoc !== undefined)
      return redirection.heredoc.quoted
        ? (wordValue(redirection.heredoc.body) ?? literalText(redirection.heredoc.body))
        : literalText(redirection.heredoc.body);
    if (redirection.operator === '<<<') return wordValue(redirection.target);
  }
  const [only] = feeders;
  if (feeders.length !== 1 || only === undefined) return undefined;
  const words = only.words.map(wordValue);
  if (words[0] !== 'echo' || words.some((word) => word === undefined) || words[1]?.startsWith('-') === true)
    return undefined;
  return words.slice(1).join(' ');
}

function literalText(word: Word): string | undefined {
  let text = '';
  for (const part of word.parts) {
    if (part.type !== 'literal') return undefined;
    text += part.value;
  }
  return text;
}
