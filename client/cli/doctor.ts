/** `sbx doctor`: tries the sandbox on this machine and says what it needs; asks the daemon when one runs. */
import type { Result } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';
import type { Caller } from './caller.ts';
import { choosePaint, type Paint } from './colour.ts';
import { formatSentence } from './report.ts';
import { findRunningDaemon } from './running-daemon.ts';
import { formatSandbox } from './status.ts';

type Probe = Result<'status'>['sandbox'];

async function probe(caller: Caller): Promise<Probe> {
  const greeted = await findRunningDaemon(caller, 'sbx doctor');
  if (!greeted) return (await import('../../daemon/offline.ts')).probeSandbox();
  const { connection, hello } = greeted;
  await hello;
  const { sandbox } = await connection.request('status', {});
  connection.close();
  return sandbox;
}

function formatCheck(check: Probe['checks'][number], paint: Paint): string[] {
  const mark = check.ok ? paint.green('ok   ') : check.optional ? paint.yellow('less ') : paint.red('fails');
  const text = `  ${mark} ${check.name}${check.ok ? '' : `: ${showText(check.message)}`}`;
  return check.ok || check.help === undefined ? [text] : [text, `        ${showText(check.help)}`];
}

export function formatProbe(sandbox: Probe, paint: Paint): string {
  return [formatSandbox(sandbox, paint), ...sandbox.checks.flatMap((check) => formatCheck(check, paint))].join('\n');
}

/** 1 when the sandbox cannot be used. */
export async function runDoctor(caller: Caller, wish: { json: boolean; fix: boolean }): Promise<number> {
  if (wish.fix) {
    const repairs = await (await import('../../daemon/offline.ts')).fixSandbox();
    for (const repair of repairs) process.stderr.write(`${formatSentence(`${repair.package}: ${repair.message}`)}\n`);
  }
  const sandbox = await probe(caller);
  process.stdout.write(
    wish.json ? `${JSON.stringify(sandbox)}\n` : `${formatProbe(sandbox, choosePaint(1, caller.env))}\n`,
  );
  return sandbox.available ? 0 : 1;
}
