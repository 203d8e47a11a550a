/** Which places inside writable folders are to be read-only: each as the path where its mount would lie. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { ExpandedFiles } from './expand-files.ts';
import { kindOf, resolveParent, tryRealpath } from './places.ts';

/** A pin needs every component to be real: through a link the mount would land elsewhere. */
export function findProtected(workspace: string, names: readonly string[]): { present: string[]; absent: string[] } {
  const present: string[] = [];
  const absent: string[] = [];
  for (const name of names) {
    const place = path.join(workspace, name);
    const parent = path.dirname(place);
    if (tryRealpath(parent) !== parent) continue;
    const kind = kindOf(place);
    if (kind === 'absent') absent.push(place);
    else if (kind !== 'link') present.push(place);
  }
  return { present, absent };
}

/** What the policy adds to the pins, each at the place where a mount would lie. */
export function findPins(files: ExpandedFiles): { places: string[]; loose: string[]; because: Map<string, string> } {
  const because = new Map<string, string>();
  const loose: string[] = [];
  for (const { path: place, rule } of files.pin) {
    const named = resolveParent(place);
    const real = kindOf(named) === 'link' ? tryRealpath(named) : named;
    if (real === undefined || kindOf(real) === 'absent') continue;
    because.set(real, rule.because);
    if (rule.byName) loose.push(real);
  }
  return { places: [...because.keys()], loose, because };
}

/** What is left of a pin when a path in it, or it itself, is lifted: everything beside the path keeps a pin. */
export function liftPin(pin: string, lifted: readonly string[]): string[] {
  if (lifted.includes(pin)) return [];
  if (!lifted.some((place) => place.startsWith(`${pin}/`))) return [pin];
  return readdirSync(pin, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .flatMap((entry) => liftPin(path.join(pin, entry.name), lifted));
}
