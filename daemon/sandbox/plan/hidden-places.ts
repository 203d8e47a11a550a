/**
 * Settles what is hidden and what of it is shown again. The more specific path wins; what is hidden at the very same path,
 * or by a pattern inside what is shown, stays hidden; and nobody shows what a higher layer hides.
 */
import path from 'node:path';
import type { FileRule } from '../../decide/file-rules.ts';
import type { HiddenFact } from './facts.ts';

/** A hidden place with who wants it hidden: a rule of the policy, the list of credentials, or sbx itself. */
export interface HiddenClaim {
  readonly fact: HiddenFact;
  readonly by: FileRule | 'credentials' | 'sbx';
}

export interface ShownFile {
  readonly path: string;
  /** `home`: a program of a home, which is shown where a policy hides the home as a whole, and nowhere else. */
  readonly by: FileRule | 'home';
}

/** From this rank on the places of credentials may be shown. */
const credentialsRank = 2;

function isInside(folder: string, place: string): boolean {
  return place.startsWith(folder === '/' ? '/' : `${folder}/`);
}

function maySee({ by: shower, path: place }: ShownFile, { by, fact }: HiddenClaim): boolean {
  if (shower === 'home') return fact.holdsHome === true && place !== fact.path;
  if (shower.onlyIn !== undefined) return shower.onlyIn === by;
  if (by === 'sbx') return false;
  if (by === 'credentials') return shower.rank >= credentialsRank;
  return !by.final && shower.rank >= by.rank && place !== fact.path;
}

export interface SettledPlaces {
  readonly hidden: readonly HiddenFact[];
  readonly remarks: readonly string[];
}

/** @param writable folders that commands see wherever they lie. */
export function settleHidden(
  claims: readonly HiddenClaim[],
  show: readonly ShownFile[],
  writable: readonly string[] = [],
): SettledPlaces {
  const remarks: string[] = [];
  const shown = show.filter((file) => {
    const over = claims.filter(({ fact }) => fact.path === file.path || isInside(fact.path, file.path));
    // An imported exception speaks about its own denial alone, and others may hide the same.
    const stays = over.find((claim) => !maySee(file, claim));
    if (stays !== undefined && file.by !== 'home') {
      remarks.push(
        `${file.by.because}: \`${file.path}\` stays hidden${stays.fact.because === undefined ? '' : `, by ${stays.fact.because}`}`,
      );
    }
    return over.length > 0 && stays === undefined;
  });
  const shownPaths = new Set(shown.map((file) => file.path));
  const remaining = claims.map(({ fact }) => fact).filter((fact) => !shownPaths.has(fact.path));
  const borders = findBorders(
    remaining.map((fact) => fact.path),
    [...shownPaths],
    writable,
  );
  const hidden = remaining.map((fact) => ({
    ...fact,
    except: [
      ...new Set([
        ...fact.except,
        ...(fact.kind === 'folder'
          ? [...shownPaths]
              .filter((file) => borders.isShownIn(file, fact.path))
              .map((file) => path.relative(fact.path, file))
          : []),
      ]),
    ],
    ...(borders.isInShown(fact.path) ? { isInShown: true } : {}),
  }));
  return { hidden, remarks };
}

interface Borders {
  /** It begins what is shown of this hidden place. */
  readonly isShownIn: (file: string, place: string) => boolean;
  readonly isInShown: (place: string) => boolean;
}

/** Of the places above one another only those count that change what is seen: a hidden one in a hidden one does not. */
function findBorders(hidden: readonly string[], shown: readonly string[], writable: readonly string[]): Borders {
  const borders = new Map<string, 'hidden' | 'shown'>();
  const above = (place: string): string | undefined => {
    for (let folder = path.dirname(place); ; folder = path.dirname(folder)) {
      if (borders.has(folder)) return folder;
      if (folder === '/') return undefined;
    }
  };
  const all = [
    ...hidden.map((place) => [place, 'hidden'] as const),
    ...[...shown, ...writable].map((place) => [place, 'shown'] as const),
  ].sort(([a], [b]) => a.length - b.length);
  for (const [place, kind] of all) {
    if (borders.has(place)) continue;
    const outer = above(place);
    if ((outer === undefined ? 'shown' : borders.get(outer)) !== kind) borders.set(place, kind);
  }
  return {
    isShownIn: (file, place) =>
      borders.get(file) === 'shown' && borders.get(place) === 'hidden' && above(file) === place,
    isInShown: (place) => {
      const outer = above(place);
      return outer !== undefined && borders.get(outer) === 'shown';
    },
  };
}

/** Without those that lie in another one: what they hide is hidden with it. */
export function withoutNested(facts: readonly HiddenFact[]): HiddenFact[] {
  return facts.filter(
    (fact) => fact.isInShown === true || !facts.some((other) => other !== fact && isInside(other.path, fact.path)),
  );
}
