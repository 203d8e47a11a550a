/**
 * What the programs that list names can print, read from their words: `git`, `ls`, `grep`, `rg` and `fd`. Only options
 * whose meaning is certain count; everything else can print any name.
 */
import type { Word } from '../parse/model.ts';
import { anyInSegment, anyText, literalTokens, oneInSegment, type Token, visibleInSegment } from './glob.ts';
import { anyCase, below, folderOf, type Listing, nameShape, visibleBelow, withinName } from './name-shapes.ts';

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

export function listingOfGit([subcommand = '', ...args]: readonly string[], cwd: string): Listing | undefined {
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
export function listingOfLs(words: readonly Word[], cwd: string): Listing | undefined {
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
export function listingOfGrep(args: readonly string[], cwd: string): Listing | undefined {
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
export function listingOfVisible(program: string, args: readonly string[], cwd: string): Listing | undefined {
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
