/**
 * What a path pattern means on one machine, for whoever looks for its files there: where to look, which paths it covers,
 * and which folders may hold some. Pure: it answers about paths, and looks at none.
 */

import { isAnyDepth } from './file-list.ts';
import { anyText, intersects, literalTokens } from './glob.ts';
import { lift, meets } from './path-match.ts';
import type { PathPattern } from './path-pattern.ts';

export interface PathScope {
  /** Absolute folder, or the one path that is meant. */
  readonly top: string;
  /** `top` is the only path: nothing has to be looked for. */
  readonly literal: boolean;
  /** A name alone, wherever it lies: it matches again after a folder above was renamed. */
  readonly byName: boolean;
  /** The path, or everything in the folder of that path. */
  readonly covers: (path: string) => boolean;
  /** Something below the folder may be covered. */
  readonly mayHold: (folder: string) => boolean;
}

export interface ScopePlaces {
  readonly home: string;
  readonly workspace: string | undefined;
}

/** Nothing but the place that a pattern starts from: `~/`, `//`, `./`, `../..`. */
const wholeFolder = /^(?:\/\/?|~\/?|\.\/?|((?:\.\.\/?)+))$/;

function everything(base: string): Pick<PathScope, 'covers' | 'mayHold'> {
  return { covers: (path) => path === (base || '/') || path.startsWith(`${base}/`), mayHold: () => true };
}

/** Names that a pattern meets only by a wildcard for any name. Two, because `????` meets names of one length. */
const probes = ['\0\0\0\0', '\0\0\0\0\0\0\0'];

/** @returns undefined where the pattern is about the folder commands start in, and there is none. */
export function findScope(
  pattern: PathPattern,
  intent: 'grant' | 'restrict',
  { home, workspace }: ScopePlaces,
): PathScope | undefined {
  const from = { root: '', home, origin: pattern.anchor, start: workspace }[pattern.base];
  if (from === undefined) return undefined;
  const whole = wholeFolder.exec(pattern.text);
  const base = lift(from, whole === null ? pattern.up : (whole[1] ?? '').split('..').length - 1);
  if (whole !== null) return { ...everything(base), top: base || '/', literal: true, byName: false };
  const tokens = intent === 'grant' ? pattern.narrow : pattern.wide;
  const covers = (path: string): boolean =>
    meets(pattern, tokens, path, base) ||
    probes.every((name) => meets(pattern, tokens, `${path === '/' ? '' : path}/${name}`, base));
  // A name that a grant means at the top alone has no depth.
  const start = pattern.fixed ?? (intent === 'grant' ? singleName(pattern) : undefined);
  const top = start === undefined || start === '' ? base || '/' : `${base}/${start}`;
  const anyDepth = start === undefined || isAnyDepth(pattern);
  return {
    top,
    literal: start !== undefined && covers(top),
    byName: pattern.fixed === undefined,
    covers,
    mayHold: (folder) => {
      if (anyDepth) return true;
      if (`${top}/`.startsWith(`${folder === '/' ? '' : folder}/`)) return true;
      if (!folder.startsWith(`${base}/`)) return false;
      return intersects(tokens, [...literalTokens(`${folder.slice(base.length + 1)}/`), anyText]);
    },
  };
}

function singleName({ text }: PathPattern): string | undefined {
  const name = text.replace(/\/(\*\*)?$/, '');
  return /[*?[\\]/.test(name) ? '' : name;
}
