/** A connection to the daemon that runs, of whatever build; the commands around the daemon never start one by the way. */
import { connect, type Greeted } from '../client.ts';
import { build } from './build.ts';
import type { Caller } from './run-arguments.ts';

export function findRunningDaemon(caller: Caller, client: string): Promise<Greeted | undefined> {
  return connect({ env: caller.env, build, client });
}
