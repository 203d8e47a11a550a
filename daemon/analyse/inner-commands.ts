/**
 * The commands that a command runs in turn: shell text of its options, a program on its standard input, the words of
 * `find -exec` and `docker exec`. Only restrictions see them (RULES O27, O31).
 */
import type { SimpleCommand } from '../parse/model.ts';
import { type AnalysisContext, maxInnerDepth } from './analyse.ts';
import { type CommandRecord, emptyResult, type Instance, readInstances, summarise } from './analyse-command.ts';
import { type Arg, makeArg, type Values } from './args.ts';
import { readFedProgram } from './fed-program.ts';
import { fillBraces, namesFound, withPlace } from './found-names.ts';
import { innerStart } from './inner-shell.ts';
import { readKnownParts, runFed, runInnerText } from './inner-text.ts';
import { maxWrappers } from './layers.ts';
import type { Effect } from './model.ts';
import { findNamedAddresses } from './named-addresses.ts';
import type { ShellState } from './shell-state.ts';
import { redirectedInput } from './standard-input.ts';
import { programDescriptor } from './stdin-program.ts';
import { findSupposedCommands } from './supposed-commands.ts';
import { findVariableCommands, findVariableHosts } from './variable-commands.ts';

/** What a command is recorded with beside its words. */
export interface Recording {
  readonly state: ShellState;
  /** As later findings are to see the shell at this point. */
  readonly surroundings: CommandRecord['state'];
  readonly values: Values;
  readonly redirections: readonly Effect[];
  readonly harmless: boolean;
}

/** Runs what the command runs in turn, and puts it all together. */
export function recordCommand(
  command: SimpleCommand,
  instances: readonly Instance[],
  { state, surroundings, values, redirections, harmless }: Recording,
  context: AnalysisContext,
): CommandRecord {
  const inner: CommandRecord[] = [];
  const unknownCode: Arg[] = [];
  let fed = false;
  for (const instance of instances)
    if (runInner(instance, command, state, values, context, inner, unknownCode)) fed = true;
  // A child of the command runs them, so they cannot change this shell.
  for (const text of findVariableCommands(command.assignments, instances, values, context.catalogue.variables)) {
    if (context.parse(text.text ?? '').kind !== 'unparsable')
      inner.push(...(runInnerText(text, command, { cwd: state.cwd, changed: state.changed }, context) ?? []));
  }
  const { cwd, fallbacks, changed, functions } = surroundings;
  const record: CommandRecord = {
    command,
    instances,
    inner,
    unknownCode,
    fed,
    elsewhere: context.elsewhere,
    state: { cwd, fallbacks, changed, functions },
    values,
    result: emptyResult(command, state),
  };
  const isFunction = (name: string): boolean => functions.has(name);
  const hosts = findVariableHosts(command.assignments, instances, values, context.catalogue.variables);
  record.result = summarise(
    record,
    [...redirections, ...hosts, ...findNamedAddresses(instances)],
    context,
    isFunction,
    harmless,
  );
  return record;
}

function runInner(
  instance: Instance,
  command: SimpleCommand,
  state: ShellState,
  values: Values,
  around: AnalysisContext,
  inner: CommandRecord[],
  unknownCode: Arg[],
): boolean {
  const { interpretation, reading } = instance;
  const context = runsElsewhere(instance) ? { ...around, elsewhere: true } : around;
  const texts = [
    ...(interpretation?.shellTexts ?? []),
    ...instance.wrapping.flatMap((wrapping) => wrapping.shellTexts),
  ];
  const input = redirectedInput(command.redirections, values, state.input);
  const start = { ...innerStart(instance, command, state, values), input };
  for (const arg of texts) {
    const records = runInnerText(arg, command, start, context);
    if (records !== undefined) inner.push(...records);
    else {
      unknownCode.push(arg);
      inner.push(...readKnownParts(arg, command, start, context));
    }
  }
  for (const arg of interpretation?.embedded ?? []) {
    if (context.parse(arg.text ?? '').kind === 'unparsable') continue;
    inner.push(...(runInnerText(arg, command, start, context) ?? []));
  }
  const descriptor = programDescriptor(reading);
  const stream = descriptor === '0' ? input : redirectedInput(command.redirections, values, undefined, descriptor);
  const fed = readFedProgram(instance, command, stream?.text, values);
  if (fed !== undefined) {
    const span = { start: command.start, end: command.end };
    for (const text of fed.shell) inner.push(...runFed(text, span, command, start, context));
    for (const text of fed.embedded)
      if (context.parse(text).kind !== 'unparsable') inner.push(...runFed(text, span, command, start, context));
  }
  if (fed === undefined && input === undefined && descriptor === '0') {
    const some = readFedProgram(instance, command, state.someInput, values);
    const span = { start: command.start, end: command.end };
    for (const text of [...(some?.shell ?? []), ...(some?.embedded ?? [])])
      if (context.parse(text).kind !== 'unparsable') inner.push(...runFed(text, span, command, start, context));
  }
  const supposed = findSupposedCommands(instance);
  for (const task of [reading?.task ?? [], ...supposed.words]) {
    const asProgram = runTask(task, command, { ...state, input: start.input }, values, context);
    if (asProgram !== undefined) inner.push(asProgram);
  }
  for (const arg of supposed.texts) {
    if (context.parse(arg.text ?? '').kind === 'unparsable') continue;
    inner.push(...(runInnerText(arg, command, start, context) ?? []));
  }
  const same = runAs(instance, command, { ...state, input: start.input }, values, context);
  if (same !== undefined) inner.push(same);
  const commands = interpretation?.commands ?? [];
  const names = reading === undefined || commands.length === 0 ? [undefined] : namesFound(instance.args, reading);
  for (const words of commands) {
    const [first] = words;
    if (first === undefined) continue;
    if (context.depth >= maxInnerDepth || instance.layered.wrappers.length >= maxWrappers) {
      unknownCode.push(first);
      continue;
    }
    for (const name of names) {
      const filled = reading === undefined ? words : fillBraces(withPlace(words, reading), reading, name);
      const synthetic: SimpleCommand = {
        ...command,
        assignments: [],
        redirections: [],
        words: [...new Set(filled.map((arg) => arg.word))],
      };
      inner.push(
        analyseArgs(synthetic, filled, { ...state, input: start.input }, values, {
          ...context,
          depth: context.depth + 1,
        }),
      );
    }
  }
  return fed !== undefined && fed.shell.length > 0;
}

/** A program that stands for another one. */
function runAs(
  { program, args }: Instance,
  command: SimpleCommand,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): CommandRecord | undefined {
  const [first, ...rest] = args;
  const name = program?.data.as;
  if (name === undefined || first === undefined || context.depth >= maxInnerDepth) return undefined;
  const word = { ...first.word, source: name, values: [name] };
  const words = [makeArg(word, [{ kind: 'known', text: name }], false), ...rest];
  const synthetic = {
    ...command,
    assignments: [],
    redirections: [],
    words: [...new Set(words.map((one) => one.word))],
  };
  return analyseArgs(synthetic, words, state, values, { ...context, depth: context.depth + 1 });
}

/**
 * A task of the project may as well be a program: `yarn run rm x` runs rm where no script has that name. What does nothing as a
 * program is a script (`npm run test`).
 */
function runTask(
  task: readonly Arg[],
  command: SimpleCommand,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): CommandRecord | undefined {
  const [first, ...rest] = task;
  if (first?.text === undefined || context.depth >= maxInnerDepth) return undefined;
  const { programs, wrappers } = context.catalogue;
  if (!programs.has(first.text) && !wrappers.has(first.text)) return undefined;
  const words = [first, ...rest];
  const synthetic = {
    ...command,
    assignments: [],
    redirections: [],
    words: [...new Set(words.map(({ word }) => word))],
  };
  const record = analyseArgs(synthetic, words, state, values, { ...context, depth: context.depth + 1 });
  return record.result.effects.length > 0 || record.inner.length > 0 ? record : undefined;
}

/** A container that is given folders of this machine can remove what is in them. */
function runsElsewhere({ program, reading }: Instance): boolean {
  if (program?.data.elsewhere !== true && reading?.program.data.elsewhere !== true) return false;
  return reading?.options.every(({ role }) => role !== 'mount') ?? false;
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
  const instances = readInstances(command, args, [], true, { cwd: state.cwd, input: undefined, isFunction }, context);
  // Words that are arguments already name no function of the shell.
  const surroundings = { ...state, functions: new Set<string>() };
  return recordCommand(command, instances, { state, surroundings, values, redirections: [], harmless: true }, context);
}
