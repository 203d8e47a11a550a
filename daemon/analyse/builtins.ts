/** How shell builtins change the state that later commands run in. */

import type { AnalysisContext } from './analyse.ts';
import type { CommandRecord, Instance } from './analyse-command.ts';
import { type Arg, argFrom, prefixOf, type Values } from './args.ts';
import { assignMapfile, assignParameters, assignPrinted, assignRead, shiftParameters } from './assign-builtins.ts';
import { resolvePath } from './path-targets.ts';
import { collectChanges } from './shell-changes.ts';
import { assign, forgetAll, numericValue, type ShellState, unknownValue } from './shell-state.ts';
import { redirectedInput } from './standard-input.ts';

/** The folders of the last few `cd` that may have failed. */
const maxFallbacks = 8;

export function changeByBuiltin(
  instance: Instance,
  record: CommandRecord,
  state: ShellState,
  values: Values,
  context: AnalysisContext,
): void {
  const { name, args } = instance;
  const outer = instance.layered.wrappers.map((wrapper) => wrapper.program.name);
  if (outer.some((wrapper) => wrapper !== 'command' && wrapper !== 'builtin' && wrapper !== 'time')) return;
  switch (name) {
    case 'cd':
    case 'pushd':
      changeDirectory(args.slice(1), name, searchesElsewhere(record, state), state, context);
      return;
    case 'popd': {
      const [top, ...rest] = args.length === 1 ? state.stack : [];
      state.stack = rest;
      leave(state, top, top === undefined);
      return;
    }
    case 'exit':
    case 'return':
    case 'exec':
      if (name !== 'exec' || args.length > 1) state.ended = true;
      else if (record.command.redirections.length > 0) state.input = undefined;
      return;
    case 'export':
    case 'readonly':
      declareNames(args.slice(1), name === 'export', state);
      return;
    case 'declare':
    case 'typeset':
    case 'local':
    case 'unset':
    case 'read':
    case 'mapfile':
    case 'readarray':
    case 'getopts':
    case 'printf':
    case 'let':
    case 'wait':
    case 'eval':
    case 'source':
    case '.':
    case 'alias':
    case 'enable':
    case 'shopt':
    case 'trap':
      forget(record, state);
      assignKnown(name, args, record, state, values);
      return;
    case 'shift':
      shiftParameters(args.slice(1), state);
      return;
    case 'set':
      assignParameters(args.slice(1), state);
      if (args.some((arg) => arg.text === undefined || /^-[a-z]*a|^allexport$/.test(arg.text))) state.exported.add('*');
      return;
    default:
  }
}

function changeDirectory(
  args: readonly Arg[],
  name: string,
  searched: boolean,
  state: ShellState,
  context: AnalysisContext,
): void {
  const dashes = args.findIndex((arg) => arg.text === '--');
  const isOption = ({ text }: Arg, at: number): boolean =>
    text !== undefined && text !== '-' && /^-[LPe@]*$/.test(text) && (dashes < 0 || at < dashes);
  const operands = args.filter((arg, at) => at !== dashes && !isOption(arg, at));
  const [operand] = operands;
  if (operand === undefined) {
    state.stack = [];
    leave(state, name === 'cd' ? context.facts.home : undefined);
    return;
  }
  if (name === 'cd' && operands.length === 1 && operand.text === '-') {
    leave(state, state.previous, state.previous === undefined);
    return;
  }
  const text =
    operands.length === 1 && !operand.many && operand.text !== undefined && (dashes >= 0 || !/^[-+]/.test(operand.text))
      ? operand.text
      : undefined;
  const target =
    text === undefined || text === '' || (searched && !/^\.{0,2}\//.test(text))
      ? undefined
      : resolvePath(text, state.cwd);
  const known = target !== undefined && context.facts.paths.get(target)?.kind === 'directory';
  // What `popd` leads back to is certain only where nothing on the way could fail.
  if (name === 'pushd') state.stack = known && state.cwd !== undefined ? [state.cwd, ...state.stack] : [];
  if (target !== undefined && target === state.cwd) state.previous = target;
  else leave(state, target, !known);
}

/** With `CDPATH` a plain name is looked for in other folders first. Source: bash(1) "CDPATH". */
function searchesElsewhere({ command }: CommandRecord, state: ShellState): boolean {
  return state.variables.has('CDPATH') || command.assignments.some(({ name }) => name === 'CDPATH');
}

function leave(state: ShellState, target: string | undefined, mayFail = true): void {
  if (mayFail && state.cwd !== undefined) state.fallbacks = [...state.fallbacks, state.cwd].slice(-maxFallbacks);
  // What `cd -` goes back to is certain only where this one did not fail.
  state.previous = mayFail ? undefined : state.cwd;
  state.cwd = target;
  state.changed = true;
}

function declareNames(args: readonly Arg[], exports: boolean, state: ShellState): void {
  for (const arg of args) {
    const head = arg.text ?? prefixOf(arg);
    const match = /^([A-Za-z_]\w*)(\+?=)?/.exec(head);
    if (match?.[1] === undefined) {
      if (arg.text === undefined) state.dynamic = true;
      continue;
    }
    if (exports) state.exported.add(match[1]);
    if (match[2] === '=') assign(state, match[1], [argFrom(arg, match[0].length).pieces]);
    else if (match[2] === '+=') assign(state, match[1], unknownValue);
  }
}

function forget(record: CommandRecord, state: ShellState): void {
  const { command } = record;
  const changes = collectChanges([
    { type: 'command', command, redirections: [], background: false, start: command.start, end: command.end },
  ]);
  if (changes.everything) forgetAll(state);
  const plain = plainDeclarations(record);
  for (const name of changes.unknown) assign(state, name, plain.get(name) ?? unknownValue);
  for (const name of changes.numeric) assign(state, name, numericValue);
}

/** What was forgotten is known again where the text says it. */
function assignKnown(
  name: string,
  args: readonly Arg[],
  record: CommandRecord,
  state: ShellState,
  values: Values,
): void {
  if (name === 'printf') assignPrinted(args, state);
  if (name !== 'read' && name !== 'mapfile' && name !== 'readarray') return;
  const input = redirectedInput(record.command.redirections, values, state.input);
  if (name === 'read') assignRead(args.slice(1), record.command, state, input);
  else assignMapfile(args.slice(1), state, input);
}

/** `local x=value` without options gives the value as it stands; attributes such as `-i` or `-l` change it. */
function plainDeclarations(record: CommandRecord): ReadonlyMap<string, ReturnType<typeof assignable>> {
  const found = new Map<string, ReturnType<typeof assignable>>();
  const args = record.instances[0]?.args ?? [];
  const builtin = args[0]?.text;
  if (builtin !== 'local' && builtin !== 'declare' && builtin !== 'typeset') return found;
  const given = args.slice(1);
  const heads = given.map((arg) => arg.text ?? prefixOf(arg));
  if (heads.some((head) => /^[-+]/.test(head))) return found;
  given.forEach((arg, index) => {
    const name = /^(\w+)=/.exec(heads[index] ?? '')?.[1];
    if (name !== undefined && !found.has(name)) found.set(name, assignable(arg, name));
  });
  return found;
}

function assignable(arg: Arg, name: string): readonly (readonly Arg['pieces'][number][])[] | undefined {
  if (arg.many) return undefined;
  return [argFrom(arg, name.length + 1).pieces];
}
