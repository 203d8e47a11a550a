/**
 * What a run may use where nobody says otherwise: generous, so that no build meets it, and low enough that a mistake does
 * not take the machine along. A run has no time limit of its own, because nobody knows how long a command may take; and
 * none on memory, because when that runs out the kernel ends commands before other programs.
 */
import type { LimitName } from '../../client/protocol/limit-names.ts';

export const builtInLimits: { readonly [K in LimitName]?: number } = {
  // Threads count: a browser has hundreds, a build of a large project on many cores a few thousand.
  processes: 4096,
  // Some programs close every descriptor up to the limit at their start, so more is not better.
  openFiles: 65_536,
  // Memory in the end: what is there may be swapped, but belongs to nobody's process.
  tmpBytes: 2 * 1024 ** 3,
};
