/** `sbx status`: the running daemon in a few lines. */
import type { Result, SessionInfo } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import { formatBytes, formatTime } from './amounts.ts';
import { build } from './build.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { findRunningDaemon } from './running-daemon.ts';

export function formatSandbox(sandbox: Result<'status'>['sandbox'], paint: Paint): string {
  const help = sandbox.help === undefined ? '' : `; ${showText(sandbox.help)}`;
  const word = sandbox.available ? paint.green('available') : paint.red('not available');
  return `sandbox   ${word}: ${showText(sandbox.message)}${help}`;
}

/** A line for each wall that this machine lacks although the sandbox works. */
function formatLacks({ checks }: Result<'status'>['sandbox']): string[] {
  return checks
    .filter(({ ok, optional }) => !ok && optional === true)
    .map(({ name, message }) => `          without ${name}: ${showText(message)}; sbx doctor says what helps`);
}

function count(amount: number, one: string): string {
  return `${amount} ${one}${amount === 1 ? '' : 's'}`;
}

/** Only what is not as it is by default. */
function formatSwitches(session: SessionInfo, paint: Paint): string[] {
  const { sandbox, autoAllow, mode, flags, env, grants } = session;
  const rules = (flags?.allow?.length ?? 0) + (flags?.ask?.length ?? 0) + (flags?.deny?.length ?? 0);
  return [
    ...(sandbox ? [] : [paint.red('sandbox off')]),
    ...(autoAllow === undefined ? [] : [`auto-allow ${autoAllow ? 'on' : 'off'}`]),
    ...(mode === undefined ? [] : [`mode ${mode}`]),
    ...(rules === 0 ? [] : [count(rules, 'rule')]),
    ...(flags?.offline === true ? ['offline'] : []),
    ...(flags?.policyFile === undefined ? [] : [`policy ${showText(flags.policyFile)}`]),
    ...(grants === 0 ? [] : [count(grants, 'grant')]),
    ...(env.length === 0 ? [] : [`env ${showText(env.join(' '))}`]),
  ];
}

function formatSession(session: SessionInfo, paint: Paint): string {
  const { workspace, fresh, cwd, liveRuns, clients, idleMs } = session;
  const place = workspace === undefined ? 'without a workspace' : showText(workspace);
  const use = liveRuns > 0 || clients > 0 ? `${count(liveRuns, 'run')}, ${count(clients, 'client')}` : 'unused';
  return [
    `session   ${place}${fresh ? ' (of its own)' : ''}: ${use}, idle ${formatTime(idleMs)}`,
    ...(cwd === workspace ? [] : [`in ${showText(cwd)}`]),
    ...formatSwitches(session, paint),
  ].join('; ');
}

function formatStatus(status: Result<'status'>, backgroundRuns: number, paint: Paint): string[] {
  const other =
    status.build === build ? '' : paint.yellow(' (another build than this sbx; the next sbx run replaces it)');
  return [
    `sbxd ${paint.bold(status.build)}${other}`,
    `process   ${status.pid}, up ${formatTime(status.uptimeMs)}, ${Math.round(status.rssBytes / 1e6)} MB`,
    `socket    ${showText(status.socket)}`,
    ...(status.listen === undefined ? [] : [`listens   on ${showText(status.listen)}`]),
    ...(status.listen === undefined ? [`ends      after ${status.idleMinutes} idle minutes`] : []),
    formatSandbox(status.sandbox, paint),
    ...formatLacks(status.sandbox),
    `clients   ${status.clients}`,
    `runs      ${status.liveRuns} live${backgroundRuns === 0 ? '' : ` (${backgroundRuns} in the background)`}, ${status.endedRuns} ended and remembered`,
    ...status.upstream.map((line) => `proxy     ${showText(line)}`),
    `output    ${formatBytes(status.heldBytes.memory)} held in memory, ${formatBytes(status.heldBytes.disk)} in files`,
    ...status.sessions.map((session) => formatSession(session, paint)),
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
  const [status, { runs }] = await Promise.all([connection.request('status', {}), connection.request('run.list', {})]);
  connection.close();
  const backgroundRuns = runs.filter(({ background }) => background).length;
  if (json) process.stdout.write(`${JSON.stringify({ running: true, ...status, backgroundRuns })}\n`);
  else process.stdout.write(`${formatStatus(status, backgroundRuns, choosePaint(1, caller.env)).join('\n')}\n`);
  return 0;
}
