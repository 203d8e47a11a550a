/**
 * The one option reader: interprets the arguments of a program by its catalogue entry. Follows getopt_long (clusters,
 * attached values, unique prefixes, `--`) or single-dash long names; a word of unknown value that could begin an option is
 * reported as such and never guessed.
 */
import { type Arg, argFrom, couldBeOption, prefixOf } from './args.ts';
import type { Option, Program } from './compile-catalogue.ts';
import { isNarrowed } from './find-expression.ts';
import { assignRoles, remainingSlots, slotAt } from './operand-roles.ts';
import { findKeyed, readBundle, readOption } from './read-option.ts';
import type { Found, Reading } from './reading.ts';
import type { Role } from './roles.ts';

/** @param given - The arguments after the program's name. */
export function readArguments(start: Program, given: readonly Arg[]): Reading {
  const { separator } = start.data;
  const [args = [], ...following] = separator === undefined ? [given] : splitAt(given, separator);
  let program = start;
  const found: Found[] = [];
  const operands: Arg[] = [];
  const unknownOptions: Arg[] = [];
  const uncertain: Arg[] = [];
  let unknownSubcommand: Arg | undefined;
  let subcommandAt: number | undefined;
  let command: readonly Arg[] | undefined;
  let task: readonly Arg[] | undefined;
  let ended = false;
  let missingValue = false;
  let operandsBeforeEnd: number | undefined;
  let at = 0;

  const takeValue = (option: Option, arg: Arg, attached: Arg | undefined): void => {
    if (option.meaning.role === 'command-until') {
      const end = findTerminator(args, at);
      const first = attached === undefined || attached.text === '' ? [] : [attached];
      found.push({ option, arg, value: undefined, command: [...first, ...args.slice(at, end)], further: undefined });
      at = end + 1;
      return;
    }
    let value = attached;
    if (value === undefined && option.takes === 'required') {
      value = args[at];
      at += 1;
      if (value === undefined) missingValue = true;
      else if (value.many && value.pieces.some((piece) => piece.kind === 'value')) uncertain.push(value);
    }
    const further = option.more > 0 ? args[at] : undefined;
    at += option.more;
    found.push({ option, arg, value, command: undefined, further });
  };

  if (start.data.bundled === true) at = readBundle(start, args, takeBundled) ?? at;

  function takeBundled(option: Option, arg: Arg, value: Arg | undefined): void {
    found.push({ option, arg, value, command: undefined, further: undefined });
  }

  const unknownOption = (arg: Arg): void => {
    if (program.data.lenient === true) operands.push(arg);
    else unknownOptions.push(arg);
  };

  while (at < args.length) {
    const arg = args[at] as Arg;
    at += 1;
    const text = arg.text;
    const head = text ?? prefixOf(arg);
    if (!ended && text === '--') {
      if (program.data.afterEnd === 'command' && at < args.length) {
        command = args.slice(at);
        break;
      }
      ended = true;
      operandsBeforeEnd = operands.length;
      continue;
    }
    const optionLike =
      head.length > 1 && (head.startsWith('-') || (program.data.plus === true && head.startsWith('+')));
    if (!ended && optionLike && !(program.data.style === 'single' && program.ignores.has(head))) {
      readOption(program, arg, head, { takeValue, unknown: unknownOption, doubt: (one) => uncertain.push(one) });
      continue;
    }
    if (!ended && couldBeOption(arg)) uncertain.push(arg);
    else if (!ended && text === undefined && head === '-') uncertain.push(arg);
    const keyed = head.includes('=') ? findKeyed(program, head) : undefined;
    if (keyed !== undefined) {
      found.push({
        option: keyed,
        arg,
        value: argFrom(arg, keyed.spelling.length),
        command: undefined,
        further: undefined,
      });
      continue;
    }
    if (program.ignores.has(head)) continue;
    if (operands.length === 0 && program.subcommands !== undefined) {
      const sub = text === undefined ? undefined : program.subcommands.get(text);
      if (sub !== undefined) {
        program = sub;
        subcommandAt ??= at - 1;
        ended = false;
        continue;
      }
      if (program.operands === undefined || program.operands[0]?.role === 'unknown' || text === undefined) {
        unknownSubcommand = arg;
        subcommandAt ??= at - 1;
      }
    }
    const slot = slotAt(remainingSlots(program, found), operands.length);
    if (slot?.role === 'assignment' && slot.repeat === '*' && !/^[A-Za-z_]\w*=/.test(head)) {
      const after = (program.operands ?? []).findIndex((one) => one.role === 'command');
      if (after >= 0) {
        command = args.slice(at - 1);
        break;
      }
    }
    if (slot?.role === 'command') {
      command = args.slice(text === '--' ? at : at - 1);
      break;
    }
    if (slot?.role === 'task') task ??= withoutEnd(args.slice(at - 1));
    operands.push(arg);
    if (program.data.stopsAtOperand === true) ended = true;
  }
  return finish(program, args, found, operands, {
    command,
    task,
    unknownOptions,
    uncertain,
    unknownSubcommand,
    subcommandAt,
    missingValue,
    following: following.filter(({ length }) => length > 0),
    operandsBeforeEnd,
  });
}

/** The runner takes the first `--` for itself. */
function withoutEnd(words: readonly Arg[]): readonly Arg[] {
  const end = words.findIndex(({ text }) => text === '--');
  return end < 0 ? words : [...words.slice(0, end), ...words.slice(end + 1)];
}

function splitAt(args: readonly Arg[], separator: string): readonly (readonly Arg[])[] {
  const segments: Arg[][] = [[]];
  for (const arg of args) {
    if (arg.text === separator) segments.push([]);
    else segments.at(-1)?.push(arg);
  }
  return segments;
}

function findTerminator(args: readonly Arg[], from: number): number {
  for (let at = from; at < args.length; at += 1) {
    const text = args[at]?.text;
    if (text === ';' || (text === '+' && args[at - 1]?.text === '{}')) return at;
  }
  return args.length;
}

function finish(
  program: Program,
  args: readonly Arg[],
  found: readonly Found[],
  operands: readonly Arg[],
  rest: Pick<
    Reading,
    | 'command'
    | 'task'
    | 'unknownOptions'
    | 'uncertain'
    | 'unknownSubcommand'
    | 'subcommandAt'
    | 'missingValue'
    | 'operandsBeforeEnd'
    | 'following'
  >,
): Reading {
  // The same flag again changes nothing, and a hostile cluster can hold thousands.
  const used = [...new Set(found.map(({ option }) => option))];
  const turns = used.flatMap((option) => (option.meaning.turns === undefined ? [] : [option.meaning.turns]));
  const turn = (role: Role): Role => turns.reduce((now, map) => map[now] ?? now, role);
  let slots = program.operands;
  const drops = new Set(used.map((option) => option.meaning.drops));
  if (slots !== undefined && drops.has('first')) slots = slots.slice(1);
  if (slots !== undefined && drops.has('last')) slots = slots.slice(0, -1);
  const implicit = [program.data.implicit, ...used.map((option) => option.meaning.implicit)].flatMap((map) =>
    Object.entries(map ?? {}).map(([role, text]) => ({ [turn(role as Role)]: text })),
  );
  const tests = found.flatMap(({ option, arg, value }) =>
    option.meaning.filters ? [{ arg, spelling: option.spelling, value }] : [],
  );
  return {
    program,
    options: found.map((one) => ({ ...one, role: turn(one.option.meaning.role) })),
    operands: assignRoles(slots, operands).map((operand) => {
      const role = turn(operand.role);
      return { ...operand, role, mustBeNamed: operand.mustBeNamed && role === operand.role };
    }),
    filtered: tests.length > 0 && isNarrowed(args, tests),
    implicit,
    ...rest,
  };
}
