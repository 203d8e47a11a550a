/** Analyses one simple command at one point of the text: its layers, its effects, and the commands that it runs in turn. */
import { type SimpleCommand, type Word, wordValue } from '../parse/model.ts';
import { type AnalysisContext, maxInnerDepth } from './analyse.ts';
import type { Program } from './compile-catalogue.ts';
import { describeCommand } from './describe.ts';
import { runInnerText, runText } from './inner-text.ts';
import { type Interpretation, interpret } from './interpret.ts';
import { baseName, buildLayers, type LayeredCommand } from './layers.ts';
import type { AnalysedCommand, Effect, Layer } from './model.ts';
import { type Reading, readArguments } from './read-arguments.ts';
import { redirectionEffects } from './redirections.ts';
import type { ShellState } from './shell-state.ts';
import { feedersOf, literalStdin, readsProgramFromStdin } from './stdin-program.ts';
import { type Arg, expandWords, makeArg, type Values } from './words.ts';

/** One way the command's words can turn out, fully read. */
export interface Instance {
  /** Arguments of the innermost layer, program first. */
  readonly args: readonly Arg[];
  readonly name: string | undefined;
  readonly program: Program | undefined;
  readonly reading: Reading | undefined;
  readonly interpretation: Interpretation | undefined;
  readonly layered: LayeredCommand;
  /** What the wrappers' own options do. */
  readonly wrapping: readonly Interpretation[];
}

/** An analysed command with what findings, descriptions and the walk need beyond the public result. */
export interface CommandRecord {
  readonly command: SimpleCommand;
  result: AnalysedCommand;
  readonly instances: readonly Instance[];
  readonly inner: readonly CommandRecord[];
  readonly state: Pick<ShellState, 'cwd' | 'fallbacks' | 'changed' | 'functions'>;
  readonly values: Values;
  /** Text that it runs as shell code and that is not known. */
  readonly unknownCode: readonly Arg[];
}

export function analyseCommand(
  command: SimpleCommand,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): CommandRecord {
  const lists = command.words.length === 0 ? [] : expandWords(command.words, values);
  const harmless = areHarmless(command, context);
  const isFunction = (name: string): boolean => state.functions.has(name);
  const instances = lists.map((args, index) =>
    readInstance(
      command,
      args,
      index === 0 ? command.words.map((word) => word.source) : [],
      harmless,
      state,
      isFunction,
      context,
    ),
  );
  const inner: CommandRecord[] = [];
  const unknownCode: Arg[] = [];
  for (const instance of instances) runInner(instance, command, state, values, context, inner, unknownCode);
  const record: CommandRecord = {
    command,
    instances,
    inner,
    unknownCode,
    state: { cwd: state.cwd, fallbacks: state.fallbacks, changed: state.changed, functions: state.functions },
    values,
    result: emptyResult(command, state),
  };
  record.result = summarise(
    record,
    redirectionEffects(command.redirections, values, context.facts),
    context,
    isFunction,
    harmless,
  );
  return record;
}

function readInstance(
  command: SimpleCommand,
  args: readonly Arg[],
  sources: readonly string[],
  harmless: boolean,
  state: ShellState,
  isFunction: (name: string) => boolean,
  context: AnalysisContext,
): Instance {
  const layered = buildLayers(command.assignments, args, sources, harmless, context.catalogue, isFunction);
  const innermost = withStandardInput(layered);
  const name = innermost[0]?.text;
  const program = name === undefined || isFunction(name) ? undefined : findProgram(baseName(name), context);
  const reading = program === undefined ? undefined : readArguments(program, innermost.slice(1));
  let cwd = state.cwd;
  const wrapping = layered.wrappers.map((wrapper) => {
    const read = interpret(wrapper, cwd, context.facts, context.catalogue.variables);
    cwd = read.cwd;
    return read;
  });
  const interpretation =
    reading === undefined ? undefined : interpret(reading, cwd, context.facts, context.catalogue.variables);
  return { wrapping, args: innermost, name, program, reading, interpretation, layered };
}

/** A wrapper that is given no command may still run text of its own: `flock FILE -c TEXT`. */
function findProgram(name: string, context: AnalysisContext): Program | undefined {
  return context.catalogue.programs.get(name) ?? context.catalogue.wrappers.get(name);
}

/** The words that `xargs` adds or puts in place of its `-I` mark. */
function withStandardInput(layered: LayeredCommand): readonly Arg[] {
  const reading = layered.wrappers.find((wrapper) => wrapper.program.name === 'xargs');
  if (reading === undefined) return layered.innermost;
  const replace = reading.options.find(
    ({ option }) => option.spellings.includes('-I') || option.spellings.includes('-i'),
  );
  if (replace === undefined) return [...layered.innermost, standardInputArg(layered.innermost)];
  const mark = replace.value === undefined ? '{}' : replace.value.text;
  return layered.innermost.map((arg) => {
    if (mark === undefined || mark === '' || arg.text?.includes(mark) !== true) return arg;
    const hole = { kind: 'value', variable: undefined, assigned: true, empty: false } as const;
    const pieces = arg.text
      .split(mark)
      .flatMap((text, index) =>
        index === 0 ? [{ kind: 'known', text } as const] : [hole, { kind: 'known', text } as const],
      );
    return makeArg(arg.word, pieces, false);
  });
}

/** What `xargs` appends: any number of words of unknown value. */
function standardInputArg(args: readonly Arg[]): Arg {
  const word = args.at(-1)?.word ?? missingWord;
  return makeArg(
    { ...word, source: '…' },
    [{ kind: 'value', variable: undefined, assigned: true, empty: false }],
    true,
  );
}

const missingWord: Word = { start: 0, end: 0, source: '', parts: [], values: undefined, quoted: false };

function areHarmless(command: SimpleCommand, context: AnalysisContext): boolean {
  return command.assignments.every((assignment) => {
    if (assignment.subscript !== undefined || assignment.value === undefined) return false;
    const value = wordValue(assignment.value);
    // `IFS= read` splits that one line only.
    if (
      assignment.name === 'IFS' &&
      value !== undefined &&
      /^(?:read|mapfile|readarray)$/.test(wordValue(command.words[0]) ?? '')
    )
      return true;
    return context.catalogue.variables.harmless(assignment.name, value);
  });
}

function runInner(
  instance: Instance,
  command: SimpleCommand,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
  inner: CommandRecord[],
  unknownCode: Arg[],
): void {
  const { interpretation, reading } = instance;
  const texts = [
    ...(interpretation?.shellTexts ?? []),
    ...instance.wrapping.flatMap((wrapping) => wrapping.shellTexts),
  ];
  for (const arg of texts) {
    const records = runInnerText(arg, command, state, context);
    if (records === undefined) unknownCode.push(arg);
    else inner.push(...records);
  }
  if (
    instance.program?.data.interprets === 'shell' &&
    readsProgramFromStdin(reading) &&
    context.depth < maxInnerDepth &&
    context.budget.texts > 0
  ) {
    const text = literalStdin(command, feedersOf(command, context.script));
    if (text !== undefined)
      inner.push(...runText(text, { start: command.start, end: command.end }, command, state, context));
  }
  for (const words of interpretation?.commands ?? []) {
    if (context.depth >= maxInnerDepth || words.length === 0) continue;
    const names = reading === undefined ? [undefined] : namesFound(instance.args, reading);
    for (const name of names) {
      const filled = reading === undefined ? words : fillBraces(words, reading, name);
      const synthetic: SimpleCommand = {
        ...command,
        assignments: [],
        redirections: [],
        words: [...new Set(filled.map((arg) => arg.word))],
      };
      inner.push(analyseArgs(synthetic, filled, state, values, { ...context, depth: context.depth + 1 }));
    }
  }
}

/** A command whose words are already arguments: `find -exec`, `docker exec`, `npx`. */
function analyseArgs(
  command: SimpleCommand,
  args: readonly Arg[],
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): CommandRecord {
  const isFunction = (): boolean => false;
  const instance = readInstance(command, args, [], true, state, isFunction, context);
  const inner: CommandRecord[] = [];
  const unknownCode: Arg[] = [];
  runInner(instance, command, state, values, context, inner, unknownCode);
  const record: CommandRecord = {
    command,
    instances: [instance],
    inner,
    unknownCode,
    state: { cwd: state.cwd, fallbacks: state.fallbacks, changed: state.changed, functions: new Set() },
    values,
    result: emptyResult(command, state),
  };
  record.result = summarise(record, [], context, isFunction, true);
  return record;
}

const maxNames = 4;

/** Names that `find -name` looks for, where they are plain and nothing negates them: `{}` ends with one of them. */
function namesFound(args: readonly Arg[], reading: Reading): readonly (string | undefined)[] {
  if (args.some(({ text }) => text === '!' || text === '-not')) return [undefined];
  const names = reading.options
    .filter(({ option }) => option.spellings.includes('-name'))
    .map(({ value }) => value?.text);
  const plain = names.every((name) => name !== undefined && !/[*?[\\]/.test(name));
  return plain && names.length > 0 && names.length <= maxNames ? names : [undefined];
}

/** `{}` of `find -exec` stands for a place below the roots that `find` was given. */
function fillBraces(words: readonly Arg[], reading: Reading, name: string | undefined): readonly Arg[] {
  const roots = reading.operands.map((operand) => operand.arg.text);
  const root =
    roots.length === 0 ? '.' : roots.every((text) => text === roots[0]) || !reading.filtered ? roots[0] : undefined;
  return words.map((arg) => {
    if (arg.text?.includes('{}') !== true) return arg;
    const [before = '', ...after] = arg.text.split('{}');
    const hole = { kind: 'value', variable: undefined, assigned: true, empty: false } as const;
    if (root !== undefined && !reading.filtered && before === '' && after.join('') === '') {
      return makeArg(arg.word, [{ kind: 'known', text: root }], false);
    }
    if (root === undefined) return makeArg(arg.word, [{ kind: 'known', text: before }, hole], false);
    const end = `${name === undefined ? '' : `/${name}`}${after.join('')}`;
    return makeArg(
      arg.word,
      [{ kind: 'known', text: `${before}${root.replace(/\/$/, '')}/` }, hole, { kind: 'known', text: end }],
      false,
    );
  });
}

function emptyResult(command: SimpleCommand, state: ShellState): AnalysedCommand {
  return {
    command,
    cwd: state.cwd,
    changedDirectory: state.changed,
    layers: [],
    program: undefined,
    known: false,
    readOnly: false,
    notReadOnlyBecause: undefined,
    callsFunction: undefined,
    effects: [],
    unnamed: [],
    inner: [],
    description: '',
  };
}

function summarise(
  record: CommandRecord,
  redirections: readonly Effect[],
  context: AnalysisContext,
  isFunction: (name: string) => boolean,
  harmless: boolean,
): AnalysedCommand {
  const { command, instances } = record;
  const [first] = instances;
  const effects: Effect[] = [...redirections];
  const unnamed = instances.flatMap((instance) => [...instance.layered.unnamed]);
  let obstacle: string | undefined;
  let known = instances.length > 0;
  for (const instance of instances) {
    const judged = judgeGrantLayer(instance, record, context, isFunction);
    obstacle ??= judged.obstacle;
    known &&= judged.known;
    unnamed.push(...judged.unnamed);
    effects.push(
      ...(instance.interpretation?.effects ?? []),
      ...instance.wrapping.flatMap((wrapping) => wrapping.effects),
    );
  }
  if (!harmless && command.words.length > 0)
    obstacle ??= 'it runs with a variable that can change more than language, colour or verbosity';
  for (const one of record.inner) effects.push(...one.result.effects);
  const grantedName = first?.layered.granted[0]?.text;
  const calls =
    first?.name !== undefined && first.layered.wrappers.length === 0 && isFunction(first.name) ? first.name : undefined;
  const result: AnalysedCommand = {
    ...record.result,
    layers: mergeLayers(instances),
    program: grantedName,
    known: known || calls !== undefined,
    readOnly: obstacle === undefined,
    notReadOnlyBecause: obstacle,
    callsFunction: calls,
    effects,
    unnamed,
    inner: record.inner.map((one) => one.result),
  };
  return { ...result, description: describeCommand(record, result) };
}

/** Read-only and O16 questions are about the form that grants see, not about what `sudo` or `env` hide. */
function judgeGrantLayer(
  instance: Instance,
  record: CommandRecord,
  context: AnalysisContext,
  isFunction: (name: string) => boolean,
): { obstacle: string | undefined; known: boolean; unnamed: Interpretation['unnamed'] } {
  const { granted } = instance.layered;
  const name = granted[0]?.text;
  if (name === undefined) return { obstacle: 'its program name is not known', known: false, unnamed: [] };
  if (isFunction(name)) return { obstacle: undefined, known: true, unnamed: [] };
  const sameAsInnermost =
    instance.name === name &&
    granted.length <= instance.args.length &&
    granted.at(-1) === instance.args[granted.length - 1];
  let reading = instance.reading;
  let interpretation = instance.interpretation;
  if (!sameAsInnermost) {
    const program = context.catalogue.programs.get(baseName(name)) ?? context.catalogue.wrappers.get(baseName(name));
    reading = program === undefined ? undefined : readArguments(program, granted.slice(1));
    interpretation =
      reading === undefined
        ? undefined
        : interpret(reading, record.state.cwd, context.facts, context.catalogue.variables);
  } else if (reading === undefined && context.catalogue.wrappers.has(baseName(name))) {
    reading = readArguments(context.catalogue.wrappers.get(baseName(name)) as Program, granted.slice(1));
    interpretation = interpret(reading, record.state.cwd, context.facts, context.catalogue.variables);
  }
  if (reading === undefined || interpretation === undefined) {
    return { obstacle: `\`${name}\` is not in the catalogue`, known: false, unnamed: [] };
  }
  const pathName = name.includes('/') ? `\`${name}\` is named by its path` : undefined;
  const known = reading.unknownSubcommand === undefined;
  return { obstacle: pathName ?? interpretation.notReadOnly, known, unnamed: interpretation.unnamed };
}

/** The layers of the first instance, then what the others resolve to, for restrictions. */
function mergeLayers(instances: readonly Instance[]): readonly Layer[] {
  const [first, ...others] = instances;
  if (first === undefined) return [];
  if (others.length === 0) return first.layered.layers;
  const seen = new Set<string>();
  return [
    ...first.layered.layers,
    ...others.flatMap((one) => one.layered.layers.map((layer) => ({ ...layer, grants: false }))),
  ].filter((layer) => {
    const key = `${layer.text}\u0000${layer.resolved ?? ''}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
