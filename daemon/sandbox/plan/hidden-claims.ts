/**
 * Finds the places that credentials, a policy and sbx itself want hidden: resolved, with what stays visible of each, and
 * at every other path of the same file. Which of them win is settled in hidden-places.ts.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Mount } from '../../platform/mount-table.ts';
import { loadSessionData } from '../../platform/session-data.ts';
import { findAliases } from './aliases.ts';
import type { HiddenPlace } from './credentials.ts';
import type { ExpandedFiles } from './expand-files.ts';
import type { HiddenFact } from './facts.ts';
import type { HiddenClaim } from './hidden-places.ts';
import { findShownOfHome, type ShownOfHome } from './home-programs.ts';
import type { SessionInput } from './input.ts';
import { kindOf, resolveParent, tryRealpath } from './places.ts';
import { isWithin } from './within.ts';

export function expandPattern(pattern: string): string[] {
  const name = path.basename(pattern);
  if (!name.includes('*')) return [pattern];
  const parts = name.split('*');
  const expression = new RegExp(`^${parts.map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
  try {
    return readdirSync(path.dirname(pattern))
      .filter((entry) => expression.test(entry))
      .map((entry) => path.join(path.dirname(pattern), entry));
  } catch {
    return [];
  }
}

function findHidden(place: HiddenPlace, candidates: readonly string[]): HiddenFact[] {
  return candidates.flatMap((candidate) => {
    const resolved = resolveParent(candidate);
    const kind = kindOf(resolved);
    const except = (folder: string): string[] =>
      place.except.filter((name) => kindOf(path.join(folder, name)) === 'file');
    if (kind !== 'link') return [{ path: resolved, kind, except: kind === 'folder' ? except(resolved) : [] }];
    // what a link leads to is hidden where it lies; the link itself may stay
    const target = tryRealpath(resolved);
    const targetKind = target === undefined ? 'absent' : kindOf(target);
    if (target === undefined || targetKind === 'absent' || targetKind === 'link') {
      return [{ path: resolved, kind: 'absent' as const, except: [] }];
    }
    return [{ path: target, kind: targetKind, except: targetKind === 'folder' ? except(target) : [] }];
  });
}

/** What is hidden at one path must not be readable at another path of the same file. */
export function addAliases(facts: readonly HiddenFact[], mounts: readonly Mount[]): HiddenFact[] {
  return facts.flatMap((fact) => [
    fact,
    ...findAliases(mounts, fact.path).flatMap((alias): HiddenFact[] => {
      const kind = kindOf(alias);
      return kind === 'link' ? [] : [{ ...fact, path: alias, kind, except: kind === 'folder' ? fact.except : [] }];
    }),
  ]);
}

export function claimHidden(
  places: readonly { readonly place: HiddenPlace; readonly candidates: readonly string[] }[],
  files: ExpandedFiles,
  homes: readonly string[],
): HiddenClaim[] {
  return [
    ...places.flatMap(({ place, candidates }) =>
      findHidden(place, candidates).map(
        (fact): HiddenClaim => ({ fact: { ...fact, because: place.why }, by: place.isOwn ? 'sbx' : 'credentials' }),
      ),
    ),
    ...files.hide.flatMap(({ path: place, rule }) =>
      findHidden({ path: place, except: [], why: rule.because }, [place]).flatMap((fact): HiddenClaim[] => {
        const holdsHome = fact.kind === 'folder' && homes.some((home) => isWithin(fact.path, home));
        // `~` is the home that the daemon was started with, and the one of the account database as well
        const paths = fact.path === homes[0] ? homes : [fact.path];
        return paths.map((each) => ({
          fact: {
            ...{ ...fact, path: each, because: rule.because, holdsAbove: !rule.byName },
            ...(holdsHome ? { holdsHome } : {}),
          },
          by: rule,
        }));
      }),
    ),
  ];
}

/** Of homes that are hidden as a whole; caches of tools among them. */
export function showHomes(
  claims: readonly HiddenClaim[],
  homes: readonly string[],
  { caches }: SessionInput,
): ShownOfHome {
  const names = [
    ...loadSessionData().homePrograms,
    ...(caches?.caches ?? []).filter(({ mixed }) => mixed !== true).map(({ host }) => host.slice(2)),
  ];
  const found = homes
    .filter((home) => claims.some(({ fact }) => fact.holdsHome === true && isWithin(fact.path, home)))
    .map((home) => findShownOfHome(home, names));
  return {
    places: found.flatMap(({ places }) => places),
    links: new Map(found.flatMap(({ links }) => [...links])),
  };
}

export function withLinks(fact: HiddenFact, links: ReadonlyMap<string, string>): HiddenFact {
  if (fact.holdsHome !== true) return fact;
  const inside = [...links].filter(([link]) => isWithin(fact.path, link));
  return { ...fact, links: inside.map(([link, target]) => [path.relative(fact.path, link), target] as const) };
}
