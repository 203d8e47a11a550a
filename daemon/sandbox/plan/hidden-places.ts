/**
 * Settles what is hidden and what of it is shown again. The more specific path wins; what is hidden at the very same path,
 * or by a pattern inside what is shown, stays hidden; and nobody shows what a higher layer hides.
 */
import path from 'node:path';
import type { FileRule } from '../../decide/file-rules.ts';
import type { FoundFile } from './expand-files.ts';
import type { HiddenFact } from './facts.ts';

/** A hidden place with who wants it hidden: a rule of the policy, the list of credentials, or sbx itself. */
export interface HiddenClaim {
  readonly fact: HiddenFact;
  readonly by: FileRule | 'credentials' | 'sbx';
}

/** From this rank on the places of credentials may be shown. */
const credentialsRank = 2;

function isInside(folder: string, place: string): boolean {
  return place.startsWith(folder === '/' ? '/' : `${folder}/`);
}

function maySee({ rule, path: place }: FoundFile, { by, fact }: HiddenClaim): boolean {
  if (rule.onlyIn !== undefined) return rule.onlyIn === by;
  if (by === 'sbx') return false;
  if (by === 'credentials') return rule.rank >= credentialsRank;
  return !by.final && rule.rank >= by.rank && place !== fact.path;
}

export interface SettledPlaces {
  readonly hidden: readonly HiddenFact[];
  readonly remarks: readonly string[];
}

export function settleHidden(claims: readonly HiddenClaim[], show: readonly FoundFile[]): SettledPlaces {
  const remarks: string[] = [];
  const shown = show.filter((file) => {
    const over = claims.filter(({ fact }) => fact.path === file.path || isInside(fact.path, file.path));
    // An imported exception speaks about its own denial alone, and others may hide the same.
    const stays = over.find((claim) => !maySee(file, claim));
    if (stays !== undefined) {
      remarks.push(
        `${file.rule.because}: \`${file.path}\` stays hidden${stays.fact.because === undefined ? '' : `, by ${stays.fact.because}`}`,
      );
    }
    return over.length > 0 && stays === undefined;
  });
  const outermost = shown.filter((file) => !shown.some((other) => isInside(other.path, file.path)));
  const isShown = (place: string): boolean => outermost.some((file) => file.path === place);
  const isInShown = (place: string): boolean => outermost.some((file) => isInside(file.path, place));
  const remaining = claims
    .map(({ fact }) => fact)
    .filter((fact) => !isShown(fact.path))
    .map((fact) => ({
      ...fact,
      except: [
        ...new Set([
          ...fact.except,
          ...(fact.kind === 'folder' ? outermost.filter((file) => isInside(fact.path, file.path)) : []).map((file) =>
            path.relative(fact.path, file.path),
          ),
        ]),
      ],
      ...(isInShown(fact.path) ? { isInShown: true } : {}),
    }));
  return { hidden: remaining, remarks };
}

/** Without those that lie in another one: what they hide is hidden with it. */
export function withoutNested(facts: readonly HiddenFact[]): HiddenFact[] {
  return facts.filter((fact) => {
    const above = facts.filter((other) => other !== fact && isInside(other.path, fact.path));
    return !above.some((other) => other.isInShown === true || fact.isInShown !== true);
  });
}
