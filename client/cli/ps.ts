/** `sbx ps`: the runs of this user's daemons, the newest last. */
import os from 'node:os';
import tty from 'node:tty';
import type { RunInfo } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import { formatBytes, formatTime } from './amounts.ts';
import type { Caller } from './caller.ts';
import { listRuns } from './find-run.ts';
import { shortenIds } from './short-ids.ts';
import { cutText, layOut } from './table.ts';

const head = ['RUN', 'STATE', 'AGE', 'OUTPUT', 'FOLDER', 'TAGS', 'COMMAND'];

const maxFolderCells = 30;

export function formatState({ state, exit }: Pick<RunInfo, 'state' | 'exit'>): string {
  if (state !== 'ended' || !exit) return state;
  switch (exit.reason) {
    case 'exited':
      return `exit ${exit.code ?? '?'}`;
    case 'signalled':
      return exit.signal ?? `exit ${exit.code ?? '?'}`;
    case 'cancelled':
    case 'daemon-stopped':
      return 'stopped';
    case 'sandbox-failed':
      return 'failed';
    default:
      return exit.reason;
  }
}

function formatFolder(folder: string, home: string | undefined): string {
  const shown = home !== undefined && (folder === home || folder.startsWith(`${home}/`));
  return showText(shown ? `~${folder.slice(home.length)}` : folder);
}

export function formatRuns(
  runs: readonly RunInfo[],
  { now, home, width }: { readonly now: number; readonly home: string | undefined; readonly width: number },
): string[] {
  const ids = shortenIds(runs.map(({ runId }) => runId));
  const rows = runs.map((run) => [
    ids.get(run.runId) ?? run.runId,
    formatState(run),
    formatTime(Math.max(0, now - run.startedAt)),
    formatBytes(run.outputBytes),
    Number.isFinite(width) ? cutText(formatFolder(run.cwd, home), maxFolderCells) : formatFolder(run.cwd, home),
    showText(run.tags.join(' ')),
    run.shell ? 'sbx shell' : showText(run.command),
  ]);
  return layOut(head, rows, width);
}

/** The exit status. @throws {SbxError} */
export async function showRuns(caller: Caller, { all, json }: { all: boolean; json: boolean }): Promise<number> {
  const { found, close } = await listRuns(caller, 'sbx ps', { ended: all });
  close();
  const runs = found.map(({ info }) => info);
  if (json) {
    process.stdout.write(`${JSON.stringify(runs)}\n`);
    return 0;
  }
  if (runs.length === 0) return 0;
  const width = tty.isatty(1) ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  const lines = formatRuns(runs, { now: Date.now(), home: caller.env['HOME'] ?? os.homedir(), width });
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
