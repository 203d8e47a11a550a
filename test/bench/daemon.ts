/** A daemon of its own for a measurement: private directories, stopped at the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Connection } from '../../client/connection.ts';
import { openConnection } from '../../client/dial.ts';
import type { Exit, RunEvent } from '../../client/protocol/events.ts';
import { protocolVersion } from '../../client/protocol/limits.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

export interface BenchDaemon {
  readonly env: Record<string, string>;
  readonly workspace: string;
  readonly pid: number;
  readonly connect: () => Promise<BenchClient>;
  readonly stop: () => Promise<void>;
}

export interface BenchClient {
  /** Resolves at the run's end. `onBytes` sees every output payload. */
  readonly run: (command: string, onBytes?: (bytes: Buffer) => void) => Promise<Exit>;
  readonly connection: Connection;
  readonly close: () => void;
}

export async function startBenchDaemon(): Promise<BenchDaemon> {
  const base = realpathSync(mkdtempSync('/var/tmp/sbx-bench-'));
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: path.join(base, 'home'),
    XDG_RUNTIME_DIR: path.join(base, 'run'),
    LANG: 'C.UTF-8',
  };
  const workspace = path.join(base, 'work');
  for (const folder of ['home', 'run', 'work']) mkdirSync(path.join(base, folder), { mode: 0o700 });
  const child: ChildProcess = spawn(
    process.execPath,
    [path.join(findPackageRoot(), 'dist/sbxd.js'), '--ready-fd', '3'],
    {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    },
  );
  await new Promise((resolve) => child.stdio[3]?.once('data', resolve));
  const socketPath = path.join(base, 'run/sbx/sbxd.sock');
  return {
    env,
    workspace,
    pid: child.pid ?? 0,
    connect: () => connect(socketPath, workspace, env),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(base, { recursive: true, force: true });
    },
  };
}

let counter = 0;

async function connect(socketPath: string, workspace: string, env: Record<string, string>): Promise<BenchClient> {
  const connection = await openConnection(socketPath);
  if (!connection) throw new Error('the daemon does not answer');
  const ends = new Map<string, (event: RunEvent) => void>();
  let onBytes: ((bytes: Buffer) => void) | undefined;
  connection.listen({
    onEvent: ({ runId, event }) => event.type === 'exited' && ends.get(runId)?.(event),
    onOutput: (frame) => onBytes?.(frame.payload),
  });
  await connection.request('hello', { protocol: protocolVersion, build: 'bench', client: 'bench' });
  await connection.request('session.open', { cwd: workspace });
  return {
    connection,
    close: () => connection.close(),
    run: async (command, listener) => {
      const runId = `bench-${++counter}`;
      onBytes = listener;
      const ended = new Promise<Exit>((resolve) => {
        ends.set(runId, (event) => event.type === 'exited' && resolve(event.exit));
      });
      await connection.request('run.start', { runId, command, env, stdin: 'none', autoAllow: true, approver: false });
      const exit = await ended;
      ends.delete(runId);
      if (exit.code !== 0) throw new Error(`\`${command}\` ended with ${JSON.stringify(exit)}`);
      return exit;
    },
  };
}
