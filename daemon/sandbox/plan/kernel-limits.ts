/** What the running kernel limits, and how much of it a session can be given. */
import { readFileSync } from 'node:fs';

export function readInotifyLimit(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  } catch {
    return 0;
  }
}

/**
 * Since Linux 6.14 each pid namespace has a highest process number of its own. Before, writing it changed the host's,
 * which root may do from inside a namespace: so it is not tried, and an unknown version counts as an old one.
 * Source: Linux 7863dcc72d0f "pid: allow pid_max to be set per pid namespace".
 */
export function limitsNumbers(release: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 14);
}
