/** Analyses one simple command at one point of the text: its layers, its effects, and the commands that it runs in turn. */
import { type SimpleCommand, wordValue } from '../parse/model.ts';
import type { AnalysisContext } from './analyse.ts';
import type { Arg, Values } from './args.ts';
import type { Program } from './compile-catalogue.ts';
import { describeCommand } from './describe.ts';
import { recordCommand } from './inner-commands.ts';
import { interpret } from './interpret.ts';
import type { Interpretation } from './interpretation.ts';
import { baseName, buildLayers, type LayeredCommand } from './layers.ts';
import type { AnalysedCommand, Effect, Layer } from './model.ts';
import { readArguments } from './read-arguments.ts';
import type { Reading } from './reading.ts';
import { redirectionEffects } from './redirections.ts';
import type { ShellState } from './shell-state.ts';
import { redirectedInput, type StandardInput } from './standard-input.ts';
import { expandWords } from './words.ts';
import { type FedCommand, withStandardInput } from './xargs-input.ts';

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
  /** The program that it reads on standard input, or from another command, is known and among `inner`. */
  readonly fed: boolean;
  /** It runs on another machine or in a container. */
  readonly elsewhere: boolean;
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
  const input = redirectedInput(command.redirections, values, state.input);
  const instances = lists.flatMap((args, index) =>
    readInstances(
      command,
      args,
      index === 0 ? command.words.map((word) => word.source) : [],
      harmless,
      { cwd: state.cwd, input, isFunction },
      context,
    ),
  );
  const redirections = redirectionEffects(command.redirections, values, context.facts);
  return recordCommand(command, instances, { state, surroundings: state, values, redirections, harmless }, context);
}

/** Where a command stands, as far as reading its words goes. */
export interface Standing {
  readonly cwd: string | undefined;
  readonly input: StandardInput | undefined;
  readonly isFunction: (name: string) => boolean;
}

/** One for each way its words, and what `xargs` adds to them, can turn out. */
export function readInstances(
  command: SimpleCommand,
  args: readonly Arg[],
  sources: readonly string[],
  harmless: boolean,
  standing: Standing,
  context: AnalysisContext,
): readonly Instance[] {
  const layered = buildLayers(command.assignments, args, sources, harmless, context.catalogue, standing.isFunction);
  return withStandardInput(layered, standing.input).map((fed) => readInstance(fed, standing, context));
}

function readInstance(
  { layered, innermost }: FedCommand,
  { cwd: start, isFunction }: Standing,
  context: AnalysisContext,
): Instance {
  const name = innermost[0]?.text;
  const program = name === undefined || isFunction(name) ? undefined : findProgram(baseName(name), context);
  const reading = program === undefined ? undefined : readArguments(program, innermost.slice(1));
  let cwd = start;
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

export function emptyResult(command: SimpleCommand, state: ShellState): AnalysedCommand {
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

export function summarise(
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
    routes: instances.flatMap(({ interpretation }) => [...(interpretation?.routes ?? [])]),
    rewrites: [
      ...instances.flatMap(({ interpretation }) => [...(interpretation?.rewrites ?? [])]),
      ...record.inner.flatMap(({ result: { rewrites = [] } }) => rewrites),
    ],
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
  if (name === 'xargs' && instance.layered.wrappers.length > 0) {
    const judged = judgeFed(instance);
    if (judged !== undefined) return judged;
  }
  if (isFunction(name)) return { obstacle: undefined, known: true, unnamed: [] };
  if (asksAboutItself(granted) && context.catalogue.programs.has(name))
    return { obstacle: undefined, known: true, unnamed: [] };
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
  const delegates =
    interpretation.delegated.length > 0 &&
    !(record.inner.length > 0 && record.inner.every((one) => one.result.readOnly));
  const [delegated] = delegates ? interpretation.delegated : [];
  const runs = delegated === undefined ? undefined : `\`${delegated.name}\` ${delegated.because}`;
  const pathName = name.includes('/') ? `\`${name}\` is named by its path` : undefined;
  const known = reading.unknownSubcommand === undefined;
  return {
    obstacle: pathName ?? runs ?? interpretation.notReadOnly,
    known,
    unnamed: delegates ? [...interpretation.unnamed, ...interpretation.delegated] : interpretation.unnamed,
  };
}

/** `PROGRAM --version` and `PROGRAM --help`, alone, print a text about a program and end. */
function asksAboutItself(args: readonly Arg[]): boolean {
  const [, only, ...others] = args;
  return others.length === 0 && (only?.text === '--version' || only?.text === '--help');
}

/** `xargs -0 grep x` only reads where `grep` with any further words only reads. */
function judgeFed({
  layered,
  interpretation,
  reading,
  name,
}: Instance): ReturnType<typeof judgeGrantLayer> | undefined {
  const last = layered.wrappers.at(-1);
  if (last?.program.name !== 'xargs' || interpretation === undefined || name?.includes('/') !== false) return undefined;
  const harmless =
    last.unknownOptions.length === 0 &&
    last.uncertain.length === 0 &&
    last.options.every(({ role }) => role === 'ok' || role === 'text' || role === 'read');
  if (!harmless || interpretation.notReadOnly !== undefined || interpretation.delegated.length > 0) return undefined;
  return { obstacle: undefined, known: reading?.unknownSubcommand === undefined, unnamed: interpretation.unnamed };
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
