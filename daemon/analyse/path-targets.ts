/** Turns arguments and redirection targets into places in the file system (RULES O10, O28). Pure text, plus the facts. */
import type { Redirection } from '../parse/model.ts';
import type { Arg, Piece } from './args.ts';
import type { Facts, PathTarget } from './model.ts';

/** Absolute, without `.`, `..`, empty segments and a trailing slash. */
export function normalisePath(path: string): string {
  if (!/\/\.|\/\/|\/$/.test(path)) return path === '' ? '/' : path;
  const out: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') out.pop();
    else out.push(segment);
  }
  return `/${out.join('/')}`;
}

/** A path as a command run in `cwd` would see it; undefined when it depends on an unknown directory. */
export function resolvePath(path: string, cwd: string | undefined): string | undefined {
  if (path.startsWith('/')) return normalisePath(path);
  return cwd === undefined ? undefined : normalisePath(`${cwd}/${path}`);
}

/** Targets that are no file: descriptors, the terminal, the null device (RULES O32). */
export function isFreeTarget(path: string): boolean {
  return (
    /^\/dev\/(?:null|stdin|stdout|stderr|tty|zero|full|random|urandom|fd\/\d+)$/.test(path) ||
    /^\/proc\/self\/fd\/\d+$/.test(path)
  );
}

/** One process's own view of the file system, which may be any place. Source: proc(5). */
function leadsElsewhere(path: string): boolean {
  return /^\/proc\/[^/]+(?:\/task\/[^/]+)?\/(?:cwd|root|fd\/[^/]+)(?:\/|$)/.test(path) && !isFreeTarget(path);
}

/** Undefined for the empty string, standard input and free targets: nothing is named. */
export function makeTarget(
  arg: Arg,
  cwd: string | undefined,
  facts: Facts,
  options: { recursive: boolean; redirection?: Redirection | undefined },
): PathTarget | undefined {
  const base = {
    span: { start: arg.word.start, end: arg.word.end },
    source: sourceOf(arg),
    recursive: options.recursive,
    redirection: options.redirection,
  };
  if (arg.text !== undefined) {
    if (arg.text === '') return undefined;
    const path = resolvePath(arg.text, cwd);
    if (path !== undefined && leadsElsewhere(path))
      return { ...base, path: undefined, resolved: undefined, prefix: undefined, confined: false };
    if (path !== undefined && isFreeTarget(path)) return undefined;
    return {
      ...base,
      path,
      resolved: path === undefined ? undefined : facts.paths.get(path)?.resolved,
      prefix: undefined,
      confined: false,
    };
  }
  if (arg.pieces.some((piece) => piece.kind === 'place' && piece.free)) return undefined;
  const made = { ...arg, pieces: arg.pieces.flatMap(spellOut) };
  const confined = made.pieces.every(
    (piece) => (piece.kind !== 'value' || piece.below === true) && piece.kind !== 'place',
  );
  const [only, ...others] = arg.pieces;
  const printedBy = only?.kind === 'value' && others.length === 0 ? only.printedBy : undefined;
  const pattern = confined ? targetPattern(made, cwd) : undefined;
  return {
    ...base,
    path: undefined,
    resolved: undefined,
    prefix: knownPrefix(made, cwd),
    confined,
    ...(pattern === undefined ? {} : { pattern }),
    ...(printedBy === undefined ? {} : { printedBy }),
  };
}

/** A name that a program made up, as a path that is not empty. */
function spellOut(piece: Piece): readonly Piece[] {
  if (piece.kind !== 'value' || piece.begins === undefined) return [piece];
  return [{ kind: 'known', text: piece.begins }, { kind: 'number' }];
}

/** The value alone where an option is written in the same word. */
function sourceOf(arg: Arg): string {
  const { source } = arg.word;
  return arg.text !== undefined && source.startsWith('-') ? arg.text : source;
}

function knownPrefix(arg: Arg, cwd: string | undefined): string | undefined {
  const first = arg.pieces[0];
  const text = first?.kind === 'known' ? first.text : '';
  // An unknown first piece may itself be an absolute path; a glob cannot.
  if (text === '' && first?.kind !== 'glob' && first?.kind !== 'number') return undefined;
  const slash = text.lastIndexOf('/');
  const folder = resolvePath(slash < 0 ? '.' : slash === 0 ? '/' : text.slice(0, slash), cwd);
  if (folder === undefined) return undefined;
  return `${folder === '/' ? '' : folder}/${text.slice(slash + 1)}`;
}

/** The target as an absolute pattern in which unknown values are `?`-free holes: globs stay, values become undefined. */
export function targetPattern(arg: Arg, cwd: string | undefined): string | undefined {
  let text = '';
  for (const piece of arg.pieces) {
    if (piece.kind === 'known') text += piece.text;
    else if (piece.kind === 'glob') text += piece.text;
    else if (piece.kind === 'number') text += '*';
    else return undefined;
  }
  if (text === '') return undefined;
  return resolvePath(text, cwd);
}
