/**
 * Finds the other paths of a place. Where the host shows one file system twice (a bind mount, a mounted subvolume and
 * the file system's top), a credential hidden at one path would be readable at the other.
 */
import path from 'node:path';
import { findMountAt, type Mount } from '../../platform/mount-table.ts';

/** Paths, other than the given one, at which the same file is or would appear. */
export function findAliases(mounts: readonly Mount[], place: string): string[] {
  const at = findMountAt(mounts, place);
  if (at === undefined) return [];
  const inside = path.join(at.root, path.relative(at.path, place));
  return mounts
    .filter((mount) => mount.device === at.device && (inside === mount.root || isBelow(mount.root, inside)))
    .map((mount) => ({ mount, alias: path.join(mount.path, path.relative(mount.root, inside)) }))
    .filter(({ mount, alias }) => alias !== place && findMountAt(mounts, alias)?.id === mount.id)
    .map(({ alias }) => alias);
}

function isBelow(folder: string, candidate: string): boolean {
  return candidate.startsWith(folder === '/' ? '/' : `${folder}/`);
}
