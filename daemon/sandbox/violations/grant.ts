/**
 * The narrowest grant that lets a command do what it could not: the file itself where it is there, else the nearest folder
 * that can be granted without giving away more than the command wanted. Where no such grant exists, what to do instead.
 */
import path from 'node:path';
import { isWithin } from '../plan/within.ts';
import type { HostLook } from './host-look.ts';

/** Folders of the home that hold those of many programs. */
const sharedFolders = ['.config', '.cache', '.local', '.local/bin', '.local/share', '.local/state'];
const systemFolders = /^\/(?:etc|usr|boot|bin|sbin|lib[^/]*|root|home)(?:\/|$)/u;

/** Granted whole, it would open what other programs and accounts keep there. */
function isTooWide(folder: string, home: string): boolean {
  return (
    isWithin(folder, home) ||
    sharedFolders.some((name) => folder === path.join(home, name)) ||
    path.dirname(folder) === '/' ||
    (systemFolders.test(folder) && !isWithin(home, folder))
  );
}

/** As policy files write a path. Undefined where it would be read as a pattern. */
export function writeForPolicy(place: string, home: string): string | undefined {
  if (/[*?[\]{}\\!]/u.test(place)) return undefined;
  return JSON.stringify(home !== '/' && isWithin(home, place) ? `~${place.slice(home.length)}` : place);
}

const outside = 'if it is meant, run it outside the sandbox';

/** @param changesFolder the command made, removed or renamed the entry. */
export function proposeWrite(place: string, changesFolder: boolean, home: string, host: HostLook): string {
  const kind = host.kindOf(place);
  const granted =
    kind === 'file' && !changesFolder ? place : kind === 'folder' && !changesFolder ? place : path.dirname(place);
  const existing = host.kindOf(granted) !== 'absent';
  if (isTooWide(place, home) || (systemFolders.test(place) && !isWithin(home, place))) return outside;
  if (isTooWide(granted, home) || !existing) {
    // nothing narrower than a whole home can be granted before the place is there
    const first = existing ? place : firstMissing(place, host);
    const text = writeForPolicy(first, home);
    if (text === undefined || isTooWide(first, home)) return outside;
    return kind === 'absent'
      ? `make ${JSON.parse(text) as string} outside the sandbox first, then ${grant('allowWrite', text)}`
      : outside;
  }
  if (!host.mayWrite(granted)) return 'only another account may write there, with or without the sandbox';
  const text = writeForPolicy(granted, home);
  return text === undefined ? outside : grant('allowWrite', text);
}

function firstMissing(place: string, host: HostLook): string {
  const above = path.dirname(place);
  return above === '/' || host.kindOf(above) !== 'absent' ? place : firstMissing(above, host);
}

export function proposeRead(place: string, home: string): string {
  const text = writeForPolicy(place, home);
  return text === undefined ? outside : `${grant('allowRead', text)}, which shows it to every command`;
}

/** @param name of the protected path, relative to the workspace. */
export function proposeUnprotect(name: string): string {
  const text = writeForPolicy(name, '/');
  return text === undefined ? outside : `${outside}, or set "sandbox": {"unprotect": [${text}]} in your policy file`;
}

function grant(key: 'allowRead' | 'allowWrite', text: string): string {
  return `set "sandbox": {"filesystem": {"${key}": [${text}]}} in your policy file`;
}
