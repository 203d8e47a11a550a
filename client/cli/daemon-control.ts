/** `sbx daemon start` and `sbx daemon stop`. */
import { readFileSync } from 'node:fs';
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

/** Ended but not yet collected by its parent is over: whoever is init in a container may take its time. */
function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text[text.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return process.platform !== 'linux' && canSignal(pid);
  }
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
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
