/** Says what a daemon that takes no new runs is waiting for, and how not to wait. */
import type { Connection } from '../connection.ts';
import { formatSentence } from './report.ts';
import { shortenIds } from './short-ids.ts';

const maxShown = 5;

/** Undefined when nothing runs there. @throws {SbxError} */
export async function describeDrain(connection: Connection): Promise<string | undefined> {
  const { runs } = await connection.request('run.list', {});
  if (runs.length === 0) return undefined;
  const background = runs.filter((run) => run.background).length;
  const ids = [...shortenIds(runs.map(({ runId }) => runId)).values()];
  return formatSentence(
    `waits for ${runs.length === 1 ? 'one run' : `${runs.length} runs`}${background === 0 ? '' : ` (${background} in the background)`}`,
    `end ${runs.length === 1 ? 'it' : 'them'} with sbx kill ${ids.slice(0, maxShown).join(' ')}${ids.length > maxShown ? ' …' : ''}, or sbx daemon stop --now`,
  );
}
