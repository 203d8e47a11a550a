/**
 * The names that an expression of `find` lets through. Attack: a test behind an action, or an alternative without a name,
 * narrows nothing, so an expression is followed as find evaluates it; what is not known can find any name.
 */
import { anyInSegment, anyText, type Token } from './glob.ts';
import { anyCase, below, folderOf, type Listing, lastSegment, nameShape } from './name-shapes.ts';

/** The words of `find` or `fd` without the commands that they run. */
export function withoutCommands(args: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const runs = /^-(?:exec|ok)(?:dir)?$/.test(arg);
    if (!runs && !/^(?:-[xX]|--exec(?:-batch)?)(?:=|$)/.test(arg)) {
      kept.push(arg);
      continue;
    }
    if (runs) kept.push('-exec');
    while (index < args.length && args[index] !== ';' && !(args[index] === '+' && args[index - 1] === '{}')) index++;
  }
  return kept;
}

/** Tests of find that only narrow, with the number of their arguments. Source: find(1). */
const narrowing: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '-type': 1,
    '-size': 1,
    '-mtime': 1,
    '-mmin': 1,
    '-newer': 1,
    '-ipath': 1,
    '-maxdepth': 1,
    '-mindepth': 1,
    '-user': 1,
    '-perm': 1,
    '-empty': 0,
    '-print': 0,
    '-print0': 0,
    '-delete': 0,
    '-exec': 0,
    '-prune': 0,
    '-a': 0,
    '-and': 0,
    '-readable': 0,
    '(': 0,
    ')': 0,
  }),
);

/** Tests by which one particular file can be picked without its name. */
const picking = new Set(['-ipath']);

/** What is done with what was found so far: tests that stand behind do not narrow it. */
const actions = new Set(['-print', '-print0', '-delete', '-exec']);

/** One alternative of an expression, between `-o` and `-o`. */
interface Alternative {
  readonly names: (readonly Token[])[];
  readonly paths: (readonly Token[])[];
  pruned: boolean;
  picked: boolean;
  /** An action stood before every name. */
  early: boolean;
}

export function listingOfFind(args: readonly string[], cwd: string): Listing | undefined {
  const names: (readonly Token[])[] = [];
  const prints = args.some((arg) => actions.has(arg));
  const start = (): Alternative => ({ names: [], paths: [], pruned: false, picked: false, early: false });
  let open = false;
  let current = start();
  /** False where the alternative that ends here prints what is not certain. */
  const close = (): boolean => {
    const { pruned, picked, early } = current;
    // What an alternative only prunes is not shown where printing is explicit.
    const found = pruned && prints && !early ? [] : current.names.length > 0 ? current.names : current.paths;
    const known = !early && (found.length > 0 || (pruned && prints));
    if (!known && picked) return false;
    names.push(...found);
    open ||= !known;
    current = start();
    return true;
  };
  const found = args.findIndex((arg) => /^[-(!]/.test(arg));
  const first = found < 0 ? args.length : found;
  for (let index = first; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '-o' || arg === '-or') {
      if (!close()) return undefined;
    } else if (arg === '!' || arg === '-not') {
      const test = args[index + 1] ?? '';
      const arity = /^-(?:i?name|i?regex|path|wholename)$/.test(test) ? 1 : narrowing.get(test);
      if (arity === undefined || test === '(') return undefined;
      index += 1 + arity;
    } else if (arg === '-name' || arg === '-iname') {
      const shape = nameShape(args[index + 1] ?? '', anyInSegment);
      current.names.push(arg === '-name' ? shape : shape.map(anyCase));
      index++;
    } else if (arg === '-path' || arg === '-wholename') {
      const wanted = args[index + 1] ?? '';
      // A pattern that begins otherwise repeats the folder that is searched.
      if (wanted.startsWith('*/')) current.paths.push(nameShape(wanted.slice(2), anyText));
      else current.picked = true;
      index++;
    } else if (arg === '-regex' || arg === '-iregex') {
      const shape = lastSegment(args[index + 1] ?? '');
      current.names.push(arg === '-regex' ? shape : shape.map(anyCase));
      index++;
    } else {
      const arity = narrowing.get(arg);
      if (arity === undefined) return undefined;
      current.pruned ||= arg === '-prune';
      current.picked ||= picking.has(arg);
      current.early ||= actions.has(arg) && current.names.length + current.paths.length === 0 && !current.pruned;
      index += arity;
    }
  }
  const roots = first === 0 ? ['.'] : args.slice(0, first);
  if (!close()) return undefined;
  return {
    names: roots.flatMap((root) => names.map((name) => [...below(root, cwd), ...name])),
    trees: open ? roots.map((root) => folderOf(root, cwd)) : [],
  };
}
