/** `sbx status`: the running daemon in a few lines. */
import type { Result } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import { build } from './build.ts';
import { choosePaint, type Paint } from './colour.ts';
import type { Caller } from './run-arguments.ts';
import { findRunningDaemon } from './running-daemon.ts';

function formatTime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

export function formatSandbox(sandbox: Result<'status'>['sandbox'], paint: Paint): string {
  const help = sandbox.help === undefined ? '' : `; ${showText(sandbox.help)}`;
  const word = sandbox.available ? paint.green('available') : paint.red('not available');
  return `sandbox   ${word}: ${showText(sandbox.message)}${help}`;
}

function formatStatus(status: Result<'status'>, paint: Paint): string[] {
  const other =
    status.build === build ? '' : paint.yellow(' (another build than this sbx; the next sbx run replaces it)');
  return [
    `sbxd ${paint.bold(status.build)}${other}`,
    `process   ${status.pid}, up ${formatTime(status.uptimeMs)}, ${Math.round(status.rssBytes / 1e6)} MB`,
    `socket    ${showText(status.socket)}`,
    `ends      after ${status.idleMinutes} idle minutes`,
    formatSandbox(status.sandbox, paint),
    `runs      ${status.liveRuns}`,
    ...status.sessions.map(
      (session) =>
        `session   ${showText(session.workspace ?? 'without a workspace')}: ${session.liveRuns} runs, idle ${formatTime(session.idleMs)}`,
    ),
  ];
}

/** 1 when no daemon runs. */
export async function showStatus(caller: Caller, json: boolean): Promise<number> {
  const greeted = await findRunningDaemon(caller, 'sbx status');
  if (!greeted) {
    process.stdout.write(json ? '{"running":false}\n' : 'no daemon runs; sbx run starts one\n');
    return 1;
  }
  const { connection, hello } = greeted;
  await hello;
  const status = await connection.request('status', {});
  connection.close();
  if (json) process.stdout.write(`${JSON.stringify({ running: true, ...status })}\n`);
  else process.stdout.write(`${formatStatus(status, choosePaint(1, caller.env)).join('\n')}\n`);
  return 0;
}
