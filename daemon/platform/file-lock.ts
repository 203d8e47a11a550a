/**
 * Lets one process at a time read a file, change it and write it back: two `sbx trust` in two terminals, or an answer of
 * "always" while `sbx rules remove` runs. Without it the later writer takes the earlier one's change away, unseen.
 */
import { closeSync, constants, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';

/** What is done under a lock takes milliseconds, one fsync included; an older one was left behind by a crash. */
const staleAfterMs = 5_000;
const giveUpAfterMs = 15_000;
const pauseMs = 5;

/**
 * Not `flock(2)`, which Node does not have. A lock that is left behind by a crash costs the next writer five seconds.
 * @throws {SbxError} `bad-policy` when the lock does not become free; what the file system says; whatever `change` throws
 */
export function whileLocked<T>(file: string, change: () => T): T {
  const lock = path.join(path.dirname(file), `.${path.basename(file)}.lock`);
  takeLock(lock);
  try {
    return change();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): void {
  mkdirSync(path.dirname(lock), { recursive: true, mode: 0o700 });
  const started = performance.now();
  while (!createLock(lock)) {
    if (ageOf(lock) > staleAfterMs) rmSync(lock, { force: true });
    else if (performance.now() - started > giveUpAfterMs) {
      throw new SbxError('bad-policy', `another sbx has been changing the file for long: \`${lock}\``, {
        help: 'try again; remove that file if no sbx runs',
      });
    } else pause();
  }
}

function createLock(lock: string): boolean {
  try {
    closeSync(openSync(lock, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** By the file system's own clock as far as this machine's agrees with it; a lock from the future is not stale. */
function ageOf(lock: string): number {
  const stat = statSync(lock, { throwIfNoEntry: false });
  return stat === undefined ? 0 : Date.now() - stat.mtimeMs;
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
}
