/**
 * Claims the daemon's socket so that exactly one daemon answers on it. The socket is bound under a name of its own and
 * put in place with `link`, which fails when the name is taken: two daemons started at once cannot both succeed, and a
 * client never sees a socket that nobody listens on yet. Source: link(2), unix(7).
 */
import { linkSync, lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';
import { assertSocketPath, drainedSocketPath, isDrainedSocketName } from '../../client/protocol/run-directory.ts';

/** Connections that wait to be taken. The kernel's own bound (net.core.somaxconn) holds as well. */
const backlog = 1024;

export interface ClaimedSocket {
  /** Where it is now. */
  readonly path: () => string;
  /** False once another daemon has put its own socket in this place. */
  readonly isOurs: () => boolean;
  /** Leaves the place to a new daemon and answers beside it from now on. A bound socket keeps working under a new name. */
  readonly moveAside: () => void;
  readonly release: () => void;
}

function isAnswering(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // EAGAIN and the like come from a daemon that is only busy: its queue of connections is full.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function removeIfSame(socketPath: string, inode: number): void {
  const aside = `${socketPath}.stale.${process.pid}`;
  try {
    renameSync(socketPath, aside);
    // A live daemon may have taken the name between the look and the rename: give it back.
    if (lstatSync(aside).ino !== inode) linkSync(aside, socketPath);
    unlinkSync(aside);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Sockets that drained daemons left behind when they were killed. */
async function removeDead(directory: string): Promise<void> {
  for (const name of readdirSync(directory).filter(isDrainedSocketName)) {
    const socketPath = path.join(directory, name);
    const found = lstatSync(socketPath, { throwIfNoEntry: false });
    if (found?.isSocket() && !(await isAnswering(socketPath))) removeIfSame(socketPath, found.ino);
  }
}

/** The main name as long as nobody else has it, else the one beside it. */
function hold(socketPath: string, inode: number): ClaimedSocket {
  let place = socketPath;
  const isOurs = () => lstatSync(place, { throwIfNoEntry: false })?.ino === inode;
  return {
    path: () => place,
    isOurs,
    moveAside: () => {
      const aside = drainedSocketPath(socketPath, process.pid);
      if (place === aside || !isOurs()) return;
      renameSync(place, aside);
      place = aside;
    },
    release: () => {
      if (isOurs()) unlinkSync(place);
    },
  };
}

/**
 * Undefined when another daemon already answers there.
 * @throws {SbxError} `run-directory` when the path is too long or the directory cannot be written.
 */
export async function claimSocket(server: Server, socketPath: string): Promise<ClaimedSocket | undefined> {
  const own = path.join(path.dirname(socketPath), `.${process.pid}.sock`);
  assertSocketPath(socketPath);
  assertSocketPath(own);
  assertSocketPath(drainedSocketPath(socketPath, process.pid));
  try {
    unlinkSync(own);
  } catch {
    // nothing of an earlier process with this id was left
  }
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: own, backlog }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new SbxError(
      'run-directory',
      `cannot listen in \`${path.dirname(socketPath)}\`: ${(error as Error).message}`,
      {
        help: 'make the directory writable, or set XDG_RUNTIME_DIR to one of your own',
        cause: error,
      },
    );
  } finally {
    process.umask(mask);
  }
  const inode = lstatSync(own).ino;
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      linkSync(own, socketPath);
      unlinkSync(own);
      await removeDead(path.dirname(socketPath));
      return hold(socketPath, inode);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const found = lstatSync(socketPath, { throwIfNoEntry: false });
      if (!found) continue;
      if (await isAnswering(socketPath)) break;
      removeIfSame(socketPath, found.ino);
    }
  }
  server.close();
  try {
    unlinkSync(own);
  } catch {
    // closing the server removes its own name on most systems
  }
  return undefined;
}
