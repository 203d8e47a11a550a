/** How a program sees that it runs inside a sandbox of ours. */

/** Source name of a tmpfs that every session has. A mount and not a variable: anyone can set or clear those. */
export const sessionMountSource = 'sbx-session';

/** @param mounts text of /proc/self/mountinfo. Source: proc(5): the type and the source follow a lone dash. */
export function showsSession(mounts: string): boolean {
  return mounts.split('\n').some((line) => / - tmpfs (\S+) /.exec(line)?.[1] === sessionMountSource);
}
