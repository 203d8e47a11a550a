/**
 * Private files without a name. Output can hold secrets: a file is created exclusively with mode 0600 in the daemon's own
 * directory and unlinked before the first byte is written, so nobody can open it and nothing of it outlives the daemon,
 * however that ends. A test passes a disk of its own that fails when told.
 */
import * as fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export interface SpillFile {
  /** Writes all of it. */
  readonly write: (bytes: Buffer, position: number) => Promise<void>;
  /** Fills `into`, or rejects. */
  readonly read: (into: Buffer, position: number) => Promise<void>;
  readonly close: () => void;
}

export interface SpillDisk {
  readonly create: () => Promise<SpillFile>;
}

const open = promisify(fs.open);
const unlink = promisify(fs.unlink);

type Transfer = (
  fd: number,
  bytes: Buffer,
  at: number,
  length: number,
  position: number,
  done: (error: Error | null, count: number) => void,
) => void;
const write: Transfer = fs.write;
const read: Transfer = fs.read;

async function transferAll(transfer: Transfer, fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const count = await new Promise<number>((resolve, reject) => {
      transfer(fd, bytes, at, bytes.length - at, position + at, (error, done) =>
        error ? reject(error) : resolve(done),
      );
    });
    // A write that takes nothing, or a file shorter than what was written to it.
    if (count === 0) throw new Error('EIO: a spill file took or gave no bytes');
    at += count;
  }
}

const namePattern = /^[0-9]+-[0-9]+\.spill$/;
let created = 0;

/** Removes what a daemon left that was killed between creating a file and unlinking it. */
function sweep(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (namePattern.test(name)) fs.rmSync(path.join(directory, name), { force: true });
  }
}

/** `directory` exists, is 0700 and belongs to this daemon alone. */
export function createSpillDisk(directory: string): SpillDisk {
  sweep(directory);
  return {
    create: async () => {
      const name = path.join(directory, `${process.pid}-${++created}.spill`);
      const fd = await open(name, 'wx+', 0o600);
      try {
        await unlink(name);
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      return {
        write: (bytes, position) => transferAll(write, fd, bytes, position),
        read: (into, position) => transferAll(read, fd, into, position),
        close: () => fs.close(fd, () => undefined),
      };
    },
  };
}
