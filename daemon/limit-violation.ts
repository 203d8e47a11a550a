/**
 * Explains a failed command by a limit that the kernel held. It ends a process by a signal of the limit's own, which is
 * certain, or refuses a call, which only shows in what the program says of it in the words of the C library.
 */
import type { Violation } from '../client/protocol/events.ts';
import type { LimitName } from '../client/protocol/limit-names.ts';
import { describeLimit, howToRaise, type Limits } from './decide/limits.ts';

/** Statuses of a shell for SIGXCPU and SIGXFSZ. Source: signal(7), numbers of x86 and ARM */
const byStatus: ReadonlyMap<number, LimitName> = new Map([
  [128 + 24, 'cpuSeconds'],
  [128 + 25, 'fileBytes'],
]);

/** What `strerror` says for EFBIG, EMFILE, and, of a call that makes a process or thread, EAGAIN. */
const byWords: readonly (readonly [words: RegExp, name: LimitName])[] = [
  [/File too large/, 'fileBytes'],
  [/Too many open files(?! in system)|EMFILE/, 'openFiles'],
  [/(?:fork|clone|spawn|pthread_create|thread)[^\n]*(?:Resource temporarily unavailable|EAGAIN)/i, 'processes'],
];

export function findLimitViolation(
  { code, errorTail }: { readonly code: number; readonly errorTail: string },
  limits: Limits,
): Violation | undefined {
  const name = byStatus.get(code) ?? byWords.find(([words, each]) => limits[each] && words.test(errorTail))?.[1];
  const limit = name && limits[name];
  if (name === undefined || limit === undefined) return undefined;
  return {
    kind: 'limit',
    target: name,
    message: `a process reached ${describeLimit(name, limit)}`,
    howToAllow: howToRaise(name, limit),
  };
}
