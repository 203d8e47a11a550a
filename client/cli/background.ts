/** What `sbx run --background` says of a run that goes on without us. */
import tty from 'node:tty';
import type { LiveRun } from './live-run.ts';
import { formatSentence } from './report.ts';
import { shortIdLength } from './short-ids.ts';

export function announceBackground(run: LiveRun): void {
  const { runId, view } = run;
  view.print(runId, { type: 'background', runId });
  if (!tty.isatty(2)) return;
  const id = runId.slice(0, shortIdLength);
  view.say(formatSentence('runs in the background', `sbx logs -f ${id} shows its output, sbx kill ${id} ends it`));
}
