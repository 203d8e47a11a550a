/**
 * Closes what the daemon's starter left open. A descriptor without close-on-exec would reach every sandboxed command,
 * and an open directory outside undoes every path rule (openat, /proc/self/fd).
 */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;

/** Descriptors above 2 that a started program would inherit. */
export function findInheritableDescriptors(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((descriptor) => {
      if (descriptor <= 2) return false;
      try {
        const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
        return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
      } catch {
        return false; // the descriptor of the listing itself
      }
    });
}

/** To be called once, first thing in the daemon, before anything of its own is open. Returns what was closed. */
export function closeInheritedDescriptors(keep: readonly number[] = []): number[] {
  const found = findInheritableDescriptors().filter((descriptor) => !keep.includes(descriptor));
  for (const descriptor of found) closeSync(descriptor);
  return found;
}
