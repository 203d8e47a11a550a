/**
 * `sbxd`: starts, composes the stages into the protocol's methods, and ends when it is asked to or nobody used it for a
 * while. Usually started by `sbx run`; `--ready-fd` tells the starter when the socket answers.
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SbxError } from '../client/protocol/errors.ts';
import { type Config, readConfig } from './config.ts';
import { Methods } from './methods.ts';
import { createEngine } from './offline.ts';
import { closeInheritedDescriptors } from './platform/descriptors.ts';
import { ensurePrivateDirectory } from './platform/directories.ts';
import { openLog } from './platform/log.ts';
import { findPackageRoot } from './platform/package-root.ts';
import { listen } from './request/server.ts';
import { probeSandbox } from './sandbox/probe.ts';
import { endSurvivors } from './sandbox/survivors.ts';
import { findWorkspaceSandbox } from './workspace-sandbox.ts';

const help = `usage: sbxd [--idle-minutes N] [--ready-fd FD]

The sbx daemon. \`sbx run\` starts it when needed; \`sbx daemon stop\` ends it.

  --idle-minutes N   end after N minutes without a client or a run (default: the policy's, else 15)
  --ready-fd FD      write one JSON line to this descriptor when the socket answers
`;

interface Options {
  readonly idleMinutes: number | undefined;
  readonly readyFd: number | undefined;
}

function readOptions(argv: readonly string[]): Options | 'help' | 'version' {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        'idle-minutes': { type: 'string' },
        'ready-fd': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
    if (values.help) return 'help';
    if (values.version) return 'version';
    const idle = values['idle-minutes'];
    const idleMinutes = idle === undefined ? undefined : Number(idle);
    if (idleMinutes !== undefined && !(idleMinutes > 0)) {
      throw new SbxError('bad-usage', `--idle-minutes needs a number above 0, not \`${idle}\``);
    }
    const readyFd = values['ready-fd'] === undefined ? undefined : Number(values['ready-fd']);
    return { idleMinutes, readyFd };
  } catch (error) {
    throw error instanceof SbxError
      ? error
      : new SbxError('bad-usage', (error as Error).message, { help: 'sbxd --help' });
  }
}

function reportReady(fd: number | undefined, line: object): void {
  if (fd === undefined) return;
  try {
    writeSync(fd, `${JSON.stringify(line)}\n`);
    closeSync(fd);
  } catch {
    // The starter is gone; the daemon serves whoever comes next.
  }
}

async function serve(options: Options, config: Config, build: string): Promise<void> {
  const started = performance.now();
  for (const directory of [config.runDirectory, config.stateDirectory, config.cacheDirectory]) {
    ensurePrivateDirectory(directory, config.uid);
  }
  const log = openLog(path.join(config.stateDirectory, 'sbxd.log'));
  process.on('uncaughtException', (error) => {
    log(`uncaught: ${error.stack}`);
    process.exit(1);
  });
  const socketPath = path.join(config.runDirectory, 'sbxd.sock');
  let end: (reason: string) => void = () => undefined;
  const ending = new Promise<string>((resolve) => {
    end = resolve;
  });
  const engine = await createEngine({ userPolicyFile: config.userPolicyFile, home: config.home });
  const methods: Methods = new Methods({
    config,
    build,
    socketPath,
    engine,
    openWorkspace: (workspace) => findWorkspaceSandbox(workspace, config),
    probe: probeSandbox,
    log,
    stop: (when) => void finish(when),
  });
  const server = await listen(socketPath, {
    build,
    log,
    handlers: methods.handlers,
    onStdin: (frame, client) => methods.receiveStdin(frame, client),
    onClosed: (client) => methods.forget(client),
  });
  if (!server) {
    log(`another daemon answers on ${socketPath}`);
    reportReady(options.readyFd, { ready: true, socket: socketPath });
    return;
  }
  async function finish(when: 'drain' | 'now'): Promise<void> {
    methods.refuseNewRuns();
    server?.stopListening();
    if (when === 'now') await methods.stopRuns();
    else await methods.runsEnded();
    end(when);
  }
  for (const { pid, daemonPid } of endSurvivors()) log(`ended process ${pid}, left behind by daemon ${daemonPid}`);
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void finish('now'));
  log(`sbxd ${build} listens on ${socketPath}, ready after ${(performance.now() - started).toFixed(0)} ms`);
  reportReady(options.readyFd, { ready: true, socket: socketPath });

  let lastActive = Date.now();
  const watch = setInterval(() => {
    const idleMs = (options.idleMinutes ?? engine.idleMinutes() ?? config.idleMinutes) * 60_000;
    void methods.closeIdleSessions(idleMs);
    if (methods.liveRuns > 0 || server.connections.size > 0) lastActive = Date.now();
    if (!server.socket.isOurs()) void finish('drain');
    else if (Date.now() - lastActive >= idleMs) end('idle');
  }, 5_000);
  const reason = await ending;
  clearInterval(watch);
  methods.refuseNewRuns();
  await server.close(reason);
  await methods.close();
  log(`sbxd ends: ${reason}`);
}

async function main(): Promise<void> {
  const root = findPackageRoot();
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(help);
    return;
  }
  const build = readFileSync(path.join(root, 'dist', 'build-id'), 'utf8').trim();
  if (options === 'version') {
    process.stdout.write(`sbxd ${build}\n`);
    return;
  }
  closeInheritedDescriptors(options.readyFd === undefined ? [] : [options.readyFd]);
  process.umask(0o077);
  try {
    await serve(options, readConfig(), build);
  } catch (error) {
    const known =
      error instanceof SbxError ? error : new SbxError('internal', (error as Error).message, { cause: error });
    reportReady(options.readyFd, { error: { code: known.code, message: known.message, help: known.help } });
    throw known;
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const known = error instanceof SbxError ? error : undefined;
    process.stderr.write(`sbxd: ${(error as Error).message}${known?.help ? `; ${known.help}` : ''}\n`);
    process.exit(125);
  },
);
