/** Where what is sbx's own lies inside a session: folders that only the template uses, and those that commands meet. */

/** Commands see it, and cannot write it. */
export const own = '/run/sbx';
/** Where mounts wait until the place is ready that they move to; gone before the first command. */
export const stash = '/run/.sbx-stash';
export const emptyFile = `${own}/empty-file`;
export const emptyFolder = `${own}/empty-folder`;
/** What the overlays of hidden places consist of. */
export const layers = `${own}/layers`;
/** Where whiteouts are made: the names that they hide, what the kernel works in, and both seen together. */
export const making = { names: `${own}/names`, work: `${own}/work`, view: `${own}/view` } as const;
export const hostStaged = `${stash}/staged`;
/**
 * INVARIANT(staged-is-covered): every command mounts its own /dev/shm, below which this lies. Only what starts commands
 * reaches it.
 */
export const insideStaged = '/dev/shm/staged';
/** Private folder of the caches; and where a cache of the host is bound, so that its path is in no option. */
export const cacheLayers = `${stash}/caches`;
export const hostCache = `${stash}/cache`;
/**
 * The /dev of commands, made once: without a disk, a console, or the memory of the machine. The host's own stays where it is
 * in the template, out of sight of commands: bubblewrap looks there for the name of a terminal.
 */
export const sessionDevices = `${own}/dev`;

/** Of each slot of the session's network: how names are resolved. */
export const resolverFile = (slot: number): string => `${own}/net/${slot}`;
/** Of the machine, for commands. Without a dot, so that no domain is put behind a name without one. */
export const hostName = 'sbx';
export const hostsFile = `${own}/hosts`;

/** The folder of a mask that shows a part of what it covers. */
export function maskLayer(index: number): string {
  return `${own}/masks/${index}`;
}

/** The layer of an overlay: `top` is put above what is there, `hide` takes names of it away. */
export function layerOf(index: number): string {
  return `${layers}/${index}`;
}
