/** Connections to daemons that run, of whatever build; the commands around the daemon never start one by the way. */
import { connect, findSocketPath, findSocketPaths, type Greeted, isElsewhere } from '../connect.ts';
import { openConnection } from '../dial.ts';
import { SbxError } from '../protocol/errors.ts';
import { protocolVersion } from '../protocol/limits.ts';
import { build } from './build.ts';
import type { Caller } from './caller.ts';

export function findRunningDaemon(caller: Caller, client: string): Promise<Greeted | undefined> {
  return connect({ env: caller.env, build, client });
}

/** Undefined when it ends just now. */
async function greetDrained(socketPath: string, client: string): Promise<Greeted | undefined> {
  try {
    const connection = await openConnection(socketPath);
    const hello = connection?.request('hello', { protocol: protocolVersion, build, client });
    await hello;
    return connection && hello && { connection, hello };
  } catch (error) {
    if (error instanceof SbxError && error.code === 'daemon-lost') return undefined;
    throw error;
  }
}

/** The daemon first, then those that take no new runs any more and only wait for the end of their last ones. */
export async function findRunningDaemons(caller: Caller, client: string): Promise<readonly Greeted[]> {
  const daemon = await findRunningDaemon(caller, client);
  const main = findSocketPath(caller.env);
  const others = isElsewhere(caller.env) ? [] : findSocketPaths(caller.env).filter((socketPath) => socketPath !== main);
  const drained = await Promise.all(others.map((socketPath) => greetDrained(socketPath, client)));
  return [daemon, ...drained].filter((greeted) => greeted !== undefined);
}
