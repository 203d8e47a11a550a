/** The words that `xargs` adds to a command, or puts in place of its `-I` mark: known where its input is, else any. */
import type { Word } from '../parse/model.ts';
import { type Arg, makeArg } from './args.ts';
import type { LayeredCommand } from './layers.ts';
import type { Layer } from './model.ts';
import { hasOption, type Reading, type ReadOption } from './reading.ts';
import { argsOf, linesOf, type StandardInput, splitForXargs } from './standard-input.ts';

export interface FedCommand {
  /** With the form that the added words give it, for restrictions. */
  readonly layered: LayeredCommand;
  readonly innermost: readonly Arg[];
}

/** One for each way the added words can turn out. */
export function withStandardInput(layered: LayeredCommand, input: StandardInput | undefined): readonly FedCommand[] {
  const { innermost } = layered;
  const reading = layered.wrappers.find((wrapper) => wrapper.program.name === 'xargs');
  if (reading === undefined) return [{ layered, innermost }];
  const replace = findOption(reading, '-I') ?? findOption(reading, '-i');
  if (replace !== undefined) {
    const mark = replace.value === undefined ? '{}' : replace.value.text;
    return fillings(input).map((filling) => feed(layered, replaceMark(innermost, mark, filling)));
  }
  const words = addedWords(reading, input);
  if (words === undefined) return [feed(layered, [...innermost, standardInputArg(innermost)])];
  const like = innermost.at(-1)?.word ?? missingWord;
  // With a limit on the words of one run, each word may come alone.
  const runs = hasOption(reading, '-n') || hasOption(reading, '-L') ? words.map((word) => [word]) : [words];
  return runs.length === 0 || runs.length > maxRuns
    ? [feed(layered, [...innermost, standardInputArg(innermost)])]
    : runs.map((run) => feed(layered, [...innermost, ...argsOf(run, like)]));
}

const maxRuns = 8;

function findOption(reading: Reading, spelling: string): ReadOption | undefined {
  return reading.options.find(({ option }) => option.spellings.includes(spelling));
}

function addedWords(reading: Reading, input: StandardInput | undefined): readonly string[] | undefined {
  if (input === undefined || input.started || hasOption(reading, '-a') || hasOption(reading, '-E')) return undefined;
  const delimiter = findOption(reading, '-d');
  if (delimiter !== undefined && delimiter.value?.text?.length !== 1) return undefined;
  return splitForXargs(input.text, hasOption(reading, '-0') ? '\0' : delimiter?.value?.text);
}

/** What stands in the place of the mark, a line for each run. */
function fillings(input: StandardInput | undefined): readonly (string | undefined)[] {
  if (input === undefined || input.started || /['"\\\0]/.test(input.text)) return [undefined];
  const lines = linesOf(input.text)?.map((line) => line.replace(/^[ \t]+/, ''));
  return lines === undefined || lines.length === 0 ? [undefined] : lines;
}

function replaceMark(args: readonly Arg[], mark: string | undefined, filling: string | undefined): readonly Arg[] {
  return args.map((arg) => {
    if (mark === undefined || mark === '' || arg.text?.includes(mark) !== true) return arg;
    const hole =
      filling === undefined
        ? ({ kind: 'value', variable: undefined, assigned: true, empty: false } as const)
        : ({ kind: 'known', text: filling } as const);
    const pieces = arg.text
      .split(mark)
      .flatMap((text, index) =>
        index === 0 ? [{ kind: 'known', text } as const] : [hole, { kind: 'known', text } as const],
      );
    return makeArg(arg.word, pieces, false);
  });
}

/** The command with the words that it gets, as one more form; no grant sees it. */
function feed(layered: LayeredCommand, innermost: readonly Arg[]): FedCommand {
  const texts = innermost.map(({ text }) => text);
  const words = innermost.map(({ word, text }) =>
    text === undefined && word.values !== undefined ? unknownWord(word) : word,
  );
  const layer: Layer = {
    text: innermost.map(({ text, word }) => text ?? word.source).join(' '),
    resolved: texts.includes(undefined) ? undefined : texts.join(' '),
    words,
    removed: 'inner',
    grants: false,
  };
  return { layered: { ...layered, layers: [...layered.layers, layer] }, innermost };
}

/** What `xargs` appends: any number of words of unknown value. */
function standardInputArg(args: readonly Arg[]): Arg {
  const word = { ...unknownWord(args.at(-1)?.word ?? missingWord), source: '…' };
  return makeArg(word, [{ kind: 'value', variable: undefined, assigned: true, empty: false }], true);
}

/** A word in the same place of which nothing is known. */
function unknownWord({ start, end, source }: Word): Word {
  const part = { type: 'parameter', name: '@', operator: undefined, operands: [], start, end } as const;
  return {
    start,
    end,
    source,
    parts: [{ ...part, indirect: false, length: false, quoted: false }],
    values: undefined,
    quoted: false,
  };
}

const missingWord: Word = { start: 0, end: 0, source: '', parts: [], values: undefined, quoted: false };
