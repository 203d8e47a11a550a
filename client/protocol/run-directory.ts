/**
 * Where a user's daemon listens: one function for both sides, so that client and daemon never look in different places.
 * Attack it stands against: anyone can make a name under the temporary directory first and answer there as "the daemon".
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from './errors.ts';

export interface RunDirectoryFacts {
  /** Value of XDG_RUNTIME_DIR. Taken only when it is a directory of this user. */
  readonly runtimeDirectory: string | undefined;
  readonly temporaryDirectory: string;
  readonly uid: number;
}

/** `sun_path` holds 108 bytes with its end mark. Source: unix(7) */
export const maxSocketPathBytes = 107;

export function findRunDirectory(facts: RunDirectoryFacts): string {
  const { runtimeDirectory: runtime, uid } = facts;
  if (runtime !== undefined && path.isAbsolute(runtime)) {
    const status = lstatSync(runtime, { throwIfNoEntry: false });
    if (status?.isDirectory() && status.uid === uid) return path.join(runtime, 'sbx');
  }
  return path.join(facts.temporaryDirectory, `sbx-${uid}`);
}

export function socketPathIn(runDirectory: string): string {
  return path.join(runDirectory, 'sbxd.sock');
}

/** Where a daemon that makes room for a new one is reached until its last run has ended. */
export function drainedSocketPath(socketPath: string, pid: number): string {
  return path.join(path.dirname(socketPath), `sbxd.${pid}.sock`);
}

export function isDrainedSocketName(name: string): boolean {
  return /^sbxd\.[0-9]+\.sock$/.test(name);
}

/** @throws {SbxError} `run-directory` when a socket cannot have this path. */
export function assertSocketPath(socketPath: string): void {
  if (Buffer.byteLength(socketPath) <= maxSocketPathBytes) return;
  throw new SbxError('run-directory', `the socket path \`${socketPath}\` is longer than ${maxSocketPathBytes} bytes`, {
    help: 'set XDG_RUNTIME_DIR to a shorter directory of your own',
  });
}

/**
 * False when there is no such directory yet.
 * @throws {SbxError} `run-directory` when it is not a private directory of this user.
 */
export function isPrivateDirectory(directory: string, uid: number): boolean {
  const status = lstatSync(directory, { throwIfNoEntry: false });
  if (!status) return false;
  if (status.isDirectory() && status.uid === uid && (status.mode & 0o077) === 0) return true;
  const found = !status.isDirectory()
    ? 'is not a directory'
    : status.uid !== uid
      ? `belongs to user id ${status.uid}`
      : 'can be entered by other users';
  throw new SbxError('run-directory', `\`${directory}\` ${found}, so nothing private can be kept in it`, {
    help:
      status.isDirectory() && status.uid === uid
        ? `chmod 700 ${directory}`
        : 'remove it, or set XDG_RUNTIME_DIR to a directory of your own',
  });
}
