/**
 * Whether what a search acts on is narrowed: its expression is read with its alternatives, brackets and negations, because
 * `find . -name '*.o' -o -delete` removes everything else. Source: find(1) "OPERATORS".
 */
import type { Arg } from './args.ts';
import { matchesEverything } from './glob.ts';

/** A test that narrows, with the argument that it compares with. */
export interface Test {
  readonly arg: Arg;
  readonly spelling: string;
  readonly value: Arg | undefined;
}

interface Frame {
  /** Every alternative before the last `-o` is narrowed. */
  closed: boolean;
  current: boolean;
  readonly negated: boolean;
}

/** For each action the tests that stand before it; without one, what the whole expression lets through. */
export function isNarrowed(args: readonly Arg[], tests: readonly Test[]): boolean {
  const byArg = new Map(tests.map((test) => [test.arg, test]));
  const frames: Frame[] = [{ closed: true, current: false, negated: false }];
  let negated = false;
  let acts = false;
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as Arg;
    const frame = frames.at(-1) as Frame;
    const test = byArg.get(arg);
    if (test !== undefined) {
      frame.current ||= narrows(test, negated);
      negated = false;
      if (test.value === args[at + 1]) at += 1;
    } else if (arg.text === '!' || arg.text === '-not') negated = !negated;
    else if (arg.text === '(') {
      frames.push({ closed: true, current: false, negated });
      negated = false;
    } else if (arg.text === ')' && frames.length > 1) {
      frames.pop();
      const outer = frames.at(-1) as Frame;
      outer.current ||= frame.closed && frame.current && !frame.negated;
    } else if (arg.text === '-o' || arg.text === '-or' || arg.text === ',') {
      frame.closed &&= frame.current;
      frame.current = false;
    } else if (/^-(?:delete|(?:exec|ok)(?:dir)?)$/.test(arg.text ?? '')) {
      acts = true;
      if (!frames.some(({ current }) => current)) return false;
      if (arg.text !== '-delete') at = endOfCommand(args, at);
    } else negated = false;
  }
  const [whole] = frames;
  return acts || (whole?.closed === true && whole.current);
}

/** What is not called something is almost everything; what is not older than something is not. */
function narrows({ spelling, value }: Test, negated: boolean): boolean {
  if (negated) return !/name|path|regex/.test(spelling);
  return value?.text === undefined || !(matchesEverything(value.text) || value.text === '.*');
}

function endOfCommand(args: readonly Arg[], from: number): number {
  for (let at = from; at < args.length; at += 1) {
    if (args[at]?.text === ';' || (args[at]?.text === '+' && args[at - 1]?.text === '{}')) return at;
  }
  return args.length;
}
