/** `sbx doctor`: tries the sandbox on this machine and says what it needs; asks the daemon when one runs. */
import type { Result } from '../protocol/messages.ts';
import { choosePaint } from './colour.ts';
import type { Caller } from './run-arguments.ts';
import { findRunningDaemon } from './running-daemon.ts';
import { formatSandbox } from './status.ts';

async function probe(caller: Caller): Promise<Result<'status'>['sandbox']> {
  const greeted = await findRunningDaemon(caller, 'sbx doctor');
  if (!greeted) return (await import('../../daemon/offline.ts')).probeSandbox();
  const { connection, hello } = greeted;
  await hello;
  const { sandbox } = await connection.request('status', {});
  connection.close();
  return sandbox;
}

/** 1 when the sandbox cannot be used. */
export async function runDoctor(caller: Caller, json: boolean): Promise<number> {
  const sandbox = await probe(caller);
  process.stdout.write(
    json ? `${JSON.stringify(sandbox)}\n` : `${formatSandbox(sandbox, choosePaint(1, caller.env))}\n`,
  );
  return sandbox.available ? 0 : 1;
}
