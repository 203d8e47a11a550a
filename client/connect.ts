/**
 * Gets a greeted connection to this user's daemon: finds it, starts it when none runs, and replaces one of another build
 * without disturbing what that one still runs. With `SBX_DAEMON` set it is the daemon at that address instead.
 */
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Connection } from './connection.ts';
import { openConnection } from './dial.ts';
import { SbxError } from './protocol/errors.ts';
import { protocolVersion } from './protocol/limits.ts';
import type { Params, Result } from './protocol/messages.ts';
import {
  assertSocketPath,
  findRunDirectory,
  isDrainedSocketName,
  isPrivateDirectory,
  socketPathIn,
} from './protocol/run-directory.ts';

export interface ConnectOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Build of this client; a daemon of another one is replaced. */
  readonly build: string;
  /** Who connects, for the daemon's log. */
  readonly client: string;
  /** The bundled daemon, to be started when none runs. Without it only a running one is used, of whatever build. */
  readonly daemonScript?: string;
  /** For a daemon that is started. */
  readonly daemonOptions?: readonly string[];
  readonly capabilities?: NonNullable<Params<'hello'>['capabilities']>;
}

export interface Greeted {
  readonly connection: Connection;
  /** Already resolved unless the daemon's build was known from the handshake. */
  readonly hello: Promise<Result<'hello'>>;
}

/** Starting, losing a race against an idle daemon's end, and replacing another build each cost one. */
const maxAttempts = 6;
const drainTimeoutMs = 15_000;

/** Not `os.userInfo`, which fails for a uid without an account, as containers have them. */
function ownUid(): number {
  return process.getuid?.() ?? -1;
}

export function findSocketPath(env: ConnectOptions['env']): string {
  const directory = findRunDirectory({
    runtimeDirectory: env['XDG_RUNTIME_DIR'],
    temporaryDirectory: os.tmpdir(),
    uid: ownUid(),
  });
  const socketPath = socketPathIn(directory);
  assertSocketPath(socketPath);
  return socketPath;
}

/** The sockets that are there: the daemon's, and those of older ones that still run something. Not each must answer. */
export function findSocketPaths(env: ConnectOptions['env']): string[] {
  const main = findSocketPath(env);
  const directory = path.dirname(main);
  if (!isPrivateDirectory(directory, ownUid())) return [];
  const names = readdirSync(directory);
  return [path.basename(main), ...names.filter(isDrainedSocketName).sort()]
    .filter((name) => names.includes(name))
    .map((name) => path.join(directory, name));
}

/** The daemon at another address that the environment asks for. */
export function isElsewhere(env: ConnectOptions['env']): boolean {
  return (env['SBX_DAEMON'] ?? '') !== '';
}

async function findOnce(env: ConnectOptions['env']): Promise<Connection | undefined> {
  const socketPath = findSocketPath(env);
  return isPrivateDirectory(path.dirname(socketPath), ownUid()) ? openConnection(socketPath) : undefined;
}

/** A daemon that is just ending may take a connection and drop it. */
const maxDropped = 20;

async function find(env: ConnectOptions['env']): Promise<Connection | undefined> {
  for (let dropped = 0; ; dropped++) {
    try {
      return await findOnce(env);
    } catch (error) {
      if (!isLost(error) || dropped === maxDropped) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function isLost(error: unknown): boolean {
  return error instanceof SbxError && error.code === 'daemon-lost';
}

/** The old daemon gives up its socket at once and ends after its live runs. */
async function drain(old: Connection, env: ConnectOptions['env']): Promise<void> {
  try {
    await old.request('daemon.stop', { when: 'drain' });
  } catch (error) {
    // `daemon-lost`: it ended before it answered, which is what was asked for.
    if (!(error instanceof SbxError && (error.code === 'daemon-lost' || error.code === 'stopping'))) throw error;
  }
  old.close();
  const deadline = Date.now() + drainTimeoutMs;
  for (;;) {
    const next = await find(env);
    if (!next) return;
    const { build } = next;
    next.close();
    // Another client was faster and has started a daemon already.
    if (build !== undefined && build !== old.build) return;
    if (Date.now() > deadline) {
      throw new SbxError('daemon-unreachable', 'the daemon of another build does not give up its socket', {
        help: 'sbx daemon stop --now',
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Undefined when no daemon runs and none was to be started. @throws {SbxError} */
export async function connect(options: ConnectOptions): Promise<Greeted | undefined> {
  const { env, build, client, daemonScript, daemonOptions, capabilities } = options;
  if (isElsewhere(env)) return (await import('./connect-elsewhere.ts')).connectElsewhere(options);
  for (let attempt = 1; ; attempt++) {
    const connection = await find(env);
    if (!connection) {
      if (daemonScript === undefined) return undefined;
      if (attempt > maxAttempts)
        throw new SbxError('daemon-unreachable', 'the daemon ends as soon as it is started', {
          help: 'see sbx daemon logs',
        });
      const { startDaemon } = await import('./start-daemon.ts');
      await startDaemon(daemonScript, env, daemonOptions);
      continue;
    }
    const hello = connection.request('hello', {
      protocol: protocolVersion,
      build,
      client,
      ...(capabilities ? { capabilities } : {}),
    });
    if (connection.build === build) {
      hello.catch(() => undefined);
      return { connection, hello };
    }
    try {
      const greeting = await hello;
      if (greeting.build === build || daemonScript === undefined) return { connection, hello };
      await drain(connection, env);
    } catch (error) {
      connection.close();
      // Nothing of ours was begun: a daemon that was just ending is simply asked again.
      if (!isLost(error) || attempt > maxAttempts) throw error;
    }
  }
}
