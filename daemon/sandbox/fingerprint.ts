/**
 * Tells whether a template still shows the host as it is: mounts made or removed since, pinned files replaced, protected
 * names that appeared. Cheap enough to ask before every command.
 */
import { lstatSync, readFileSync } from 'node:fs';
import type { HostFacts } from './facts.ts';
import type { SessionPlan } from './plan.ts';

function identify(place: string): string {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  return stat === undefined ? '-' : `${stat.dev}:${stat.ino}:${stat.mode & 0o170000}`;
}

/** Paths whose replacement makes a template stale. */
export function listWatchedPaths(plan: SessionPlan, facts: HostFacts): string[] {
  const maskedByMount = plan.masks.map((mask) => mask.path);
  return [...new Set([...plan.held, ...plan.pins, ...facts.absentPins, ...maskedByMount, ...facts.unlayered])];
}

/** Equal texts: nothing that matters changed. */
export function takeFingerprint(watched: readonly string[]): string {
  let mounts = '';
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'latin1');
  } catch {
    // no table: never equal to an earlier one that had it
  }
  return `${watched.map(identify).join('\n')}\n${mounts}`;
}
