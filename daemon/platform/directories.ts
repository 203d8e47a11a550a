/**
 * The private directories of one user: where the socket, state and caches live. Each is 0700 and owned by the user; a
 * directory that somebody else made first (anyone can create a name under the temporary directory) is refused.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';

/** Makes the directory when it is absent. @throws {SbxError} `run-directory` when it cannot be ours. */
export function ensurePrivateDirectory(directory: string, uid: number): void {
  try {
    mkdirSync(path.dirname(directory), { recursive: true });
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new SbxError('run-directory', `cannot create the directory \`${directory}\`: ${(error as Error).message}`, {
        help: 'make its parent writable, or point XDG_RUNTIME_DIR, XDG_STATE_HOME or XDG_CACHE_HOME elsewhere',
        cause: error,
      });
    }
  }
  const status = lstatSync(directory);
  if (!status.isDirectory() || status.uid !== uid || (status.mode & 0o077) !== 0) {
    const found = !status.isDirectory()
      ? 'is not a directory'
      : status.uid !== uid
        ? `belongs to user id ${status.uid}`
        : 'can be entered by other users';
    throw new SbxError('run-directory', `\`${directory}\` ${found}, so nothing private can be kept in it`, {
      help: status.uid === uid ? `chmod 700 ${directory}` : 'remove it, or set XDG_RUNTIME_DIR to a directory of your own',
    });
  }
}
