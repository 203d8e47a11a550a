/**
 * Paths of HTTP requests against the globs of network entries. Servers and the proxies before them read `%2e%2e`, `//`, `\` or
 * `;x` in different ways, so a path has as many readings as they give it: an allow must meet all of them, a restriction one
 * (RULES W5). An ordinary path has a single reading.
 */
import { anyInSegment, anyText, intersects, literalTokens, type Token } from './glob.ts';

export interface RequestPath {
  /** As written. */
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly folded: readonly Token[];
}

/** `*` stays in a segment, `**` does not; everything else is itself. @returns one phrase where it is no path. */
export function parseRequestPath(text: string): RequestPath | string {
  if (!text.startsWith('/')) return 'a path begins with `/`';
  if (/[?#]/.test(text)) return 'a path is compared without `?` and what follows';
  if (/[\x00-\x20\x7f]/.test(text)) return 'a path has no blanks and control characters; write them as `%20`';
  const tokens = compile(normaliseEscapes(text));
  const folded = tokens.map((token) => (typeof token === 'string' ? token.toLowerCase() : token));
  return { text, tokens, folded };
}

function compile(text: string): readonly Token[] {
  return text
    .split(/(\*+)/)
    .flatMap((piece): readonly Token[] =>
      piece.startsWith('*') ? [piece.length > 1 ? anyText : anyInSegment] : literalTokens(piece),
    );
}

/** Whether every reading of the path is met by one of the globs. */
export function grantsRequestPath(globs: readonly RequestPath[], path: string): boolean {
  return readings(path).every((reading) => globs.some(({ tokens }) => intersects(tokens, literalTokens(reading))));
}

/** Whether some reading of the path, in any case of letters, is met by one of the globs. */
export function restrictsRequestPath(globs: readonly RequestPath[], path: string): boolean {
  return readings(path).some((reading) =>
    globs.some(({ folded }) => intersects(folded, literalTokens(reading.toLowerCase()))),
  );
}

/** What servers may take the path of a request target for, its query left out. */
export function readings(target: string): readonly string[] {
  const path = normaliseEscapes(target.replace(/[?#].*$/s, ''));
  if (!/[%;\\]|\/\/|\/\.\.?(?:\/|$)/.test(path)) return [path];
  const steps: readonly ((text: string) => string)[] = [
    decodeStructure,
    // A second server decodes what the first one left.
    decodeStructure,
    (text) => text.replaceAll('\\', '/'),
    // Parameters of a segment (RFC 3986 3.3) are dropped before `..` is looked for.
    (text) => text.replace(/;[^/]*/g, ''),
    (text) => text.replace(/\/{2,}/g, '/'),
    removeDotSegments,
  ];
  let found = new Set([path]);
  for (const step of steps) found = new Set([...found, ...[...found].map(step)]);
  return [...found];
}

/** Escapes of characters that never needed one are those characters, others are upper case. Source: RFC 3986 6.2.2. */
function normaliseEscapes(text: string): string {
  return text
    .replace(/[^\x00-\x7f]+/g, (part) => encodeURIComponent(part.toWellFormed()))
    .replace(/%[0-9a-f]{2}/gi, (coded) => {
      const character = String.fromCharCode(Number.parseInt(coded.slice(1), 16));
      return /[A-Za-z0-9._~-]/.test(character) ? character : coded.toUpperCase();
    });
}

/** Escapes of what parts a path into segments, and of the percent sign itself. */
function decodeStructure(text: string): string {
  return normaliseEscapes(
    text.replace(/%(?:2F|5C|3B|25)/g, (coded) => String.fromCharCode(Number.parseInt(coded.slice(1), 16))),
  );
}

/** Source: RFC 3986 5.2.4. */
function removeDotSegments(text: string): string {
  const kept: string[] = [];
  const segments = text.split('/').slice(1);
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment !== '.' && segment !== '..') kept.push(segment);
    else if (isLast) kept.push('');
  });
  return text.startsWith('/') ? `/${kept.join('/')}` : text;
}
