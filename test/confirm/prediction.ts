/**
 * Whether something that ran was predicted: its argv must come from the words of one simple command of the analysis, in one
 * of its forms or among those that it runs. A known word must be there exactly, and the program must be known, if need be
 * from the value of a variable; only what a value can change may differ.
 */
import type { AnalysedCommand, Analysis } from '../../daemon/analyse/model.ts';
import { type Word, type WordPart, wordValue } from '../../daemon/parse/model.ts';

export function isPredicted(argv: readonly string[], analysis: Analysis): boolean {
  return analysis.commands.some((command) => canRun(argv, command) || isBareXargs(argv, command));
}

/** `xargs` without a command runs `echo`. */
function isBareXargs(argv: readonly string[], { layers }: AnalysedCommand): boolean {
  return argv[0] === 'echo' && wordValue(layers.at(-1)?.words[0]) === 'xargs';
}

/** Programs that add words of their own: at the end, or in place of `{}`. */
const feeders = new Set(['xargs', 'find']);

function isFeeder(words: readonly Word[]): boolean {
  return feeders.has(wordValue(words[0]) ?? '');
}

function canRun(argv: readonly string[], command: AnalysedCommand, isFed = false): boolean {
  const feeder = isFed ? -1 : command.layers.findIndex(({ words }) => isFeeder(words));
  return (
    command.layers.some(
      ({ words, resolved }, index) =>
        (words[0]?.values !== undefined && matchWords(argv, words, isFed || (feeder >= 0 && index > feeder), 0, 0)) ||
        resolved === argv.join(' '),
    ) || command.inner.some((inner) => canRun(argv, inner, isFed || feeder >= 0))
  );
}

function matchWords(
  argv: readonly string[],
  words: readonly Word[],
  isFed: boolean,
  arg: number,
  index: number,
): boolean {
  const word = words[index];
  if (word === undefined) return isFed || arg === argv.length;
  const { values } = word;
  if (values !== undefined && !(isFed && word.source.includes('{}')))
    return (
      values.every((value, offset) => argv[arg + offset] === value) &&
      matchWords(argv, words, isFed, arg + values.length, index + 1)
    );
  const array = declaredArray(word);
  if (array !== undefined && argv[arg] === array && matchWords(argv, words, isFed, arg + 1, index + 1)) return true;
  if (isOneWord(word) && !isFed) {
    const value = argv[arg];
    return value !== undefined && isMadeOf(value, word) && matchWords(argv, words, isFed, arg + 1, index + 1);
  }
  for (let taken = arg; taken <= argv.length; taken++)
    if (matchWords(argv, words, isFed, taken, index + 1)) return true;
  return false;
}

/** `declare a=(…)` assigns the elements by itself; what runs is given the name. */
function declaredArray(word: Word): string | undefined {
  return /^([A-Za-z_]\w*)\+?=\(/.exec(word.source)?.[1];
}

/** Neither splitting nor globs nor a list can make several words, or none, of it. */
function isOneWord(word: Word): boolean {
  return word.parts.length > 0 && word.parts.every(isOnePiece);
}

function isOnePiece(part: WordPart): boolean {
  switch (part.type) {
    case 'literal':
    case 'tilde':
    case 'process':
      return true;
    case 'parameter':
      return part.quoted && !part.indirect && part.name !== '@' && !part.operands.some(hasList);
    case 'substitution':
    case 'arithmetic':
      return part.quoted;
    default:
      return false;
  }
}

/** A subscript `@`, or the positional parameters in a default value. */
function hasList(operand: Word): boolean {
  return (
    operand.source === '@' ||
    operand.source.includes('$@') ||
    operand.source.includes('{@') ||
    operand.source.includes('[@')
  );
}

/** The literal parts stand in the value in their order, the first at its start and the last at its end. */
function isMadeOf(value: string, word: Word): boolean {
  const texts = literalsOf(word);
  const [first = '', ...others] = texts;
  if (others.length === 0) return value === first;
  const last = others.pop() ?? '';
  if (!value.startsWith(first)) return false;
  let at = first.length;
  for (const text of others) {
    const found = value.indexOf(text, at);
    if (found < 0) return false;
    at = found + text.length;
  }
  return value.length - last.length >= at && value.endsWith(last);
}

/** What stands before, between and after the parts that are not literal. */
function literalsOf(word: Word): string[] {
  const texts = [''];
  for (const part of word.parts) {
    if (part.type === 'literal') texts.push(`${texts.pop()}${part.value}`);
    else texts.push('');
  }
  return texts;
}
