/**
 * The one option reader: interprets the arguments of a program by its catalogue entry. Follows getopt_long (clusters,
 * attached values, unique prefixes, `--`) or single-dash long names; a word of unknown value that could begin an option is
 * reported as such and never guessed.
 */

import { type Arg, argFrom, couldBeOption, prefixOf } from './args.ts';
import type { Meaning, Role } from './catalogue.ts';
import type { OperandSlot, Option, Program } from './compile-catalogue.ts';
import { isNarrowed } from './find-expression.ts';

export interface ReadOption {
  readonly option: Option;
  /** The argument it was found in. */
  readonly arg: Arg;
  readonly value: Arg | undefined;
  /** What its value means here, after the turns of other options. */
  readonly role: Role;
  /** Words of a command that it takes (`find -exec … ;`). */
  readonly command: readonly Arg[] | undefined;
  /** The word after its value, where it takes one. */
  readonly further: Arg | undefined;
}

export interface ReadOperand {
  readonly arg: Arg;
  readonly role: Role;
  readonly mustBeNamed: boolean;
}

export interface Reading {
  /** The entry of the innermost subcommand. */
  readonly program: Program;
  readonly options: readonly ReadOption[];
  readonly operands: readonly ReadOperand[];
  /** The words of the command it runs: `timeout 5 COMMAND…`. */
  readonly command: readonly Arg[] | undefined;
  /** A task of the project and the words after it, as they would be a command if a program has that name. */
  readonly task: readonly Arg[] | undefined;
  /** Options that the catalogue does not list. */
  readonly unknownOptions: readonly Arg[];
  /** Words of unknown value that could be any option. */
  readonly uncertain: readonly Arg[];
  /** A subcommand that the catalogue does not list, or whose name is unknown. */
  readonly unknownSubcommand: Arg | undefined;
  /** Where options before a subcommand end: index of the subcommand's name among the arguments. */
  readonly subcommandAt: number | undefined;
  /** Everything that is acted on is narrowed by some option. */
  readonly filtered: boolean;
  readonly implicit: readonly Partial<Record<Role, string>>[];
  readonly missingValue: boolean;
  /** Further commands of the program itself, each without its name. */
  readonly following: readonly (readonly Arg[])[];
  /** How many operands stood before `--`; undefined without one. */
  readonly operandsBeforeEnd: number | undefined;
}

interface Found {
  readonly option: Option;
  readonly arg: Arg;
  readonly value: Arg | undefined;
  readonly command: readonly Arg[] | undefined;
  readonly further: Arg | undefined;
}

const roleOrder: readonly Role[] = [
  'command',
  'shell',
  'code',
  'load',
  'run',
  'remove-tree',
  'remove',
  'move',
  'write-tree',
  'write',
  'unknown',
];

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

interface Sink {
  readonly takeValue: (option: Option, arg: Arg, attached: Arg | undefined) => void;
  readonly unknown: (arg: Arg) => void;
  readonly doubt: (arg: Arg) => void;
}

function readOption(program: Program, arg: Arg, head: string, sink: Sink): void {
  const known = arg.text !== undefined;
  const single = program.data.style === 'single';
  if (head.startsWith('--') || single) {
    const equals = head.indexOf('=');
    const exactWhole = program.options.get(head);
    if (equals < 0 && !known) {
      sink.doubt(arg);
      return;
    }
    if (equals < 0 && exactWhole !== undefined) {
      sink.takeValue(exactWhole, arg, undefined);
      return;
    }
    const name = equals < 0 ? head : head.slice(0, equals);
    const option = findLong(program, name);
    if (option !== undefined && equals >= 0 && option.takes === 'none' && option.meaning.role !== 'command-until') {
      sink.unknown(arg);
      return;
    }
    if (option !== undefined) {
      sink.takeValue(option, arg, equals < 0 ? undefined : argFrom(arg, equals + 1));
      return;
    }
    const letter = program.data.attached === true ? program.options.get(head.slice(0, 2)) : undefined;
    if (letter !== undefined && letter.takes !== 'none' && !head.startsWith('--')) {
      sink.takeValue(letter, arg, argFrom(arg, 2));
      return;
    }
    if (head.startsWith('--') || program.digits === undefined || !/^[-+]\d+$/.test(head)) {
      sink.unknown(arg);
      return;
    }
  }
  const whole = program.options.get(head);
  if (whole !== undefined && known) {
    sink.takeValue(whole, arg, undefined);
    return;
  }
  if (program.digits !== undefined && /^[-+]\d/.test(head)) {
    sink.takeValue(program.digits, arg, undefined);
    return;
  }
  // `-XX:OnError=x`: a name that is listed as it stands is no cluster.
  const equals = head.indexOf('=');
  const named = equals > 2 ? program.options.get(head.slice(0, equals)) : undefined;
  if (named !== undefined && named.takes !== 'none') {
    sink.takeValue(named, arg, argFrom(arg, equals + 1));
    return;
  }
  readCluster(program, arg, head, known, sink);
}

function readCluster(program: Program, arg: Arg, head: string, known: boolean, sink: Sink): void {
  const sign = head[0] ?? '-';
  for (let index = 1; index < head.length; index += 1) {
    const option = program.options.get(sign + (head[index] ?? ''));
    if (option === undefined) {
      sink.unknown(arg);
      return;
    }
    if (option.takes === 'none') {
      sink.takeValue(option, arg, undefined);
      continue;
    }
    const rest = index + 1 < head.length || !known ? argFrom(arg, index + 1) : undefined;
    sink.takeValue(option, arg, rest);
    if (!known && arg.many) sink.doubt(arg);
    return;
  }
  if (!known) sink.doubt(arg);
}

function findLong(program: Program, name: string): Option | undefined {
  const single = program.data.style === 'single';
  const exact =
    program.options.get(name) ??
    (single ? program.options.get(name.startsWith('--') ? name.slice(1) : `-${name}`) : undefined);
  if (exact !== undefined || single || program.data.abbreviations === false || name.length < 3) return exact;
  let hit: Option | undefined;
  for (const option of program.long) {
    if (!option.spelling.startsWith(name)) continue;
    // Ambiguous for getopt unless both mean the same; the more dangerous reading is kept.
    if (hit === undefined || rank(option.meaning.role) > rank(hit.meaning.role)) hit = option;
  }
  return hit;
}

function rank(role: Role): number {
  const at = roleOrder.indexOf(role);
  return at < 0 ? 0 : roleOrder.length - at;
}

function findKeyed(program: Program, head: string): Option | undefined {
  return program.keyed.find((option) => head.startsWith(option.spelling));
}

/** `tar xzf FILE`: letters of the first word are options whose values are the following words in turn. */
function readBundle(
  program: Program,
  args: readonly Arg[],
  take: (option: Option, arg: Arg, value: Arg | undefined) => void,
): number | undefined {
  const first = args[0];
  if (first?.text === undefined || !/^[A-Za-z]+$/.test(first.text)) return undefined;
  const options = [...first.text].map((letter) => program.options.get(`-${letter}`));
  if (options.some((option) => option === undefined)) return undefined;
  let at = 1;
  for (const option of options) {
    if (option === undefined) continue;
    if (option.takes === 'required') {
      take(option, first, args[at]);
      at += 1;
    } else take(option, first, undefined);
  }
  return at;
}

function findTerminator(args: readonly Arg[], from: number): number {
  for (let at = from; at < args.length; at += 1) {
    const text = args[at]?.text;
    if (text === ';' || (text === '+' && args[at - 1]?.text === '{}')) return at;
  }
  return args.length;
}

/** Where an option takes the place of the first operand, the command comes one earlier. */
function remainingSlots(program: Program, found: readonly Found[]): readonly OperandSlot[] | undefined {
  const { operands } = program;
  if (operands?.at(-1)?.role !== 'command' || operands.length === 1) return operands;
  return found.some(({ option }) => option.meaning.drops === 'first') ? operands.slice(1) : operands;
}

function slotAt(slots: readonly OperandSlot[] | undefined, index: number): OperandSlot | undefined {
  if (slots === undefined) return undefined;
  for (let at = 0; at < slots.length; at += 1) {
    const slot = slots[at];
    if (slot?.repeat === '*' || slot?.repeat === '+') return at === 0 || index >= at ? slot : slots[index];
    if (at === index) return slot;
  }
  return undefined;
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

/** Gives every operand its role: fixed ones from both ends, the repeated one in the middle. */
function assignRoles(slots: readonly OperandSlot[] | undefined, operands: readonly Arg[]): ReadOperand[] {
  const usable = slots?.filter((slot) => slot.role !== 'command') ?? [];
  const repeatAt = usable.findIndex((slot) => slot.repeat === '*' || slot.repeat === '+');
  const leading = repeatAt < 0 ? usable : usable.slice(0, repeatAt);
  const trailing = repeatAt < 0 ? [] : usable.slice(repeatAt + 1);
  const repeated = repeatAt < 0 ? undefined : usable[repeatAt];
  const firstMany = operands.findIndex((arg) => arg.many);
  const lastMany = operands.findLastIndex((arg) => arg.many);
  return operands.map((arg, index): ReadOperand => {
    const fromEnd = operands.length - 1 - index;
    const enough =
      operands.length > leading.length + (repeated?.repeat === '+' && trailing.at(-1)?.repeat === '?' ? 1 : 0);
    const fixedFromEnd = enough && fromEnd < trailing.length ? trailing[trailing.length - 1 - fromEnd] : undefined;
    let slot = fixedFromEnd ?? (index < leading.length ? leading[index] : repeated);
    if (firstMany >= 0 && index >= firstMany && index <= lastMany)
      slot = worstSlot(usable.slice(Math.min(index, usable.length - 1)), slot);
    else if (firstMany >= 0 && index > lastMany && fixedFromEnd === undefined) slot = worstSlot(usable, slot);
    return { arg, role: slot?.role ?? 'unknown', mustBeNamed: slot?.mustBeNamed ?? false };
  });
}

function worstSlot(slots: readonly OperandSlot[], fallback: OperandSlot | undefined): OperandSlot | undefined {
  return slots.reduce<OperandSlot | undefined>(
    (worst, slot) => (worst === undefined || rank(slot.role) > rank(worst.role) ? slot : worst),
    fallback,
  );
}

/** Whether the option, or its synonym, is among those read. */
export function hasOption(reading: Reading, spelling: string): boolean {
  return reading.options.some(({ option }) => option.spellings.includes(spelling));
}

export type { Meaning };
