/** `sbx kill`: stops runs and waits until they have ended, or sends them one signal. */
import type { Connection } from '../connection.ts';
import { SbxError } from '../protocol/errors.ts';
import type { RunSignal } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { statuses } from './exit-status.ts';
import { type FoundRun, listRuns } from './find-run.ts';
import { pickRun } from './pick-run.ts';
import { formatError } from './report.ts';

/** Tells when runs of one daemon end. What they still put out is taken, so that nothing keeps them waiting. */
class Endings {
  readonly #connection: Connection;
  readonly #waiting = new Map<string, { readonly run: number; readonly resolve: () => void }>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.listen({
      onEvent: ({ runId, seq, event }) => {
        connection.acknowledge(runId, seq + 1);
        if (event.type === 'exited') this.#waiting.get(runId)?.resolve();
      },
      onOutput: ({ run, seq }) => {
        for (const [runId, waiting] of this.#waiting) if (waiting.run === run) connection.acknowledge(runId, seq + 1);
      },
      // A daemon that is gone has taken its runs along.
      onLost: () => {
        for (const { resolve } of this.#waiting.values()) resolve();
      },
    });
  }

  /** @throws {SbxError} */
  async stop({ runId, run, nextSeq }: FoundRun['info']): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#waiting.set(runId, { run, resolve }));
    await this.#connection.request('run.attach', { runId, fromSeq: nextSeq });
    try {
      await this.#connection.request('run.stop', { runId });
    } catch (error) {
      if (!(error instanceof SbxError && error.code === 'run-ended')) throw error;
    }
    await ended;
  }
}

/** 0 when every run was found and took it. @throws {SbxError} */
export async function killRuns(
  caller: Caller,
  names: readonly string[],
  signal: RunSignal | undefined,
): Promise<number> {
  const { found, close } = await listRuns(caller, 'sbx kill', { ended: true });
  const endings = new Map<Connection, Endings>();
  const act = async (name: string): Promise<void> => {
    const { connection, info } = pickRun(found, name);
    if (signal !== undefined) {
      await connection.request('run.signal', { runId: info.runId, signal });
      return;
    }
    if (info.state === 'ended') return;
    const ending = endings.get(connection) ?? new Endings(connection);
    endings.set(connection, ending);
    await ending.stop(info);
  };
  const outcomes = await Promise.allSettled([...new Set(names)].map(act));
  close();
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  for (const failure of failures) process.stderr.write(`${formatError(failure)}\n`);
  return failures.length === 0 ? 0 : statuses.failed;
}
