/** The token file that the daemon makes for itself when none was named. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';

export function defaultTokenFile(stateDirectory: string): string {
  return path.join(stateDirectory, 'token');
}

/** One that is there already stays as it is. @throws {SbxError} `bad-listen` */
export function ensureTokenFile(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new SbxError('bad-listen', `the token file \`${file}\` cannot be made: ${(error as Error).message}`, {
      help: 'name one with --token-file',
      cause: error,
    });
  }
  try {
    writeSync(fd, `${randomBytes(32).toString('base64url')}\n`);
  } catch (error) {
    unlinkSync(file);
    throw new SbxError('bad-listen', `the token file \`${file}\` cannot be written: ${(error as Error).message}`, {
      help: 'make room, or name one with --token-file',
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}
