/**
 * Starts the daemon as a process of its own: no terminal, no folder and no variable of whoever happened to start it stays
 * with it. Descriptors that came along the daemon closes first of all.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ErrorCode, errorCodes, SbxError } from './protocol/errors.ts';
import { showsSession } from './protocol/inside.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a daemon needs to find its places; a token (`SBX_TOKEN` too) or NODE_OPTIONS of the first caller is none of it. */
const passedNames = ['HOME', 'PATH', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TMPDIR', 'TZ'];
const passedPrefixes = ['XDG_', 'LC_'];
/** How the daemon, which makes all connections of commands, gets out itself. Sandboxed commands see none of it. */
const proxyNames = [
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
  ...['SBX_PROXY_CERT', 'SBX_PROXY_KEY', 'SBX_PROXY_CA', 'NODE_EXTRA_CA_CERTS'],
];

const readyTimeoutMs = 30_000;

interface ReadyLine {
  readonly ready?: true;
  readonly error?: { readonly code: string; readonly message: string; readonly help?: string };
}

function selectEnvironment(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined &&
        ([...passedNames, ...proxyNames].includes(entry[0]) ||
          passedPrefixes.some((prefix) => entry[0].startsWith(prefix))),
    ),
  );
}

export function daemonLogFile(env: Environment): string {
  const state = env['XDG_STATE_HOME'];
  const home = env['HOME'];
  const base = path.join(home !== undefined && path.isAbsolute(home) ? home : os.homedir(), '.local/state');
  return path.join(state !== undefined && path.isAbsolute(state) ? state : base, 'sbx', 'sbxd.log');
}

/** There no daemon can be: its folders are hidden, which would be told as another mistake. */
function refuseInside(): void {
  let mounts = '';
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return; // not Linux
  }
  if (!showsSession(mounts)) return;
  throw new SbxError('sandbox-unavailable', 'already inside sbx: a sandbox has no room for another one', {
    help: 'run the command itself; what holds this one holds it too',
  });
}

function openLog(file: string): number {
  refuseInside();
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new SbxError('run-directory', `the daemon's log \`${file}\` cannot be written: ${(error as Error).message}`, {
      help: 'make its folder writable, or set XDG_STATE_HOME to another one',
      cause: error,
    });
  }
}

function readAnswer(text: string, code: number | null, logFile: string): void {
  let line: ReadyLine = {};
  try {
    line = JSON.parse(text) as ReadyLine;
  } catch {
    // said nothing, or not the whole of it
  }
  if (line.ready === true) return;
  if (line.error) {
    const known = line.error.code in errorCodes ? (line.error.code as ErrorCode) : 'internal';
    throw new SbxError(known, line.error.message, { help: line.error.help });
  }
  throw new SbxError(
    'daemon-unreachable',
    `the daemon ended while it started${code === null ? '' : ` (status ${code})`}`,
    {
      help: `its last words are in ${logFile}`,
    },
  );
}

/**
 * Resolves when a daemon listens; when several are started at once, one of them wins and the others report its success.
 * @throws {SbxError} what the daemon said, or `daemon-unreachable`
 */
export async function startDaemon(script: string, env: Environment, options: readonly string[] = []): Promise<void> {
  const logFile = daemonLogFile(env);
  const log = openLog(logFile);
  const child = spawn(process.execPath, [script, '--ready-fd', '3', ...options], {
    detached: true,
    cwd: '/',
    env: selectEnvironment(env),
    stdio: ['ignore', log, log, 'pipe'],
  });
  closeSync(log);
  const ready = child.stdio[3];
  let text = '';
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(
          new SbxError('daemon-unreachable', `the daemon was not ready within ${readyTimeoutMs / 1000} seconds`, {
            help: `its last words are in ${logFile}`,
          }),
        );
      }, readyTimeoutMs);
      const settle = (code: number | null) => {
        clearTimeout(timer);
        try {
          resolve(readAnswer(text, code, logFile));
        } catch (error) {
          reject(error as Error);
        }
      };
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(
          new SbxError('daemon-unreachable', `the daemon could not be started: ${error.message}`, { cause: error }),
        );
      });
      // Not `exit`: its last line may still be in the pipe.
      child.once('close', (code) => settle(code));
      ready?.on('data', (bytes: Buffer) => {
        text += bytes.toString('utf8');
        if (text.includes('\n')) settle(null);
      });
    });
  } finally {
    ready?.destroy();
    child.unref();
  }
}
