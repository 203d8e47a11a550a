/**
 * What builtins that assign variables give them, where the text says it: `read` and `mapfile` from known input, `printf -v`,
 * `set --` and `shift`. Runs after the names were forgotten; what is not certain stays unknown.
 * Source: bash(1) "SHELL BUILTIN COMMANDS".
 */
import type { SimpleCommand } from '../parse/model.ts';
import { wordValue } from '../parse/model.ts';
import type { Arg, KnownList, Piece } from './args.ts';
import { printedText } from './printed-text.ts';
import { assign, assignList, assignPositional, type ShellState, unknownValue } from './shell-state.ts';
import { linesOf, replacesInput, type StandardInput } from './standard-input.ts';

export function assignRead(
  args: readonly Arg[],
  command: SimpleCommand,
  state: ShellState,
  input: StandardInput | undefined,
): void {
  const given = readOptions(args);
  if (given === undefined) return;
  const { names, list, raw, delimited } = given;
  const separators = command.assignments.find((one) => one.name === 'IFS');
  const keepsBlanks = separators !== undefined && wordValue(separators.value) === '';
  const text =
    input === undefined || state.oddSplitting || (separators !== undefined && !keepsBlanks) ? undefined : input.text;
  const lines =
    text === undefined || delimited || (!raw && text.includes('\\'))
      ? undefined
      : candidateLines(text, command, input, state);
  if (lines === undefined) {
    const [name = 'REPLY', ...others] = names;
    const { feeder } = state;
    if (feeder === undefined || list !== undefined || others.length > 0 || command.redirections.some(replacesInput))
      return;
    assign(state, name, [[{ kind: 'value', variable: undefined, assigned: true, empty: true, printedBy: feeder }]]);
    return;
  }
  if (list !== undefined) {
    if (!keepsBlanks)
      assignList(
        state,
        list,
        lines.map((line) => fieldsOf(line).map(known)),
      );
    return;
  }
  const targets = names.length === 0 ? ['REPLY'] : names;
  targets.forEach((name, index) => {
    assign(
      state,
      name,
      lines.map((line) => known(fieldAt(line, index, targets.length, keepsBlanks || names.length === 0))),
    );
  });
}

interface ReadOptions {
  readonly names: readonly string[];
  readonly list: string | undefined;
  readonly raw: boolean;
  /** Lines end elsewhere than at a line's end. */
  readonly delimited: boolean;
}

/** Undefined for options that change what a line is. */
function readOptions(args: readonly Arg[]): ReadOptions | undefined {
  const names: string[] = [];
  let list: string | undefined;
  let raw = false;
  let delimited = false;
  for (let at = 0; at < args.length; at += 1) {
    const text = args[at]?.text;
    if (text === undefined) return undefined;
    if (!text.startsWith('-')) {
      if (!/^[A-Za-z_]\w*$/.test(text)) return undefined;
      names.push(text);
    } else if (/^-[rs]*a$/.test(text)) {
      list = args[++at]?.text;
      raw ||= text.includes('r');
      if (list === undefined || !/^[A-Za-z_]\w*$/.test(list)) return undefined;
    } else if (/^-[rs]*p$/.test(text)) {
      at += 1;
      raw ||= text.includes('r');
    } else if (/^-[rs]*d$/.test(text)) {
      at += 1;
      raw ||= text.includes('r');
      delimited = true;
    } else if (/^-[rs]+$/.test(text)) raw ||= text.includes('r');
    else return undefined;
  }
  return { names, list, raw, delimited };
}

/** The lines that this `read` may get: the first of its own input, any of one that others read as well. */
function candidateLines(
  text: string,
  command: SimpleCommand,
  input: StandardInput | undefined,
  state: ShellState,
): readonly string[] | undefined {
  const lines = linesOf(text);
  if (lines === undefined) return undefined;
  if (input !== state.input) return [lines[0] ?? ''];
  return state.guard === command.id ? lines : [...lines, ''];
}

function fieldsOf(line: string): readonly string[] {
  return line.split(/[ \t]+/).filter((field) => field !== '');
}

function fieldAt(line: string, index: number, count: number, whole: boolean): string {
  if (whole && count === 1) return line;
  const trimmed = line.replace(/^[ \t]+|[ \t]+$/g, '');
  if (count === 1) return trimmed;
  const fields = fieldsOf(line);
  if (index < count - 1) return fields[index] ?? '';
  let rest = trimmed;
  for (let skip = 0; skip < index; skip += 1) rest = rest.replace(/^[^ \t]*[ \t]*/, '');
  return rest;
}

export function assignMapfile(args: readonly Arg[], state: ShellState, input: StandardInput | undefined): void {
  const texts = args.map(({ text }) => text);
  const trims = texts[0] === '-t';
  const [name = 'MAPFILE', ...more] = trims ? texts.slice(1) : texts;
  if (input === undefined || input === state.input || more.length > 0 || !/^[A-Za-z_]\w*$/.test(name)) return;
  const lines = linesOf(input.text);
  if (lines !== undefined) assignList(state, name, [lines.map((line) => known(trims ? line : `${line}\n`))]);
}

/** `printf -v name format …`. */
export function assignPrinted(args: readonly Arg[], state: ShellState): void {
  const [printf, option, name, ...rest] = args;
  if (printf === undefined || option?.text !== '-v' || name?.text === undefined) return;
  if (!/^[A-Za-z_]\w*$/.test(name.text)) return;
  const text = printedText([printf, ...rest]);
  assign(state, name.text, text === undefined ? unknownValue : [known(text)]);
}

/** `set -- a b`; other options of `set` leave the parameters alone, operands without `--` replace them too. */
export function assignParameters(args: readonly Arg[], state: ShellState): void {
  const at = args.findIndex(({ text }) => text === undefined || !/^[-+]/.test(text) || text === '--');
  if (at < 0) return;
  const options = args.slice(0, at).some(({ text }) => text?.endsWith('o') === true);
  const operands = args[at]?.text === '--' ? args.slice(at + 1) : args.slice(at);
  const sure = !options && operands.every(({ many }) => !many) && args[at]?.text !== undefined;
  assignPositional(state, sure ? [operands.map(({ pieces }) => pieces)] : undefined);
}

export function shiftParameters(args: readonly Arg[], state: ShellState): void {
  const lists = state.lists.get('@');
  const count = args[0] === undefined ? 1 : Number(/^\d{1,3}$/.exec(args[0].text ?? '')?.[0] ?? Number.NaN);
  const sure = lists !== undefined && Number.isInteger(count) && lists.every((list) => list.length >= count);
  assignPositional(state, sure ? lists.map((list): KnownList => list.slice(count)) : undefined);
}

function known(text: string): readonly Piece[] {
  return text === '' ? [] : [{ kind: 'known', text }];
}
