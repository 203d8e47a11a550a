/**
 * Finds what the file rules of a policy mean on this machine now: which files are to be hidden, shown, read-only or
 * writable. What cannot be held is an error where the policy says it of the sandbox, and a remark where a rule for
 * decisions cannot be carried over in full; nothing is left out silently.
 */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../../client/protocol/errors.ts';
import type { FileRule } from '../../decide/file-rules.ts';
import { maxSearched, type Search, search } from './search.ts';

export interface FoundFile {
  /** As the pattern met it; the last name may be a link. */
  readonly path: string;
  readonly rule: FileRule;
}

export interface ExpandedFiles {
  readonly hide: readonly FoundFile[];
  /** Existing, links resolved. */
  readonly show: readonly FoundFile[];
  readonly pin: readonly FoundFile[];
  /** Existing folders, links resolved. */
  readonly open: readonly FoundFile[];
  readonly unprotect: readonly FileRule[];
  readonly searches: readonly Search[];
  /** What is not held, for `sbx plan`. */
  readonly remarks: readonly string[];
}

export const noFiles: ExpandedFiles = {
  ...{ hide: [], show: [], pin: [], open: [] },
  ...{ unprotect: [], searches: [], remarks: [] },
};

export interface ExpandPlaces {
  readonly home: string;
  readonly workspace: string | undefined;
  /** Protected at any depth, relative. */
  readonly protectedPaths: readonly string[];
}

/** Nothing could run without them, or everybody's commands would be changed. */
const systemFolders = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/etc',
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/boot',
];
const sharedFolders = ['/', '/home', '/root', '/tmp', '/var', '/var/tmp', '/opt', '/srv', '/mnt', '/media'];

/** @throws {SbxError} `bad-policy` */
export async function expandFiles(rules: readonly FileRule[], places: ExpandPlaces): Promise<ExpandedFiles> {
  const searches: Search[] = [];
  const remarks: string[] = [];
  const found: Record<'hide' | 'show' | 'pin' | 'open', FoundFile[]> = { hide: [], show: [], pin: [], open: [] };
  for (const rule of rules) {
    const { effect } = rule;
    if (effect === 'unprotect') continue;
    for (const place of await findMatches(rule, places, searches, remarks)) {
      const file = effect === 'show' || effect === 'open' ? resolveGrant(rule, place, places, remarks) : place;
      if (file === undefined) continue;
      if ((effect === 'hide' || effect === 'pin') && !canRestrict(rule, place, places, remarks)) continue;
      found[effect].push({ path: file, rule });
    }
  }
  const unprotect = rules.filter(({ effect }) => effect === 'unprotect');
  return { ...found, unprotect, searches, remarks };
}

async function findMatches(
  rule: FileRule,
  { home, workspace }: ExpandPlaces,
  searches: Search[],
  remarks: string[],
): Promise<readonly string[]> {
  if (rule.literal) {
    if (rule.effect === 'pin' && kindOf(rule.top) === 'absent') {
      remarks.push(`${rule.because}: \`${rule.top}\` is not there, so a command can make it`);
    }
    return [rule.top];
  }
  const scope = narrowed(rule, home, workspace);
  if (scope === undefined) {
    remarks.push(`${rule.because}: holds for decisions only, because the sandbox would have to look at every file`);
    return [];
  }
  if (scope !== rule) remarks.push(`${rule.because}: the sandbox looks for it in the workspace only`);
  const result = await search(scope);
  searches.push(result);
  if (result.cut) {
    const message = `${rule.because}: more than ${maxSearched} files lie below \`${scope.top}\``;
    if (rule.mustHold) throw new SbxError('bad-policy', message, { help: 'name a folder further down in the pattern' });
    remarks.push(`${message}, and those found later are not held`);
  }
  if (rule.effect === 'hide' && result.partlyWatched) {
    remarks.push(`${rule.because}: too many folders to notice every file that is made while the session is open`);
  }
  if (rule.effect === 'pin') remarks.push(`${rule.because}: a command can make a new file of such a name`);
  return result.found;
}

/** A rule for decisions may speak about the whole machine; a sandbox that read all of it for that would never start. */
function narrowed(rule: FileRule, home: string, workspace: string | undefined): FileRule | undefined {
  if (rule.top !== '/' && rule.top !== home) return rule;
  // A pattern of one depth looks into few folders, wherever they are.
  if (!rule.mayHold(path.join(rule.top, '\0', '\0', '\0'))) return rule;
  return workspace === undefined ? undefined : { ...rule, top: workspace };
}

function kindOf(place: string): 'folder' | 'file' | 'link' | 'absent' {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  return stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'file';
}

function resolve(place: string): string | undefined {
  try {
    return realpathSync.native(place);
  } catch {
    return undefined;
  }
}

export function isWithinFolder(folder: string, place: string): boolean {
  return place === folder || place.startsWith(folder === '/' ? '/' : `${folder}/`);
}

/**
 * Attack: a checkout brings `.env` as a link to `/usr`, and a rule that hides `.env` hides every program; or a rule covers
 * what the command itself starts in.
 */
function canRestrict(rule: FileRule, place: string, { home, workspace }: ExpandPlaces, remarks: string[]): boolean {
  const real = resolve(place);
  if (real === undefined) return true;
  const realHome = resolve(home) ?? home;
  // a home may be reached by a link, and is meant all the same
  const isLink = real !== place && place !== home && kindOf(place) === 'link';
  if (rule.effect === 'pin') {
    if (isLink) remarks.push(`${rule.because}: the link \`${place}\` can be replaced, what it leads to is read-only`);
    return true;
  }
  const isLinkAbove = isLink && [workspace, realHome].some((each) => each !== undefined && isWithinFolder(real, each));
  const isSystem =
    [...systemFolders, ...sharedFolders.filter((each) => each === '/' || each !== realHome)].includes(real) ||
    (isLink && isWithinAny(systemFolders, real));
  if (real !== workspace && !isLinkAbove && !isSystem) return true;
  if (rule.mustHold && !isLink) {
    throw new SbxError('bad-policy', `${rule.because}: \`${real}\` cannot be hidden, nothing could run without it`, {
      help: 'name what is to be hidden in it',
    });
  }
  remarks.push(`${rule.because}: holds for decisions only, because nothing could run without \`${real}\``);
  return false;
}

function isWithinAny(folders: readonly string[], place: string): boolean {
  return folders.some((folder) => isWithinFolder(folder, place));
}

/** Grants are about what is there, and about what it really is. */
function resolveGrant(
  rule: FileRule,
  place: string,
  { home, protectedPaths, workspace }: ExpandPlaces,
  remarks: string[],
): string | undefined {
  const real = resolve(place);
  if (real === undefined) {
    remarks.push(`${rule.because}: \`${place}\` is not there`);
    return undefined;
  }
  // RULES P6: the name and what it leads to must both be granted, or a link would choose what is.
  if (real !== place && !rule.covers(real) && kindOf(place) === 'link') {
    remarks.push(`${rule.because}: \`${place}\` leads to \`${real}\`, which it does not name`);
    return undefined;
  }
  if (rule.effect === 'show') return real;
  if (workspace !== undefined && isWithinFolder(workspace, real)) return undefined;
  const refuse = (message: string, help: string): SbxError =>
    new SbxError('bad-policy', `${rule.because}: \`${real}\` ${message}`, { help });
  if (isWithinAny(systemFolders, real) || sharedFolders.includes(real) || isWithinFolder(real, home)) {
    throw refuse('cannot be made writable: it is a home or belongs to the system', 'name the folder that is meant');
  }
  if (kindOf(real) !== 'folder') throw refuse('is no folder', 'name the folder that holds it');
  const name = protectedPaths.find((each) => `${real}/`.toLowerCase().includes(`/${each.toLowerCase()}/`));
  if (name !== undefined) {
    remarks.push(`${rule.because}: \`${real}\` stays read-only, \`${name}\` is protected (\`sandbox.unprotect\`)`);
    return undefined;
  }
  return real;
}
