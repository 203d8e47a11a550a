/** Which of what stands at protected names below the workspace's own folder the next session pins, and how many are left out. */
import path from 'node:path';
import type { Found } from './folder-index.ts';
import { exactText } from './raw-name.ts';

/** Mounts cost every command; those that are left out are watched like names that are absent. */
const maxPins = 160;
export interface Pins {
  readonly pins: readonly string[];
  /** How many more there are. */
  readonly left: number;
}

/** Repositories first. */
export function choosePins(found: readonly Found[], workspace: string): Pins {
  const nested = found.filter(
    (one) => one.since === 0 && one.segments.length > (one.kind === 'bare' ? 0 : 1) && isPinnable(one),
  );
  const paths = [...nested.filter(({ kind }) => kind !== 'name'), ...nested.filter(({ kind }) => kind === 'name')]
    .map((one) => exactText(one.segments.join('/')))
    .filter((name) => name !== undefined)
    .map((name) => path.join(workspace, name));
  return { pins: paths.slice(0, maxPins), left: Math.max(0, paths.length - maxPins) };
}

/** A link cannot be a mount point, and nobody waits for a pipe. */
function isPinnable({ shape }: Found): boolean {
  return shape === 'file' || shape === 'folder';
}
