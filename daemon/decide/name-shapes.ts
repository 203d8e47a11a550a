/**
 * Shapes of names: what a glob, a regular expression or a folder of a listing stands for, as tokens. A pattern that is not
 * plain enough stands for any name.
 */
import { normaliseRelative } from './command-pattern.ts';
import { anyInSegment, anyText, literalTokens, oneInSegment, type Token, visibleInSegment } from './glob.ts';

/** What a listing prints: names of these shapes, and any name below these folders. */
export interface Listing {
  readonly names: readonly (readonly Token[])[];
  readonly trees: readonly string[];
}

export function anyCase(token: Token): Token {
  if (typeof token !== 'string' || token.toLowerCase() === token.toUpperCase()) return token;
  return { many: false, accepts: (unit) => unit.toLowerCase() === token.toLowerCase() };
}

/** A regular expression for a part of a name; undefined where it is for any name. */
export function withinName(pattern: string): readonly Token[] | undefined {
  const [, start = '', middle = '', end = ''] = /^(\^?)([\s\S]*?)(\$?)$/.exec(pattern) ?? [];
  if (middle === '' || middle === '.') return undefined;
  const shape = regexShape(middle);
  return [...(start === '' ? [anyInSegment] : []), ...shape, ...(end === '' ? [anyInSegment] : [])];
}

/** What the last segment of a path can be that the whole expression meets. Source: find(1) "-regex". */
export function lastSegment(pattern: string): readonly Token[] {
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
export function visibleBelow(folder: string): readonly (readonly Token[])[] {
  const start = literalTokens(folder === '/' ? '' : folder);
  return Array.from({ length: maxDepth + 1 }, (_, depth) => [
    ...start,
    ...Array.from({ length: depth }, (): readonly Token[] => ['/', visibleInSegment]).flat(),
  ]);
}

/** Where a folder lies that a listing was given. */
export function folderOf(root: string, cwd: string): string {
  return normaliseRelative(root.startsWith('/') ? root : `${cwd}/${root}`).replace(/(?<=.)\/$/, '');
}

/** Anything in a folder, as far as its last slash. */
export function below(root: string, cwd: string): readonly Token[] {
  const folder = folderOf(root, cwd);
  return [...literalTokens(folder === '/' ? '' : folder), anyText, '/'];
}

/** How a name that is not hidden begins. */
const visibleUnit: Token = { many: false, accepts: (unit) => unit !== '/' && unit !== '.' };

/** A search by ending, `*.ts`, is not about hidden files, although `.env.ts` would have that ending too. */
export const byEnding = /^\*\.(?:\w+|\{\w+(?:,\w+)*\})$/;

export function nameShape(name: string, star: Token): readonly Token[] {
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
