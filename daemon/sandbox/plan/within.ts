/** How paths lie to each other. All are absolute and normal. */
import path from 'node:path';

/** The folder itself, or in it. */
export function isWithin(folder: string, candidate: string): boolean {
  return candidate === folder || candidate.startsWith(folder === '/' ? '/' : `${folder}/`);
}

export function isStrictlyWithin(folder: string, candidate: string): boolean {
  return candidate !== folder && isWithin(folder, candidate);
}

/** Folders from below `folder` down to the parent of `leaf`, as relative names. */
export function foldersBetween(folder: string, leaf: string): string[] {
  const names = path
    .relative(folder, path.dirname(leaf))
    .split('/')
    .filter((name) => name !== '');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Outer places first. */
export function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}
