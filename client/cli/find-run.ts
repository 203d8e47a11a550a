/** The runs of this user, whichever of the daemons has them. */
import type { Connection } from '../connection.ts';
import type { RunInfo } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { pickRun } from './pick-run.ts';
import { findRunningDaemons } from './running-daemon.ts';

export interface FoundRun {
  /** To the daemon that has it. */
  readonly connection: Connection;
  readonly info: RunInfo;
}

export interface Runs {
  readonly found: readonly FoundRun[];
  /** Ends every connection but those to be kept. */
  readonly close: (...kept: readonly Connection[]) => void;
}

/** The runs of every daemon of this user; none where no daemon runs. @throws {SbxError} */
export async function listRuns(caller: Caller, client: string, { ended }: { readonly ended: boolean }): Promise<Runs> {
  const daemons = await findRunningDaemons(caller, client);
  const close = (...kept: readonly Connection[]) => {
    for (const { connection } of daemons) if (!kept.includes(connection)) connection.close();
  };
  const lists = await Promise.all(
    daemons.map(async ({ connection, hello }) => {
      await hello;
      const { runs } = await connection.request('run.list', ended ? { ended } : {});
      return runs.map((info) => ({ connection, info }));
    }),
  ).catch((error: unknown) => {
    close();
    throw error;
  });
  return { found: lists.flat().sort((a, b) => a.info.startedAt - b.info.startedAt), close };
}

/** @throws {SbxError} as `pickRun` */
export async function findRun(caller: Caller, client: string, name: string): Promise<FoundRun> {
  const runs = await listRuns(caller, client, { ended: true });
  try {
    const run = pickRun(runs.found, name);
    runs.close(run.connection);
    return run;
  } catch (error) {
    runs.close();
    throw error;
  }
}
