/**
 * The private directories of one user: where the socket, state and caches live. Each is 0700 and owned by the user; a
 * directory that somebody else made first (anyone can create a name under the temporary directory) is refused.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';
import { isPrivateDirectory } from '../../client/protocol/run-directory.ts';

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
  isPrivateDirectory(directory, uid);
}
