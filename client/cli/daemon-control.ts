/** `sbx daemon start` and `sbx daemon stop`. */
import { connect } from '../client.ts';
import { SbxError } from '../protocol/errors.ts';
import { build, findDaemonScript } from './build.ts';
import type { Caller } from './run-arguments.ts';
import { findRunningDaemon } from './running-daemon.ts';

export async function startedDaemon(caller: Caller): Promise<number> {
  const greeted = await connect({ env: caller.env, build, client: 'sbx daemon', daemonScript: findDaemonScript() });
  if (!greeted) return 1;
  const hello = await greeted.hello;
  greeted.connection.close();
  process.stdout.write(`sbxd ${hello.build} runs as process ${hello.pid}\n`);
  return 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A daemon closes its connections first and its sessions after that; it is over when its process is. */
const endTimeoutMs = 15_000;

async function waitForEnd(pid: number): Promise<void> {
  for (const deadline = Date.now() + endTimeoutMs; isAlive(pid); ) {
    if (Date.now() > deadline) {
      throw new SbxError('daemon-unreachable', `the daemon (process ${pid}) does not end`, { help: `kill ${pid}` });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function stopDaemon(caller: Caller, when: 'drain' | 'now'): Promise<number> {
  const greeted = await findRunningDaemon(caller, 'sbx daemon');
  if (!greeted) {
    process.stdout.write('no daemon runs\n');
    return 0;
  }
  const { connection, hello } = greeted;
  const { pid } = await hello;
  const lost = new Promise<void>((resolve) => connection.listen({ onLost: () => resolve() }));
  try {
    await connection.request('daemon.stop', { when });
  } catch (error) {
    if (!(error instanceof SbxError && error.code === 'daemon-lost')) throw error;
  }
  await lost;
  await waitForEnd(pid);
  process.stdout.write(`stopped sbxd (process ${pid})\n`);
  return 0;
}
