/**
 * The only file that starts processes. Everything is started by absolute path with an empty environment and with no
 * descriptor but those named, so nothing of the daemon reaches a sandboxed command by inheritance.
 */
import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { accessSync, chownSync, closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { ReadStream } from 'node:tty';
import { findInheritableDescriptors } from './descriptors.ts';

/** System folders only: a PATH of the caller could name a program of the workspace. */
const toolFolders = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/current-system/sw/bin'];

/** Absolute path of a system program. */
export function findTool(name: string): string | undefined {
  return toolFolders
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface ProcessEnd {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface RunningProcess {
  readonly pid: number;
  /** Entry N is the daemon's end of a `pipe` asked for at descriptor N. */
  readonly streams: readonly (Duplex | undefined)[];
  /** Resolves when the process was reaped. Never rejects. */
  readonly exit: Promise<ProcessEnd>;
  /** Without effect once it was reaped. */
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Of a process with an `ipc` descriptor, whose number it finds in `NODE_CHANNEL_FD`. */
  readonly channel: {
    readonly onMessage: (listener: (message: unknown, handle: unknown) => void) => void;
    readonly disconnect: () => void;
  };
}

/** A number is one of the daemon's own descriptors, handed on. */
export type Stdio = 'ignore' | 'pipe' | 'ipc' | number;

export interface StartOptions {
  /** What descriptors 0, 1, 2, … of the process are. */
  readonly stdio: readonly Stdio[];
  /** A process group of its own, out of reach of signals to the daemon's group. */
  readonly detached?: boolean;
  /** It waits for the daemon's end, so the daemon does not wait for its. */
  readonly outlives?: boolean;
  readonly umask?: number;
}

/**
 * Descriptors that a library opened without close-on-exec, in practice terminal masters. A command that inherited one
 * could read another run's terminal and type into it.
 */
const leaking = new Set<{ readonly descriptor: number }>();

/** @param stdioCount so many are the program's own, whatever the daemon has under those numbers. */
function withLeaksClosed(argv: readonly string[], stdioCount: number): readonly string[] {
  const inherited = [...leaking].filter(({ descriptor }) => descriptor >= stdioCount);
  if (inherited.length === 0) return argv;
  const closing = inherited.map(({ descriptor }) => `${descriptor}<&-`).join(' ');
  return [findTool('bash') ?? '/bin/bash', '--norc', '--noprofile', '-c', `exec ${closing}; exec "$@"`, 'sbx', ...argv];
}

/** @throws {Error} when the program cannot be started. */
export function startProcess(argv: readonly string[], options: StartOptions): RunningProcess {
  const [file = '', ...args] = withLeaksClosed(argv, options.stdio.length);
  const previous = options.umask === undefined ? undefined : process.umask(options.umask);
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      stdio: [...options.stdio] as StdioOptions,
      env: {},
      cwd: '/',
      detached: options.detached ?? false,
    });
  } finally {
    if (previous !== undefined) process.umask(previous);
  }
  let failure: Error | undefined;
  child.on('error', (error) => {
    failure = error;
  });
  if (child.pid === undefined) throw failure ?? new Error(`${file} could not be started`);
  if (options.outlives) {
    child.unref();
    for (const stream of child.stdio) if (stream instanceof Socket) stream.unref();
  }
  const exit = new Promise<ProcessEnd>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
  return {
    pid: child.pid,
    streams: child.stdio.map((stream) => (stream ?? undefined) as Duplex | undefined),
    exit,
    kill: (signal) => {
      child.kill(signal);
    },
    channel: {
      onMessage: (listener) => void child.on('message', listener),
      disconnect: () => {
        if (child.connected) child.disconnect();
      },
    },
  };
}

export interface ToolResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, at most `timeoutMs`, and gives what it printed. Never rejects. */
export function runTool(argv: readonly string[], timeoutMs = 10_000): Promise<ToolResult> {
  const [file = '', ...args] = withLeaksClosed(argv, 3);
  return new Promise((resolve) => {
    execFile(file, args, { env: {}, cwd: '/', timeout: timeoutMs, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      resolve({ ok: error === null, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
    });
  });
}

interface TerminalLibrary {
  readonly open: (
    columns: number,
    rows: number,
  ) => { readonly master: number; readonly slave: number; readonly pty: string };
  readonly resize: (master: number, columns: number, rows: number) => void;
}

let terminalLibrary: TerminalLibrary | undefined;

/**
 * The native part of node-pty alone. Its `spawn` passes no descriptors on, gives up 200 ms after the exit although a
 * paused reader has not read everything yet, and starts the program without ours being able to close anything first.
 */
function loadTerminalLibrary(): TerminalLibrary {
  const load = createRequire(import.meta.url);
  const { requireBinary } = load('@lydell/node-pty/requireBinary.js') as {
    requireBinary: (file: string) => TerminalLibrary;
  };
  terminalLibrary ??= requireBinary('pty.node');
  return terminalLibrary;
}

/** More than the kernel keeps of a terminal for a reader: 4 KiB in its line discipline, 16 on their way to it. */
const maxRestBytes = 64 * 1024;

export interface Terminal {
  /** The terminal's own end, for the process to be started. */
  readonly slave: number;
  /** Only for reading. Destroy it through `close`. */
  readonly stream: ReadStream;
  /** Types as many of the bytes as the terminal takes now, and gives their number; never waits. */
  readonly type: (bytes: Uint8Array) => number;
  /** What was printed so far and not read, without waiting; bounded, so that whoever still prints is not waited for. */
  readonly takeRest: () => Buffer;
  readonly resize: (columns: number, rows: number) => void;
  /** Ends the daemon's use of the slave, so that the last process inside decides when the terminal ends. */
  readonly closeSlave: () => void;
  readonly close: () => void;
}

/** Opens a terminal that belongs to the given account. */
export function openTerminal(columns: number, rows: number, owner: { uid: number; gid: number }): Terminal {
  const library = loadTerminalLibrary();
  // the library makes both ends non-blocking
  const { master, slave: sharedSlave, pty } = library.open(columns, rows);
  let slave: number;
  try {
    // opened anew, because programs inside would see that it is non-blocking
    slave = openSync(pty, constants.O_RDWR | constants.O_NOCTTY);
    if (process.getuid?.() === 0) chownSync(pty, owner.uid, owner.gid);
  } catch (error) {
    closeSync(master);
    throw error;
  } finally {
    closeSync(sharedSlave);
  }
  // not the number alone: it may belong to the next terminal before this one's `close` event comes
  const leak = { descriptor: master };
  if (findInheritableDescriptors().includes(master)) leaking.add(leak);
  const stream = new ReadStream(master);
  let slaveOpen = true;
  const isOpen = (): boolean => !stream.destroyed;
  const closeSlave = (): void => {
    if (slaveOpen) closeSync(slave);
    slaveOpen = false;
  };
  stream.on('close', () => leaking.delete(leak));
  return {
    slave,
    stream,
    type: (bytes) => (isOpen() ? attempt(() => writeSync(master, bytes)) : bytes.length),
    takeRest: () => {
      const rest = Buffer.alloc(maxRestBytes);
      let length = 0;
      while (isOpen() && length < rest.length) {
        const taken = attempt(() => readSync(master, rest, length, rest.length - length, null));
        if (taken === 0) break;
        length += taken;
      }
      return rest.subarray(0, length);
    },
    resize: (newColumns, newRows) => {
      if (isOpen()) library.resize(master, newColumns, newRows);
    },
    closeSlave,
    close: () => {
      closeSlave();
      stream.destroy();
    },
  };
}

/** EAGAIN: full, or empty. EIO: nobody has the other end open. */
function attempt(transfer: () => number): number {
  try {
    return transfer();
  } catch {
    return 0;
  }
}
