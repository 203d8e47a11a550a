/**
 * Tells whether a template still shows the host as it is: mounts made or removed since, pinned files replaced, protected
 * names or credentials that appeared or lead elsewhere, sockets that services opened. Cheap enough to ask before every
 * command.
 */
import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { HostFacts } from './facts.ts';
import type { SessionPlan } from './plan.ts';
import { findSockets } from './sockets.ts';
import { isWithin } from './within.ts';

/** A reading of the kernel's socket table costs more than all else here, so a burst of commands reads it once. */
const socketIntervalMs = 500;
/** The same for the folders in which a policy's patterns were looked for. */
const searchIntervalMs = 500;

function identify(place: string): string {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  return stat === undefined ? '-' : `${stat.dev}:${stat.ino}:${stat.mode & 0o170000}`;
}

/** Not which file it is: tools replace their files of credentials all the time, and those stay hidden. */
function classify(place: string): string {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return '-';
  return stat.isSymbolicLink() ? `link to ${resolve(place)}` : stat.isDirectory() ? 'folder' : 'file';
}

function resolve(place: string): string {
  try {
    return realpathSync(place);
  } catch {
    return '-';
  }
}

/** Gives equal texts as long as nothing that matters to the template changed. */
export type Fingerprint = () => string;

export function watchHost(plan: SessionPlan, facts: HostFacts): Fingerprint {
  const maskedByMount = plan.masks.map((mask) => mask.path);
  const replaced = [
    ...new Set([
      ...[...plan.held, ...plan.pins, ...plan.gitFolders, ...facts.absentPins, ...maskedByMount],
      // what is shown of a hidden folder is a mount, which falls off
      ...plan.overlays.flatMap((place) => place.exceptions.map((name) => path.join(place.path, name))),
    ]),
  ];
  const folders = [...new Set(facts.lookedFor.map((place) => path.dirname(place)))];
  const linkedFolders = folders.filter((folder) => resolve(folder) !== folder && facts.folders.has(resolve(folder)));
  const readSearches = remember(() => facts.searches.map((each) => each.look()).join('\n'), searchIntervalMs);
  const readSockets = remember(() => findReachableSockets(plan).join('\n'), socketIntervalMs);
  return () =>
    [
      ...replaced.map(identify),
      ...facts.lookedFor.map(classify),
      ...linkedFolders.map(resolve),
      readSockets(),
      readSearches(),
      readMounts(),
    ].join('\n');
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    return ''; // no table: never equal to an earlier one that had it
  }
}

/** Host sockets that a command could connect to, were they not hidden or all sockets blocked when the template was made. */
function findReachableSockets(plan: SessionPlan): string[] {
  const targets = plan.writable.map(({ target }) => target);
  const closed = [...plan.freshFolders, '/run', '/dev', '/proc', ...plan.overlays.map((place) => place.path)];
  return findSockets(
    plan.workspace,
    (address) =>
      !address.startsWith('/') ||
      targets.some((target) => isWithin(target, address)) ||
      !closed.some((folder) => isWithin(folder, address)),
  ).sort();
}

function remember(read: () => string, intervalMs: number): () => string {
  let value: string | undefined;
  let readAt = 0;
  return () => {
    const now = performance.now();
    if (value === undefined || now - readAt >= intervalMs) {
      value = read();
      readAt = now;
    }
    return value;
  };
}
