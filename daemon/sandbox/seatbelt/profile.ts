/**
 * Compiles the plan of a session to a profile for macOS's sandbox-exec. Pure, and compared with written-out profiles by
 * the tests. Nothing here has been run on a Mac, and nothing starts it yet: `sbx run` says that macOS is not supported.
 *
 * A profile speaks of paths, not of mounts: what is hidden or protected is so also when it appears later, nothing falls off
 * at a rename, and a private `/tmp` is a folder that TMPDIR names. In a profile the last rule that fits decides.
 * Source: the profiles in /System/Library/Sandbox/Profiles and the comments in them; there is no public reference.
 */
import path from 'node:path';
import { SbxError } from '../../../client/protocol/errors.ts';
import type { SessionPlan } from '../plan/plan.ts';
import { isWithin } from '../plan/within.ts';

export interface SeatbeltPlace {
  /** Private folder of the session that stands for `/tmp`; links resolved (`/private/var/…`). */
  readonly temporaryFolder: string;
  /** Protected paths that do not exist: they must not appear either. */
  readonly absent: readonly string[];
}

/** What programs need of the system before they do anything: its settings, its time zone, the directory service. */
const services = [
  'com.apple.system.opendirectoryd.libinfo',
  'com.apple.system.opendirectoryd.membership',
  'com.apple.system.logger',
  'com.apple.system.notification_center',
  'com.apple.SecurityServer',
  'com.apple.trustd.agent',
  'com.apple.cfprefsd.daemon',
  'com.apple.cfprefsd.agent',
];

const devices = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', '/dev/tty', '/dev/ptmx', '/dev/dtracehelper'];

/**
 * A string of the profile language.
 * @throws {SbxError} `bad-workspace` for control characters, which the language has no sure way to write.
 */
function quote(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw new SbxError('bad-workspace', 'a path with a control character cannot be part of a sandbox profile', {
      help: 'rename the folder',
    });
  }
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The path itself and, where it is a folder, all below it. */
function tree(place: string): string {
  return `(subpath ${quote(place)})`;
}

function rule(effect: 'allow' | 'deny', operations: string, filters: readonly string[]): string[] {
  return filters.length === 0 ? [] : [`(${effect} ${operations}`, ...filters.map((filter) => `  ${filter}`), ')'];
}

interface Hidden {
  readonly places: readonly string[];
  readonly exceptions: readonly string[];
}

function listHidden(plan: SessionPlan): Hidden {
  const exceptions = [
    ...plan.overlays.flatMap((place) => place.exceptions.map((name) => path.join(place.path, name))),
    ...plan.masks.flatMap((mask) => mask.except.map(([name]) => path.join(mask.path, name))),
  ];
  const places = plan.overlays
    .filter((place) => place.emptied !== true)
    .flatMap((place) => [...place.whiteouts, ...place.topFiles].map((name) => path.join(place.path, name)));
  const all = [...places, ...plan.masks.map((mask) => mask.path)].filter((place) => !exceptions.includes(place));
  return { places: [...new Set(all)].sort(), exceptions: exceptions.sort() };
}

/** A folder that is hidden as a whole, what is seen in it all the same, and the folders on the way, of which only names are. */
function compileEmptied(plan: SessionPlan, writable: readonly string[]): string[] {
  const emptied = plan.overlays.filter((place) => place.emptied === true).map((place) => place.path);
  const seen = [...plan.overlays.map((place) => place.path), ...plan.gitFolders, ...writable].filter((place) =>
    emptied.some((folder) => place !== folder && isWithin(folder, place)),
  );
  const above = [...new Set([...emptied, ...foldersAbove(seen, emptied)])].sort();
  return [
    ...rule('deny', 'file-read* file-write*', emptied.map(tree)),
    ...rule(
      'allow',
      'file-read-metadata',
      emptied.length === 0 ? [] : above.map((folder) => `(literal ${quote(folder)})`),
    ),
    ...rule('allow', 'file-read*', [...new Set(seen)].sort().map(tree)),
  ];
}

/** Every folder above a path: renaming one would take the path along, out of the rule's sight. */
function foldersAbove(places: readonly string[], within: readonly string[]): string[] {
  const above = new Set<string>();
  for (const place of places) {
    for (let folder = path.dirname(place); within.some((top) => folder.startsWith(`${top}/`)); ) {
      above.add(folder);
      folder = path.dirname(folder);
    }
  }
  return [...above].sort();
}

/** @throws {SbxError} `bad-workspace` */
export function compileSeatbelt(plan: SessionPlan, { temporaryFolder, absent }: SeatbeltPlace): string {
  // folders are not seen under another name here, so a private one stands where it is
  const writable = [
    ...plan.writable.map((bind) => bind.source),
    ...(plan.caches === undefined ? [] : [plan.caches.source]),
    temporaryFolder,
  ];
  // there are no overlays here, so no run gets a copy of the repository that it may change
  const kept = [...new Set([...plan.pins, ...plan.gitFolders, ...absent])].sort();
  const { places, exceptions } = listHidden(plan);
  const lines = [
    '(version 1)',
    '(deny default)',
    '(allow process-exec process-fork)',
    '(allow signal process-info* (target same-sandbox))',
    '(allow sysctl-read)',
    '(allow ipc-posix-sem ipc-posix-shm)',
    '(allow pseudo-tty)',
    ...rule(
      'allow',
      'mach-lookup',
      services.map((name) => `(global-name ${quote(name)})`),
    ),
    '(allow file-read*)',
    ...compileEmptied(plan, writable),
    ...rule('allow', 'file-write*', writable.map(tree)),
    ...rule(
      'allow',
      'file-read* file-write-data file-ioctl',
      devices.map((device) => `(literal ${quote(device)})`),
    ),
    '(allow file-read* file-write* file-ioctl (regex #"^/dev/ttys[0-9]+$"))',
    ...rule('deny', 'file-write*', kept.map(tree)),
    ...rule(
      'deny',
      'file-write-unlink',
      [...new Set([...writable, ...plan.held, ...foldersAbove(kept, writable)])]
        .sort()
        .map((folder) => `(literal ${quote(folder)})`),
    ),
    ...rule('deny', 'file-read* file-write*', places.map(tree)),
    ...rule('allow', 'file-read*', exceptions.map(tree)),
    '(deny file-write-setugid)',
    '(allow network* (local ip "localhost:*"))',
    '(allow network-outbound (remote ip "localhost:*"))',
    ...(plan.unixSockets === 'allowed' ? rule('allow', 'network*', writable.map(tree)) : []),
  ];
  return `${lines.join('\n')}\n`;
}
