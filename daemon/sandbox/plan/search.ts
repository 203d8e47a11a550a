/**
 * Looks for the files that patterns of a policy mean: once when a template is made, and again, folder by folder, for what
 * has changed since. Links are never followed, so a tree cannot lead out of itself or have no end.
 */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FileRule } from '../../decide/file-rules.ts';

/** Names that one search looks at; a larger tree needs a narrower pattern. */
export const maxSearched = 200_000;
/** Folders that are looked at again for later files: so many take some milliseconds, and commands wait for it. */
const maxWatched = 256;

export interface Search {
  readonly found: readonly string[];
  /** It ended before it had seen everything. */
  readonly cut: boolean;
  /** Later files are not seen in all folders. */
  readonly partlyWatched: boolean;
  /** Equal texts as long as the same files are there. */
  readonly look: () => string;
}

interface Folder {
  readonly place: string;
  changed: number;
  matches: readonly string[];
  folders: readonly string[];
}

export async function search(rule: FileRule): Promise<Search> {
  const watched: Folder[] = [];
  const found: string[] = [];
  let seen = 0;
  let folders = 0;
  const waiting = [rule.top];
  for (let place = waiting.shift(); place !== undefined && seen < maxSearched; place = waiting.shift()) {
    const changed = changedAt(place);
    if (changed === undefined) continue;
    const entries = await readdir(place, { withFileTypes: true }).catch(() => []);
    seen += entries.length;
    folders++;
    const sorted = sort(rule, place, entries);
    found.push(...sorted.matches);
    waiting.push(...sorted.folders);
    if (watched.length < maxWatched) watched.push({ place, changed, ...sorted });
  }
  return {
    found,
    cut: seen >= maxSearched,
    partlyWatched: folders > watched.length,
    look: () => lookAgain(rule, watched),
  };
}

/** A folder that has not changed holds the names that it held. */
function lookAgain(rule: FileRule, watched: Folder[]): string {
  for (const folder of [...watched]) {
    const changed = changedAt(folder.place);
    if (changed === folder.changed) continue;
    const known = new Set(folder.folders);
    folder.changed = changed ?? -1;
    Object.assign(folder, sort(rule, folder.place, readEntries(folder.place)));
    const fresh = folder.folders.filter((each) => !known.has(each));
    for (const place of fresh) addFolder(rule, place, watched);
  }
  return watched
    .flatMap(({ matches }) => matches)
    .sort()
    .join('\n');
}

function addFolder(rule: FileRule, place: string, watched: Folder[]): void {
  const waiting = [place];
  for (let next = waiting.pop(); next !== undefined && watched.length < maxWatched; next = waiting.pop()) {
    const changed = changedAt(next);
    if (changed === undefined) continue;
    const sorted = sort(rule, next, readEntries(next));
    watched.push({ place: next, changed, ...sorted });
    waiting.push(...sorted.folders);
  }
}

function readEntries(place: string): Dirent[] {
  try {
    return readdirSync(place, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Undefined for what is no folder. */
function changedAt(place: string): number | undefined {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  return stat?.isDirectory() ? stat.ctimeMs : undefined;
}

/**
 * What is installed, and git's own objects, hold many files and no secrets of the project: a mount in there would only
 * keep them from being replaced. A pattern that names such a folder looks into it.
 */
function isSkipped(rule: FileRule, place: string): boolean {
  const name = path.basename(place);
  const isInstalled = name === 'node_modules' || (name === 'objects' && path.basename(path.dirname(place)) === '.git');
  return isInstalled && !rule.text.includes(name);
}

function sort(rule: FileRule, folder: string, entries: readonly Dirent[]): Pick<Folder, 'matches' | 'folders'> {
  const matches: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const place = path.join(folder, entry.name);
    // A link to a folder covers what it leads to as a folder would.
    if (rule.covers(place)) matches.push(place);
    else if (entry.isDirectory() && !isSkipped(rule, place) && rule.mayHold(place)) folders.push(place);
  }
  return { matches, folders };
}
