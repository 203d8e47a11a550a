/**
 * The names that a listing command can print, for what `xargs` makes of them: `find . -name '*.ts' | xargs grep x` reads
 * nothing but files of that name, so a restriction on `.env` has nothing to say. Only forms whose meaning is certain
 * count; everything else can print any name.
 */
import type { AnalysedCommand, PathTarget } from '../analyse/model.ts';
import type { Word } from '../parse/model.ts';
import { normaliseRelative } from './command-pattern.ts';
import { anyInSegment, anyText, literalTokens, oneInSegment, type Token, visibleInSegment } from './glob.ts';

/** What a listing prints: names of these shapes, and any name below these folders. */
export interface Listing {
  readonly names: readonly (readonly Token[])[];
  readonly trees: readonly string[];
}

/** Where the names that a target stands for come from a listing; undefined when they could be any. */
export function findListing(
  command: AnalysedCommand,
  target: PathTarget,
  all: readonly AnalysedCommand[],
): Listing | undefined {
  if (target.printedBy !== undefined) {
    const printer = all.find((each) => each.command.id === target.printedBy);
    return printer !== undefined && printer.cwd === command.cwd ? readListing(printer, all) : undefined;
  }
  // What a command runs in turn may have an input of its own.
  if (target.source !== standardInput || command.inner.length > 0 || readsElsewhere(command)) return undefined;
  const feeder = onlyFeeders(all).get(command.command.id);
  // Names are relative to the folder of who prints them.
  return feeder !== undefined && feeder.cwd === command.cwd ? readListing(feeder, all) : undefined;
}

/** `a|b` and `\\.(a|b)$` of an extended pattern, `a\\|b` of a basic one. */
function alternativesOf(pattern: string, extended: boolean): readonly string[] {
  if (!extended) return pattern.split('\\|');
  const [, before = '', group, after = ''] = /^([^()|]*)\(([^()]*)\)([^()|]*)$/.exec(pattern) ?? [];
  if (group === undefined) return pattern.split('|');
  return group.split('|').map((one) => `${before}${one}${after}`);
}

/** What analysis writes for the words that `xargs` takes from its standard input. */
const standardInput = '…';

function readsElsewhere({ command }: AnalysedCommand): boolean {
  const words = command.words.map((word) => word.values?.[0]);
  if (command.redirections.some(({ operator }) => operator.startsWith('<'))) return true;
  return words.some((word) => word === undefined || /^(?:-[^-]*a|--a)/.test(word)) && words[0] === 'xargs';
}

function readListing(feeder: AnalysedCommand, all: readonly AnalysedCommand[]): Listing | undefined {
  if (feeder.inner.length > 0 || feeder.callsFunction !== undefined) return undefined;
  const { cwd } = feeder;
  if (cwd === undefined) return undefined;
  if (feeder.program === 'ls') return listingOfLs(feeder.command.words.slice(1), cwd);
  const words = feeder.command.words.map((word) => (word.values?.length === 1 ? word.values[0] : undefined));
  if (!words.every((word) => word !== undefined)) return undefined;
  const [program = '', ...rest] = words;
  if (program === 'find') return listingOfFind(rest, cwd);
  if (program === 'git') return listingOfGit(rest, cwd);
  if (program === 'rg' || program === 'fd') return listingOfVisible(program, rest, cwd);
  if (program === 'grep') return listingOfGrep(rest, cwd) ?? passOn(feeder, program, rest, all);
  return passOn(feeder, program, rest, all);
}

/** What a filter leaves of a listing. */
function passOn(
  filter: AnalysedCommand,
  program: string,
  rest: readonly string[],
  all: readonly AnalysedCommand[],
): Listing | undefined {
  if (filter.command.redirections.some(({ operator }) => operator.startsWith('<'))) return undefined;
  const feeder = isFilter(program, rest) ? onlyFeeders(all).get(filter.command.id) : undefined;
  const listing = feeder === undefined ? undefined : readListing(feeder, all);
  if (listing === undefined || program !== 'grep' || listing.trees.length === 0) return listing;
  const chosen = chosenNames(rest);
  if (chosen === undefined) return undefined;
  const names = listing.trees.flatMap((tree) => chosen.map((name) => [...below(tree, '/'), ...name]));
  return chosen.length === 0 ? listing : { names: [...listing.names, ...names], trees: [] };
}

/**
 * Shapes of the names that `grep` picks, by the last part of each: what is found in a folder that was picked is no more
 * particular than a search of that folder. None for "all but"; undefined where the pattern is not plain enough.
 */
function chosenNames(args: readonly string[]): readonly (readonly Token[])[] | undefined {
  const options = args.filter((arg) => /^-[viEF]+$/.test(arg)).join('');
  if (options.includes('v')) return [];
  const pattern = args.find((arg) => !/^-[viEF]+$/.test(arg)) ?? '';
  const shapes: (readonly Token[])[] = [];
  for (const [, start, text = '', end] of alternativesOf(pattern, options.includes('E')).map(
    (part) => /^(\^?)((?:[\w/ -]|\\\.)+)(\$?)$/.exec(part) ?? [],
  )) {
    if (text === '') return undefined;
    const plain = text.replaceAll('\\.', '.');
    const name = plain.slice(plain.lastIndexOf('/') + 1);
    const opens = start === '' && name === plain;
    if (name !== plain && name === '') shapes.push([anyInSegment]);
    else if (opens && end === '$' && byEnding.test(`*${name}`)) shapes.push(nameShape(`*${name}`, anyInSegment));
    else
      shapes.push([...(opens ? [anyInSegment] : []), ...literalTokens(name), ...(end === '$' ? [] : [anyInSegment])]);
  }
  return options.includes('i') ? shapes.map((shape) => shape.map(anyCase)) : shapes;
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
  const start = words.findIndex((word) => word === 'find' || word === 'fd');
  if (start < 0 || !words.every((word) => word !== undefined) || command.cwd === undefined) return undefined;
  const args = withoutCommands(words.slice(start + 1));
  const listing = words[start] === 'fd' ? listingOfVisible('fd', args, command.cwd) : listingOfFind(args, command.cwd);
  return listing === undefined || listing.trees.length > 0 ? undefined : listing.names;
}

/** The words of `find` or `fd` without the commands that they run. */
function withoutCommands(args: readonly string[]): readonly string[] {
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

/** Programs that pass some of their lines on unchanged. */
function isFilter(program: string | undefined, rest: readonly string[]): boolean {
  if (program === 'sort' || program === 'head' || program === 'tail')
    return rest.every((word) => /^-[a-zA-Z0-9]+$/.test(word));
  if (program === 'uniq') return rest.length === 0;
  const [pattern, ...others] = rest.filter((word) => !/^-[viEF]+$/.test(word));
  return program === 'grep' && pattern !== undefined && !pattern.startsWith('-') && others.length === 0;
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

function listingOfFind(args: readonly string[], cwd: string): Listing | undefined {
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

function anyCase(token: Token): Token {
  if (typeof token !== 'string' || token.toLowerCase() === token.toUpperCase()) return token;
  return { many: false, accepts: (unit) => unit.toLowerCase() === token.toLowerCase() };
}

/** Subcommands of git that print names of files, the options that make them, and those that leave names as they are. */
const gitListings: Readonly<
  Record<string, { readonly needs?: RegExp; readonly options: RegExp; readonly skip: number }>
> = {
  'ls-files': {
    options:
      /^(?:-[zcdmoi]+|--cached|--deleted|--modified|--others|--ignored|--exclude-standard|--deduplicate|--full-name)$/,
    skip: 0,
  },
  diff: {
    needs: /^--name-only$/,
    options: /^(?:--name-only|--cached|--staged|--merge-base|--relative|--no-renames|--no-color|--diff-filter=\w+|-z)$/,
    skip: 0,
  },
  grep: {
    needs: /^(?:-[A-Za-z]*[lL][A-Za-z]*|--files-with-matches|--name-only|--files-without-match)$/,
    options:
      /^(?:-[lLiwvnIEFGPaz]+|--files-with-matches|--name-only|--files-without-match|--ignore-case|--word-regexp)$/,
    skip: 1,
  },
};

function listingOfGit([subcommand = '', ...args]: readonly string[], cwd: string): Listing | undefined {
  const known = Object.hasOwn(gitListings, subcommand) ? gitListings[subcommand] : undefined;
  if (known === undefined) return undefined;
  const end = args.indexOf('--');
  const before = end < 0 ? args : args.slice(0, end);
  const options = before.filter((arg) => arg.startsWith('-'));
  if (!options.every((arg) => known.options.test(arg))) return undefined;
  if (known.needs !== undefined && !options.some((arg) => known.needs?.test(arg))) return undefined;
  const plain = before.filter((arg) => !arg.startsWith('-')).slice(known.skip);
  const paths = [...plain, ...(end < 0 ? [] : args.slice(end + 1))];
  // Revisions do not narrow what is shown, and paths may be missing.
  const whole = paths.length === 0 || (subcommand !== 'ls-files' && end < 0);
  if (paths.some((path) => path.startsWith(':'))) return undefined;
  const globs = paths.filter((path) => /[*?]/.test(path));
  return {
    // A pathspec's `*` crosses folders. Source: gitglossary(7) "pathspec".
    names: globs.map((path) => [...below('.', cwd), ...nameShape(path, anyText)]),
    trees: [
      ...(whole ? [cwd] : []),
      ...paths.filter((path) => !globs.includes(path)).map((path) => folderOf(path, cwd)),
    ],
  };
}

/** `ls` shows no hidden names, and a glob finds none; what it finds in a folder is only known by being visible. */
function listingOfLs(words: readonly Word[], cwd: string): Listing | undefined {
  const operands: string[] = [];
  for (const { values, parts } of words) {
    const plain = parts.every((part) => part.type === 'literal' || part.type === 'glob');
    const text = values?.[0] ?? (plain ? parts.map((part) => ('value' in part ? part.value : '')).join('') : '');
    if ((values !== undefined && values.length !== 1) || !/^(?:-[1trS]+|[\w*?/][\w.*?/-]*)$/.test(text))
      return undefined;
    if (!text.startsWith('-')) operands.push(text);
  }
  if (operands.some((path) => /\/\./.test(path) || !/[*?]/.test(path))) return undefined;
  const names = operands.map((path) => [
    ...literalTokens(path.startsWith('/') ? '' : `${cwd}/`),
    ...path.split('').map((unit, at): Token => globUnit(unit, path[at - 1])),
  ]);
  return { names: operands.length === 0 ? visibleNames(cwd) : names, trees: [] };
}

function globUnit(unit: string, before: string | undefined): Token {
  if (unit === '?') return oneInSegment;
  if (unit !== '*') return unit;
  return before === undefined || before === '/' ? visibleInSegment : anyInSegment;
}

/** Names in a folder that do not begin with a dot. */
function visibleNames(cwd: string): readonly (readonly Token[])[] {
  return [[...literalTokens(cwd === '/' ? '/' : `${cwd}/`), visibleInSegment]];
}

/** `grep -rl x src` prints names below `src`, with `--include` those that it takes. */
function listingOfGrep(args: readonly string[], cwd: string): Listing | undefined {
  const end = args.indexOf('--');
  const options = args.filter((arg, index) => arg.startsWith('-') && (end < 0 || index < end));
  const lists = options.some((arg) => /^-[A-Za-z]*[lL]|^--files-with(?:out)?-match(?:es)?$/.test(arg));
  const plain =
    /^(?:-[rRlLiwvnIEFGPaszH]+|--files-with(?:out)?-match(?:es)?|--recursive|--ignore-case|--(?:include|exclude|exclude-dir)=.*)$/;
  if (!lists || !options.every((arg) => plain.test(arg))) return undefined;
  const [, ...roots] = args.filter((arg, index) => arg !== '--' && (!arg.startsWith('-') || (end >= 0 && index > end)));
  const included = options.flatMap((arg) => /^--include=(.*)$/.exec(arg)?.[1] ?? []);
  const places = roots.length === 0 ? ['.'] : roots;
  return {
    names: places.flatMap((root) => included.map((name) => [...below(root, cwd), ...nameShape(name, anyInSegment)])),
    trees: included.length > 0 ? [] : places.map((root) => folderOf(root, cwd)),
  };
}

/**
 * `rg -l`, `rg --files` and `fd` leave out hidden names unless they are told otherwise; a pattern of names that rg is
 * given finds hidden ones too. Source: rg(1), fd(1).
 */
function listingOfVisible(program: string, args: readonly string[], cwd: string): Listing | undefined {
  const operands: string[] = [];
  const names: string[] = [];
  let lists = program === 'fd';
  let hidden = false;
  let searches = program === 'fd';
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const value = args[index + 1] ?? '';
    if (arg === '--files') lists = true;
    else if (program === 'rg' && /^(?:-[liwFSsUP]+|--files-with-matches|--ignore-case)$/.test(arg)) {
      lists ||= /l|matches/.test(arg.replace('--ignore', ''));
      searches = true;
    } else if (program === 'fd' && /^-(?:[0sigpalHIu]+|-print0|-hidden|-no-ignore|-unrestricted)$/.test(arg))
      hidden ||= /^-[^-]*[Hu]|^--[hu]/.test(arg);
    else if (/^(?:-g|--glob)$/.test(arg) && program === 'rg') {
      if (!value.startsWith('!')) names.push(value);
      index++;
    } else if (/^(?:-e|--extension)$/.test(arg) && program === 'fd') {
      names.push(`*.${value}`);
      index++;
    } else if (/^(?:-t|--type|-E|--exclude|-d|--max-depth)$/.test(arg)) index++;
    else if (arg.startsWith('-')) return undefined;
    else operands.push(arg);
  }
  const roots = operands.slice(searches && !args.includes('--files') ? 1 : 0);
  if (!lists || roots.some((root) => /(?:^|\/)\.(?!\.?(?:\/|$))/.test(root))) return undefined;
  const places = roots.length === 0 ? ['.'] : roots;
  if (hidden && names.length === 0) {
    // The pattern stands for a part of the name.
    const [pattern] = operands;
    const shape = pattern === undefined ? undefined : withinName(pattern);
    if (shape === undefined) return { names: [], trees: places.map((root) => folderOf(root, cwd)) };
    // Small letters in it stand for large ones too.
    const shapes = [shape, shape.map(anyCase)];
    return { names: places.flatMap((root) => shapes.map((one) => [...below(root, cwd), ...one])), trees: [] };
  }
  const found =
    names.length === 0
      ? places.flatMap((root) => visibleBelow(folderOf(root, cwd)))
      : places.flatMap((root) => names.map((name) => [...below(root, cwd), ...nameShape(name, anyInSegment)]));
  return { names: found, trees: [] };
}

/** A regular expression for a part of a name; undefined where it is for any name. */
function withinName(pattern: string): readonly Token[] | undefined {
  const [, start = '', middle = '', end = ''] = /^(\^?)([\s\S]*?)(\$?)$/.exec(pattern) ?? [];
  if (middle === '' || middle === '.') return undefined;
  const shape = regexShape(middle);
  return [...(start === '' ? [anyInSegment] : []), ...shape, ...(end === '' ? [anyInSegment] : [])];
}

/** What the last segment of a path can be that the whole expression meets. Source: find(1) "-regex". */
function lastSegment(pattern: string): readonly Token[] {
  const slash = pattern.lastIndexOf('/');
  const name = slash < 0 ? pattern : pattern.slice(slash + 1);
  // A slash in brackets divides nothing.
  return slash >= 0 && /[[(|]/.test(pattern) ? [anyInSegment] : regexShape(name);
}

/** Names that a regular expression of plain characters, dots and `.*` meets; any name for all others. */
function regexShape(pattern: string): readonly Token[] {
  const shape: Token[] = [];
  for (const piece of pattern.match(/\\?[\s\S]/g) ?? []) {
    if (/^\\\W$/.test(piece)) shape.push(piece.charAt(1));
    else if (piece === '.') shape.push(oneInSegment);
    else if ((piece === '*' || piece === '+') && shape.at(-1) === oneInSegment) shape[shape.length - 1] = anyInSegment;
    else if (/^[\w -]$/.test(piece)) shape.push(piece);
    else return [anyInSegment];
  }
  return shape;
}

const maxDepth = 12;

/** Names below a folder none of whose segments begins with a dot, and the folder itself. */
function visibleBelow(folder: string): readonly (readonly Token[])[] {
  const start = literalTokens(folder === '/' ? '' : folder);
  return Array.from({ length: maxDepth + 1 }, (_, depth) => [
    ...start,
    ...Array.from({ length: depth }, (): readonly Token[] => ['/', visibleInSegment]).flat(),
  ]);
}

/** Where a folder lies that a listing was given. */
function folderOf(root: string, cwd: string): string {
  return normaliseRelative(root.startsWith('/') ? root : `${cwd}/${root}`).replace(/(?<=.)\/$/, '');
}

/** Anything in a folder, as far as its last slash. */
function below(root: string, cwd: string): readonly Token[] {
  const folder = folderOf(root, cwd);
  return [...literalTokens(folder === '/' ? '' : folder), anyText, '/'];
}

/** How a name that is not hidden begins. */
const visibleUnit: Token = { many: false, accepts: (unit) => unit !== '/' && unit !== '.' };

/** A search by ending, `*.ts`, is not about hidden files, although `.env.ts` would have that ending too. */
const byEnding = /^\*\.(?:\w+|\{\w+(?:,\w+)*\})$/;

function nameShape(name: string, star: Token): readonly Token[] {
  if (byEnding.test(name))
    return name.includes('{')
      ? [visibleUnit, anyInSegment, '.', anyInSegment]
      : [visibleInSegment, ...literalTokens(name.slice(1))];
  const tokens: Token[] = [];
  for (let index = 0; index < name.length; index++) {
    const unit = name.charAt(index);
    if (unit === '*') tokens.push(star);
    else if (unit === '?') tokens.push(oneInSegment);
    // Brackets and braces are rare in names; any text stands for them.
    else if (unit === '[' || unit === '{' || unit === '\\') return [anyText];
    else tokens.push(unit);
  }
  return tokens;
}
