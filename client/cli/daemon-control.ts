/** `sbx daemon start` and `sbx daemon stop`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { connect, type Greeted, isElsewhere } from '../connect.ts';
import { SbxError } from '../protocol/errors.ts';
import { build, findDaemonScript } from './build.ts';
import type { Caller } from './caller.ts';
import { describeDrain } from './drain-notice.ts';
import { findRunningDaemon, findRunningDaemons } from './running-daemon.ts';

/** Options of `sbx daemon start` that the daemon is given as they are. */
export interface ListenOptions {
  readonly listen?: string;
  readonly tokenFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly allowHost?: readonly string[];
  readonly insecureListen?: true;
}

const clientName = 'sbx daemon';

function assertHere(caller: Caller): void {
  if (!isElsewhere(caller.env)) return;
  throw new SbxError('bad-usage', 'SBX_DAEMON names a daemon elsewhere, which is started and stopped there', {
    help: 'unset SBX_DAEMON for the daemon of this machine',
  });
}

/** The daemon starts in another folder, so files are named from the root. */
function toDaemonOptions(options: ListenOptions, caller: Caller): string[] {
  const file = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`--${name}=${path.resolve(caller.cwd(), value)}`];
  return [
    ...(options.listen === undefined ? [] : [`--listen=${options.listen}`]),
    ...file('token-file', options.tokenFile),
    ...file('tls-cert', options.tlsCert),
    ...file('tls-key', options.tlsKey),
    ...(options.allowHost ?? []).map((name) => `--allow-host=${name}`),
    ...(options.insecureListen ? ['--insecure-listen'] : []),
  ];
}

async function readListen({ connection, hello }: Greeted): Promise<{ pid: number; build: string; listen?: string }> {
  const { pid, build } = await hello;
  const { listen } = await connection.request('status', {});
  return { pid, build, ...(listen === undefined ? {} : { listen }) };
}

/** A daemon cannot be told to listen after it was started, and one that runs commands is not restarted by the way. */
async function assertCanListen(wanted: string, caller: Caller): Promise<void> {
  const greeted = await findRunningDaemon(caller, clientName);
  if (!greeted) return;
  const running = await readListen(greeted);
  greeted.connection.close();
  // One of another build is replaced anyway.
  if (running.build !== build || running.listen?.endsWith(`://${wanted}`)) return;
  const where = running.listen === undefined ? 'does not listen on TCP' : `listens on \`${running.listen}\``;
  throw new SbxError('bad-listen', `a daemon runs already and ${where}`, {
    help: 'sbx daemon stop, then start it again',
  });
}

export async function startedDaemon(caller: Caller, options: ListenOptions): Promise<number> {
  assertHere(caller);
  const daemonOptions = toDaemonOptions(options, caller);
  if (options.listen !== undefined) await assertCanListen(options.listen, caller);
  else if (daemonOptions.length > 0) {
    throw new SbxError('bad-usage', `\`${daemonOptions[0]?.replace(/=.*/s, '')}\` says nothing without \`--listen\``, {
      help: 'add --listen HOST:PORT',
    });
  }
  const greeted = await connect({
    env: caller.env,
    build,
    client: clientName,
    daemonScript: findDaemonScript(),
    daemonOptions,
  });
  if (!greeted) return 1;
  const running = await readListen(greeted);
  greeted.connection.close();
  if (options.listen !== undefined && running.listen === undefined) {
    throw new SbxError('bad-listen', 'another program started a daemon at the same time, without TCP', {
      help: 'sbx daemon stop, then start it again',
    });
  }
  const where = running.listen === undefined ? '' : ` and listens on ${running.listen}`;
  process.stdout.write(`sbxd ${running.build} runs as process ${running.pid}${where}\n`);
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

async function stopOne({ connection, hello }: Greeted, when: 'drain' | 'now'): Promise<void> {
  const { pid } = await hello;
  const notice = when === 'drain' ? await describeDrain(connection) : undefined;
  if (notice !== undefined) process.stderr.write(`${notice}\n`);
  const lost = new Promise<void>((resolve) => connection.listen({ onLost: () => resolve() }));
  try {
    await connection.request('daemon.stop', { when });
    await lost;
  } catch (error) {
    if (!(error instanceof SbxError && error.code === 'daemon-lost')) throw error;
  }
  await waitForEnd(pid);
  process.stdout.write(`stopped sbxd (process ${pid})\n`);
}

/** With `now` those too that were drained and still run something. */
export async function stopDaemon(caller: Caller, when: 'drain' | 'now'): Promise<number> {
  assertHere(caller);
  const found = when === 'now' ? findRunningDaemons(caller, clientName) : [await findRunningDaemon(caller, clientName)];
  const daemons = (await found).filter((greeted) => greeted !== undefined);
  for (const greeted of daemons) await stopOne(greeted, when);
  if (daemons.length === 0) process.stdout.write('no daemon runs\n');
  return 0;
}
