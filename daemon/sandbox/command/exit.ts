/** Tells how a command ended from what bubblewrap, the processes that carried it and the daemon itself know. */
import os from 'node:os';
import type { ProcessExit } from '../model.ts';

/**
 * bubblewrap reports `exit 137` and death by SIGKILL alike, so `signal` is set only for what the daemon sent.
 * @param code what the command ended with, when it began.
 */
export function describeExit(
  code: number | undefined,
  carrierCode: number | undefined,
  sent: ReadonlySet<NodeJS.Signals>,
  sessionEnded: boolean,
  message: string,
): ProcessExit {
  const matching = [...sent].find((name) => (code ?? carrierCode) === 128 + os.constants.signals[name]);
  if (code === undefined && carrierCode !== undefined && matching !== undefined) {
    return { code: carrierCode, signal: matching, failure: undefined };
  }
  if (code !== undefined) return { code, signal: matching, failure: undefined };
  if (sent.has('SIGKILL')) return { code: 137, signal: 'SIGKILL', failure: undefined };
  if (sessionEnded) return { code: 137, signal: undefined, failure: 'the session ended before the command did' };
  const failure =
    carrierCode === undefined
      ? 'the sandbox was ended from outside before the command began'
      : explainFailure(message, carrierCode);
  return { code: carrierCode ?? 137, signal: undefined, failure };
}

function explainFailure(message: string, carrierCode: number): string {
  const folder = /^bwrap: Can't chdir to (.*): No such file or directory$/m.exec(message)?.[1];
  if (folder !== undefined) {
    const own = ['/tmp', '/var/tmp', '/run'].find((place) => folder === place || folder.startsWith(`${place}/`));
    const why = own === undefined ? '' : `: \`${own}\` is the session's own, not the host's`;
    return `the folder \`${folder}\` is not there inside the sandbox${why}`;
  }
  const said = message.trim().replaceAll('\n', '; ');
  return `the sandbox could not start the command (${said === '' ? `status ${carrierCode}` : said})`;
}
