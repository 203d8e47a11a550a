/**
 * The names that a listing command can print, for what `xargs` makes of them: `find . -name '*.ts' | xargs grep x` reads
 * nothing but files of that name, so a restriction on `.env` has nothing to say. Only forms whose meaning is certain
 * count; everything else can print any name.
 */
import type { AnalysedCommand } from '../analyse/model.ts';
import { normaliseRelative } from './command-pattern.ts';
import { anyInSegment, anyText, literalTokens, oneInSegment, type Token, visibleInSegment } from './glob.ts';

/** Shapes of which each name that reaches the command's standard input has one; undefined when it could be any name. */
export function findListedNames(
  command: AnalysedCommand,
  all: readonly AnalysedCommand[],
): readonly (readonly Token[])[] | undefined {
  const feeder = onlyFeeders(all).get(command.command.id);
  if (feeder === undefined || feeder.inner.length > 0) return undefined;
  const words = feeder.command.words.map((word) => (word.values?.length === 1 ? word.values[0] : undefined));
  if (!words.every((word) => word !== undefined)) return undefined;
  const [program, ...rest] = words;
  const { cwd } = feeder;
  if (program === 'find') return cwd === undefined ? undefined : namesOfFind(rest, cwd);
  if (program === 'git' && rest[0] === 'ls-files')
    return cwd === undefined ? undefined : namesOfGit(rest.slice(1), cwd);
  if (program === 'rg' || program === 'fd')
    return cwd === undefined || !listsVisible(program, rest) ? undefined : visibleNames(cwd);
  return isFilter(program, rest) ? findListedNames(feeder, all) : undefined;
}

/** Asked for by every `xargs` of a text. */
const feedersOfText = new WeakMap<readonly AnalysedCommand[], ReadonlyMap<number, AnalysedCommand | undefined>>();

/** The one command that is piped to each; undefined where there are several. */
function onlyFeeders(all: readonly AnalysedCommand[]): ReadonlyMap<number, AnalysedCommand | undefined> {
  const known = feedersOfText.get(all);
  if (known !== undefined) return known;
  const feeders = new Map<number, AnalysedCommand | undefined>();
  for (const each of all) {
    const { pipedTo } = each.command;
    if (pipedTo !== undefined) feeders.set(pipedTo, feeders.has(pipedTo) ? undefined : each);
  }
  feedersOfText.set(all, feeders);
  return feeders;
}

/** The names that `find` gives to the commands that it runs; undefined when it could be any below its folders. */
export function findFoundNames(command: AnalysedCommand): readonly (readonly Token[])[] | undefined {
  const words = command.command.words.map((word) => (word.values?.length === 1 ? word.values[0] : undefined));
  const start = words.indexOf('find');
  if (start < 0 || !words.every((word) => word !== undefined) || command.cwd === undefined) return undefined;
  return namesOfFind(withoutCommands(words.slice(start + 1)), command.cwd);
}

/** The words of `find` without `-exec … ;`. */
function withoutCommands(args: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (!/^-(?:exec|ok)(?:dir)?$/.test(arg)) {
      kept.push(arg);
      continue;
    }
    while (index < args.length && args[index] !== ';' && !(args[index] === '+' && args[index - 1] === '{}')) index++;
  }
  return kept;
}

/** Programs that pass some of their lines on unchanged. */
function isFilter(program: string | undefined, rest: readonly string[]): boolean {
  if (program === 'sort' || program === 'head' || program === 'tail')
    return rest.every((word) => /^-[a-zA-Z0-9]+$/.test(word));
  if (program === 'uniq') return rest.length === 0;
  return program === 'grep' && rest.filter((word) => !/^-[viEF]+$/.test(word)).length === 1;
}

/** Tests of find that only narrow, with the number of their arguments. Source: find(1). */
const narrowing: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '-type': 1,
    '-size': 1,
    '-mtime': 1,
    '-mmin': 1,
    '-newer': 1,
    '-path': 1,
    '-ipath': 1,
    '-wholename': 1,
    '-regex': 1,
    '-maxdepth': 1,
    '-mindepth': 1,
    '-user': 1,
    '-perm': 1,
    '-empty': 0,
    '-print': 0,
    '-print0': 0,
    '-prune': 0,
    '-a': 0,
    '-and': 0,
    '-readable': 0,
    '(': 0,
    ')': 0,
  }),
);

function namesOfFind(args: readonly string[], cwd: string): readonly (readonly Token[])[] | undefined {
  const names: (readonly Token[])[] = [];
  const prints = args.includes('-print') || args.includes('-print0');
  let named = false;
  let pruned = false;
  const start = args.findIndex((arg) => /^[-(!]/.test(arg));
  for (let index = start; index >= 0 && index < args.length; index++) {
    const arg = args[index] ?? '';
    if (arg === '-o' || arg === '-or') {
      // An alternative without a name could be anything, unless it only prunes and printing is explicit.
      if (!named && !(pruned && prints)) return undefined;
      named = false;
      pruned = false;
    } else if (arg === '!' || arg === '-not') {
      const arity =
        args[index + 1] === '-name' || args[index + 1] === '-iname' ? 1 : narrowing.get(args[index + 1] ?? '');
      if (arity === undefined || args[index + 1] === '(') return undefined;
      index += 1 + arity;
    } else if (arg === '-name' || arg === '-iname') {
      const shape = nameShape(args[index + 1] ?? '', anyInSegment);
      names.push(arg === '-name' ? shape : shape.map(anyCase));
      named = true;
      index++;
    } else {
      const arity = narrowing.get(arg);
      if (arity === undefined) return undefined;
      pruned ||= arg === '-prune';
      index += arity;
    }
  }
  if (!named && !(pruned && prints)) return undefined;
  const roots = start === 0 ? ['.'] : args.slice(0, start);
  return roots.flatMap((root) => names.map((name) => [...below(root, cwd), ...name]));
}

function anyCase(token: Token): Token {
  if (typeof token !== 'string' || token.toLowerCase() === token.toUpperCase()) return token;
  return { many: false, accepts: (unit) => unit.toLowerCase() === token.toLowerCase() };
}

function namesOfGit(args: readonly string[], cwd: string): readonly (readonly Token[])[] | undefined {
  const paths = args.filter((arg) => arg !== '-z' && arg !== '--');
  if (paths.length === 0 || paths.some((path) => /^[-:]/.test(path) || !/[*?]/.test(path))) return undefined;
  // A pathspec's `*` crosses folders. Source: gitglossary(7) "pathspec".
  return paths.map((path) => [...below('.', cwd), ...nameShape(path, anyText)]);
}

/** `rg --files` and `fd` leave out hidden names unless they are told otherwise. Source: rg(1), fd(1). */
function listsVisible(program: string, args: readonly string[]): boolean {
  if (program === 'rg' && !args.includes('--files')) return false;
  return args.every(
    (arg, index) =>
      arg === '--files' ||
      /^(?:-[gte]|--glob|--type|--extension)$/.test(arg) ||
      (/^[\w*?!{},./-]+$/.test(arg) && !arg.startsWith('-') && !/(?:^|\/)\.(?!\.?(?:\/|$))/.test(arg)) ||
      (index > 0 && /^(?:-g|--glob)$/.test(args[index - 1] ?? '') && arg.startsWith('!')),
  );
}

const maxDepth = 12;

/** Names below a folder none of whose segments begins with a dot. */
function visibleNames(cwd: string): readonly (readonly Token[])[] {
  const start = literalTokens(cwd === '/' ? '' : cwd);
  return Array.from({ length: maxDepth }, (_, depth) => [
    ...start,
    ...Array.from({ length: depth + 1 }, (): readonly Token[] => ['/', visibleInSegment]).flat(),
  ]);
}

/** Anything in a folder, as far as its last slash. */
function below(root: string, cwd: string): readonly Token[] {
  const folder = normaliseRelative(root.startsWith('/') ? root : `${cwd}/${root}`);
  return [...literalTokens(folder === '/' ? '' : folder), anyText, '/'];
}

/** A search by ending, `*.ts`, is not about hidden files, although `.env.ts` would have that ending too. */
const byEnding = /^\*\.\w+$/;

function nameShape(name: string, star: Token): readonly Token[] {
  if (byEnding.test(name)) return [visibleInSegment, ...literalTokens(name.slice(1))];
  const tokens: Token[] = [];
  for (let index = 0; index < name.length; index++) {
    const unit = name.charAt(index);
    if (unit === '*') tokens.push(star);
    else if (unit === '?') tokens.push(oneInSegment);
    // A bracket expression is rare in names; any text stands for it.
    else if (unit === '[' || unit === '\\') return [anyText];
    else tokens.push(unit);
  }
  return tokens;
}
