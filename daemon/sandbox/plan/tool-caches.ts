/** Where tools keep their caches inside: one private folder per workspace, named by variables (policies/tool-caches.jsonc). */

export interface ToolCache {
  readonly variable: string;
  /** Relative to the workspace's cache folder. */
  readonly directory: string;
}

/** Path of the workspace's cache folder inside the sandbox, the same for every workspace. */
export const insideCacheFolder = '/run/sbx/cache';

/** For an account without a home: as private, but gone with the session. */
export const fallbackCacheFolder = '/tmp/.sbx-cache';

export function cacheEnvironment(caches: readonly ToolCache[], folder: string): Map<string, string> {
  return new Map(caches.map((cache) => [cache.variable, `${folder}/${cache.directory}`]));
}
