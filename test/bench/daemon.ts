/** A daemon of its own for a measurement: private directories, stopped at the end; and clients that acknowledge. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openConnection } from '../../client/dial.ts';
import type { Exit, RunEvent } from '../../client/protocol/events.ts';
import type { Frame } from '../../client/protocol/frames.ts';
import { limits, protocolVersion } from '../../client/protocol/limits.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

export interface BenchDaemon {
  readonly env: Record<string, string>;
  readonly workspace: string;
  /** @param folder the workspace, where it is another one. */
  readonly connect: (folder?: string) => Promise<BenchClient>;
  /** Makes another folder for a workspace. */
  readonly makeWorkspace: (name: string) => string;
  /** Bytes; `peak` since the last `resetPeak`. */
  readonly resident: () => { readonly now: number; readonly peak: number };
  readonly resetPeak: () => void;
  readonly stop: () => Promise<void>;
}

/** What a client does with a run's stream. */
export interface Watch {
  readonly onFrame?: (frame: Frame) => void;
  readonly onEvent?: (seq: number, event: RunEvent) => void;
  readonly onGap?: () => void;
  /** False: it reads and never acknowledges, so it is sent one window. */
  readonly acknowledges?: boolean;
  /** How far the command may be ahead of its viewers; `sbx run` asks for 0. */
  readonly aheadBytes?: number;
}

export interface BenchRun {
  readonly runId: string;
  /** Rejects when the command fails. */
  readonly ended: Promise<Exit>;
}

export interface BenchClient {
  readonly start: (command: string, watch?: Watch, background?: boolean) => Promise<BenchRun>;
  readonly attach: (runId: string, watch?: Watch) => Promise<BenchRun>;
  /** Resolves at the run's end. */
  readonly run: (command: string, watch?: Watch) => Promise<Exit>;
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
  const profile = process.env['SBX_BENCH_PROFILE'];
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile]),
      path.join(findPackageRoot(), 'dist/sbxd.js'),
      ...['--ready-fd', '3'],
    ],
    { env, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] },
  );
  await new Promise((resolve) => child.stdio[3]?.once('data', resolve));
  const socketPath = path.join(base, 'run/sbx/sbxd.sock');
  return {
    env,
    workspace,
    connect: (folder = workspace) => connect(socketPath, folder, env),
    makeWorkspace: (name) => {
      const folder = path.join(base, name);
      mkdirSync(folder, { mode: 0o700 });
      return folder;
    },
    resident: () => readResident(child.pid ?? 0),
    // proc(5): 5 sets the peak of the resident set to what it is now
    resetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, '5'),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function readResident(pid: number): { now: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Acknowledges as the project's own clients do. */
class Acknowledger {
  readonly #tell: (seq: number) => void;
  #bytes = 0;
  #messages = 0;

  constructor(tell: (seq: number) => void) {
    this.#tell = tell;
  }

  take(seq: number, bytes: number, isLast = false): void {
    this.#bytes += bytes;
    this.#messages++;
    if (!isLast && this.#bytes < limits.ackEveryBytes && this.#messages < limits.ackEveryMessages) return;
    this.#bytes = 0;
    this.#messages = 0;
    this.#tell(seq + 1);
  }
}

interface Watched {
  readonly watch: Watch;
  readonly acknowledger: Acknowledger | undefined;
  readonly end: (exit: Exit) => void;
}

let counter = 0;

async function connect(socketPath: string, workspace: string, env: Record<string, string>): Promise<BenchClient> {
  const connection = await openConnection(socketPath);
  if (!connection) throw new Error('the daemon does not answer');
  const byId = new Map<string, Watched>();
  const byNumber = new Map<number, Watched>();
  connection.listen({
    onEvent: ({ runId, seq, event }) => {
      const watched = byId.get(runId);
      watched?.watch.onEvent?.(seq, event);
      watched?.acknowledger?.take(seq, 0, event.type === 'exited');
      if (event.type === 'exited') watched?.end(event.exit);
    },
    onOutput: (frame) => {
      const watched = byNumber.get(frame.run);
      watched?.watch.onFrame?.(frame);
      watched?.acknowledger?.take(frame.seq, frame.payload.length);
    },
    onGap: ({ runId }) => byId.get(runId)?.watch.onGap?.(),
  });
  await connection.request('hello', { protocol: protocolVersion, build: 'bench', client: 'bench' });
  await connection.request('session.open', { cwd: workspace });

  const follow = (runId: string, watch: Watch): { watched: Watched; run: BenchRun } => {
    let end: (exit: Exit) => void = () => {};
    const ended = new Promise<Exit>((resolve, reject) => {
      end = (exit) => (exit.code === 0 ? resolve(exit) : reject(new Error(`the run ended with ${exit.code}`)));
    });
    ended.catch(() => {});
    const acknowledger =
      watch.acknowledges === false ? undefined : new Acknowledger((seq) => connection.acknowledge(runId, seq));
    const watched = { watch, acknowledger, end };
    byId.set(runId, watched);
    return { watched, run: { runId, ended } };
  };
  const forget = (runId: string, number: number): void => {
    byId.delete(runId);
    byNumber.delete(number);
  };
  const join = async (
    watch: Watch,
    runId: string,
    request: (onResult: (result: { run: number }) => void) => Promise<{ run: number }>,
  ): Promise<BenchRun> => {
    const { watched, run } = follow(runId, watch);
    const { run: number } = await request((result) => byNumber.set(result.run, watched));
    const leave = () => forget(runId, number);
    run.ended.then(leave, leave);
    return run;
  };
  const start: BenchClient['start'] = (command, watch = {}, background = false) => {
    const runId = `bench-${++counter}`;
    const { aheadBytes } = watch;
    const params = {
      ...{ runId, command, env, stdin: 'none' as const, autoAllow: true, approver: false, background },
      ...(aheadBytes === undefined ? {} : { output: { aheadBytes } }),
    };
    return join(watch, runId, (onResult) => connection.request('run.start', params, onResult));
  };
  return {
    start,
    attach: (runId, watch = {}) =>
      join(watch, runId, (onResult) => connection.request('run.attach', { runId, fromSeq: 0 }, onResult)),
    run: async (command, watch) => (await start(command, watch)).ended,
    close: () => connection.close(),
  };
}
