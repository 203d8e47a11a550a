/**
 * Which option of the catalogue one argument is: a long name, an unambiguous beginning of one, a cluster of letters with a
 * value attached, `tar xzf`. Attack: `--checkp=1` and `-vC/` mean what getopt makes of them, whatever a rule spells out.
 * Source: getopt_long(3).
 */
import { type Arg, argFrom } from './args.ts';
import type { Option, Program } from './compile-catalogue.ts';
import { rank } from './operand-roles.ts';

interface Sink {
  readonly takeValue: (option: Option, arg: Arg, attached: Arg | undefined) => void;
  readonly unknown: (arg: Arg) => void;
  readonly doubt: (arg: Arg) => void;
}

export function readOption(program: Program, arg: Arg, head: string, sink: Sink): void {
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

export function findKeyed(program: Program, head: string): Option | undefined {
  return program.keyed.find((option) => head.startsWith(option.spelling));
}

/** `tar xzf FILE`: letters of the first word are options whose values are the following words in turn. */
export function readBundle(
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
