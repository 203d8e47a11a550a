/**
 * Where tools keep their caches inside: what the host has cached can be used, what a command writes stays with its
 * workspace (policies/tool-caches.jsonc). Attack it stands against: a command plants code in a cache, and the host, or
 * another workspace, runs it later.
 */
import path from 'node:path';
import { isWithin } from './within.ts';

export interface ToolCache {
  readonly variable?: string | undefined;
  /** Of the workspace's private folder. */
  readonly directory: string;
  /** Where the host has it by default, from `~/`. */
  readonly host: string;
  /** It holds more than packages: not to be seen where the home is hidden. */
  readonly mixed?: boolean | undefined;
}

/** What a session is given for its caches. */
export interface CacheWish {
  /** Existing private folder of the host. */
  readonly source: string;
  /** Which part of it: two sessions at once cannot have the same upper layer. */
  readonly slot: number;
  readonly caches: readonly ToolCache[];
}

export interface CachePlace {
  /** Below `source`: holds the upper layer. */
  readonly layer: string;
  /** The host's own, as the session sees it; undefined where it cannot be a layer. */
  readonly below: string | undefined;
  readonly target: string;
}

export interface CachePlan {
  readonly source: string;
  readonly places: readonly CachePlace[];
}

/** Path of the workspace's cache folder inside the sandbox, the same for every workspace. */
export const insideCacheFolder = '/run/sbx/cache';

/** For an account without a home: as private, but gone with the session. */
export const fallbackCacheFolder = '/tmp/.sbx-cache';

export function cacheEnvironment(caches: readonly ToolCache[], folder: string): Map<string, string> {
  return new Map(
    caches.flatMap(({ variable, directory }) =>
      variable === undefined ? [] : [[variable, `${folder}/${directory}`] as const],
    ),
  );
}

export function findHostCache(cache: ToolCache, home: string): string {
  return path.join(home, cache.host.slice(2));
}

export interface CacheFacts {
  readonly home: string;
  /** Caches of the host that are real folders, no link on the way. */
  readonly present: readonly string[];
  /**
   * Mounts on top of the session's view. A layer does not take over what is mounted below it: a hidden file that is
   * covered by a mount would be readable through it.
   */
  readonly covered: readonly string[];
  /** Hidden places: what lies in one is no layer. */
  readonly hidden: readonly string[];
  /** Hidden ones in which mount points can be made, and what of them is seen all the same. */
  readonly emptied: readonly string[];
  readonly shown: readonly string[];
  /** Folders that are seen through an overlay of the session's own, where a missing mount point can be made. */
  readonly overlays: readonly string[];
}

export function planCaches({ source, slot, caches }: CacheWish, facts: CacheFacts): CachePlan {
  const places = caches.flatMap((cache): CachePlace[] => {
    const host = findHostCache(cache, facts.home);
    const isClear =
      !facts.covered.some((place) => isWithin(host, place) || isWithin(place, host)) &&
      !facts.hidden.some((place) => isWithin(place, host));
    const holdsHost = (place: string): boolean => isWithin(place, host);
    const isSeen = !facts.emptied.some(holdsHost) || facts.shown.some(holdsHost);
    const isPresent = facts.present.includes(host);
    const layer = `${slot}/${cache.directory}`;
    const below = isPresent && isClear && isSeen ? host : undefined;
    if (cache.variable !== undefined) return [{ layer, below, target: `${insideCacheFolder}/${cache.directory}` }];
    const canMount = isClear && (isPresent || facts.overlays.some((folder) => isWithin(folder, host)));
    return canMount ? [{ layer, below, target: host }] : [];
  });
  return { source, places };
}
