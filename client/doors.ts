/**
 * Where a client finds its daemon: this user's own, started when none runs, or one at an address. A running daemon of
 * another build is used as it is: a library inside an agent does not replace what the person's own sbx is using.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findSocketPath, findSocketPaths } from './connect.ts';
import type { Connection } from './connection.ts';
import { openConnection } from './dial.ts';
import type { TcpDestination } from './dial-tcp.ts';
import { SbxError } from './protocol/errors.ts';
import { isPrivateDirectory } from './protocol/run-directory.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Doors {
  /** For a client that has nothing to come back to. Undefined when nobody listens and none could be started. */
  readonly enter: () => Promise<Connection | undefined>;
  /** Behind which the daemon of before may be, the likeliest first. None: it has ended. */
  readonly find: () => readonly (() => Promise<Connection | undefined>)[];
}

/** A daemon that is just ending may take a connection and drop it. */
const maxDropped = 20;
const droppedPauseMs = 20;

/** The bundled daemon lies in the folder above this file's bundle, whose chunks are one deeper. */
function findDaemonScript(): string | undefined {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  return ['..', '../..'].map((up) => path.join(folder, up, 'sbxd.js')).find((file) => existsSync(file));
}

async function open(socketPath: string): Promise<Connection | undefined> {
  if (!isPrivateDirectory(path.dirname(socketPath), process.getuid?.() ?? -1)) return undefined;
  for (let dropped = 0; ; dropped++) {
    try {
      return await openConnection(socketPath);
    } catch (error) {
      if (!(error instanceof SbxError && error.code === 'daemon-lost') || dropped === maxDropped) throw error;
      await new Promise((resolve) => setTimeout(resolve, droppedPauseMs));
    }
  }
}

/** A daemon that was replaced runs on behind another name until its last run has ended, so a client looks there as well. */
export function localDoors(env: Environment, daemonScript: string | undefined): Doors {
  return {
    enter: async () => {
      const running = await open(findSocketPath(env));
      const script = daemonScript ?? findDaemonScript();
      if (running || script === undefined) return running;
      const { startDaemon } = await import('./start-daemon.ts');
      await startDaemon(script, env);
      return open(findSocketPath(env));
    },
    find: () => findSocketPaths(env).map((socketPath) => () => open(socketPath)),
  };
}

/** Behind an address there may be a proxy, so that nobody answers is no proof that the daemon has ended. */
export function remoteDoors(destination: TcpDestination): Doors {
  const enter = async () => (await import('./dial-tcp.ts')).openTcpConnection(destination);
  return { enter, find: () => [enter] };
}
