/**
 * Whose rights a session has. A daemon that runs as root gives commands the rights of the workspace's owner: with root's
 * uid inside, limits on processes are not enforced, password hashes are readable and setuid-root files can be made.
 */
import { stat } from 'node:fs/promises';
import os from 'node:os';
import { findTool, runTool } from '../../platform/spawn.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** Absolute; need not exist. */
  readonly home: string;
  /** The system knows the account, so its groups can be taken on. */
  readonly known: boolean;
}

/** One line of passwd(5). */
export function parseAccount(line: string): Account | undefined {
  const [name, , uid, gid, , home] = line.trim().split(':');
  if (!name || !uid || !gid || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home: home?.startsWith('/') ? home : '/nonexistent', known: true };
}

/** The account that commands of a session with this workspace run as. */
export async function findAccount(workspace: string | undefined): Promise<Account> {
  const self = process.getuid?.() ?? 0;
  const owner = self === 0 && workspace !== undefined ? await stat(workspace) : undefined;
  const uid = owner?.uid ?? self;
  const getent = findTool('getent');
  const found =
    getent === undefined ? undefined : parseAccount((await runTool([getent, 'passwd', String(uid)])).stdout);
  if (found !== undefined) return found;
  if (uid === self) {
    // not os.userInfo(): it throws where the account database does not know the uid, as in many containers
    return { uid, gid: process.getgid?.() ?? uid, name: String(uid), home: findOwnHome(), known: false };
  }
  return { uid, gid: owner?.gid ?? uid, name: String(uid), home: '/nonexistent', known: false };
}

function findOwnHome(): string {
  try {
    return os.homedir();
  } catch {
    return '/nonexistent';
  }
}

/** Prefix of an argv that gives up root for the account; empty where there is nothing to give up. */
export function asAccount(account: Account, tool: (name: string) => string): string[] {
  if (process.getuid?.() !== 0 || account.uid === 0) return [];
  const groups = account.known ? '--init-groups' : '--clear-groups';
  return [tool('setpriv'), `--reuid=${account.uid}`, `--regid=${account.gid}`, groups];
}
