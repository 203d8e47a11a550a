/**
 * Whether a file is what the machine's administrator put there: it and everything on the way to it belongs to root and
 * nobody else can write it. Attack it stands against: a file or link that another account leaves where managed policy is
 * looked for, to grant itself something in everybody's name.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface FileLook {
  readonly kind: 'directory' | 'file' | 'link' | 'other';
  readonly uid: number;
  readonly mode: number;
  /** Of a link. */
  readonly target: string;
}

/** Undefined when there is nothing. @throws what the file system says */
export type LookAt = (place: string) => FileLook | undefined;

export const lookAtFile: LookAt = (place) => {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const link = stat.isSymbolicLink();
  const kind = link ? 'link' : stat.isDirectory() ? 'directory' : stat.isFile() ? 'file' : 'other';
  return { kind, uid: stat.uid, mode: stat.mode, target: link ? readlinkSync(place) : '' };
};

/** As many as the kernel follows. Source: path_resolution(7). */
const maxLinks = 40;

/** Why the file is not the administrator's own, as the end of a sentence; undefined when it is. */
export function findOwnerObjection(file: string, lookAt: LookAt = lookAtFile): string | undefined {
  const rest = file.split('/').filter((name) => name !== '');
  let place = '/';
  let links = 0;
  const objectTo = (look: FileLook): string | undefined => {
    if (look.uid !== 0) return `\`${place}\` does not belong to root`;
    if (look.kind !== 'link' && (look.mode & 0o022) !== 0) return `others than root can write \`${place}\``;
    return undefined;
  };
  const root = lookAt(place);
  const first = root === undefined ? '`/` cannot be seen' : objectTo(root);
  if (first !== undefined) return first;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '.') continue;
    // The folders above have been looked at on the way.
    const parent = place;
    place = name === '..' ? path.dirname(place) : path.join(place, name);
    const look = lookAt(place);
    if (look === undefined) return `\`${place}\` does not exist`;
    const objection = objectTo(look);
    if (objection !== undefined) return objection;
    if (look.kind !== 'link') continue;
    if (++links > maxLinks) return `\`${file}\` leads through too many links`;
    rest.unshift(...look.target.split('/').filter((part) => part !== ''));
    place = look.target.startsWith('/') ? '/' : parent;
  }
  return undefined;
}
