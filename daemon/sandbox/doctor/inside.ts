/** Whether this process is itself inside a sandbox of ours. */
import { sessionMountSource } from '../../../client/protocol/inside.ts';
import { readMountTable } from '../../platform/mount-table.ts';

/** INVARIANT(inside-is-seen): by a mount that every template has, not by a variable that anyone can set or clear. */
export function isInsideSandbox(): boolean {
  try {
    return readMountTable('self').some((mount) => mount.type === 'tmpfs' && mount.source === sessionMountSource);
  } catch {
    return false;
  }
}
