/**
 * `sbxd`: starts, composes the stages into the protocol's methods, and ends when it is asked to or nobody used it for a
 * while. Usually started by `sbx run`; `--ready-fd` tells the starter when the socket answers.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../client/protocol/errors.ts';
import { type Config, engineOptions, readConfig } from './config.ts';
import { openDialler } from './egress/targets.ts';
import { findSandboxes } from './methods/find-sandboxes.ts';
import { Methods } from './methods/methods.ts';
import { findRecordFolder } from './methods/sandbox-input.ts';
import { createEngine } from './offline.ts';
import { help, type Options, readOptions } from './options.ts';
import { closeInheritedDescriptors } from './platform/descriptors.ts';
import { ensurePrivateDirectory } from './platform/directories.ts';
import { openLog } from './platform/log.ts';
import { findPackageRoot } from './platform/package-root.ts';
import { planListening } from './request/listen-plan.ts';
import { listen, type RunningServer } from './request/server.ts';
import { isInsideSandbox } from './sandbox/doctor/inside.ts';
import { probeSandbox } from './sandbox/doctor/probe.ts';
import { sweepRunGroups } from './sandbox/groups/run-groups.ts';
import { recoverAll } from './sandbox/guard/recover.ts';
import { endSurvivors } from './sandbox/template/survivors.ts';
import { OutputStore } from './stream/output-store.ts';

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
  if (isInsideSandbox()) {
    // before anything is made: its folders are hidden in there, which would be told as another mistake
    throw new SbxError('sandbox-unavailable', 'already inside sbx: a sandbox has no room for another one', {
      help: 'run the command itself; what holds this one holds it too',
    });
  }
  for (const directory of [config.runDirectory, config.stateDirectory, config.cacheDirectory]) {
    ensurePrivateDirectory(directory, config.uid);
  }
  const log = openLog(path.join(config.stateDirectory, 'sbxd.log'));
  process.on('uncaughtException', (error) => {
    log(`uncaught: ${error.stack}`);
    process.exit(1);
  });
  const socketPath = path.join(config.runDirectory, 'sbxd.sock');
  // Before the socket is claimed: a daemon that cannot listen as it was told to must not be seen at all.
  const tcp = options.listen && (await planListening(options.listen, config));
  let end: (reason: string) => void = () => undefined;
  const ending = new Promise<string>((resolve) => {
    end = resolve;
  });
  const dialler = openDialler(config.proxyEnvironment);
  const engine = await createEngine(engineOptions(config));
  const daemonId = randomUUID();
  const spillDirectory = path.join(config.stateDirectory, 'spill');
  ensurePrivateDirectory(spillDirectory, config.uid);
  const store = new OutputStore({ directory: spillDirectory, log });
  const methods: Methods = new Methods({
    config,
    build,
    daemonId,
    socketPath: () => server?.socketPath() ?? socketPath,
    listenAddress: () => server?.listen,
    clientCount: () => server?.connections.size ?? 0,
    engine,
    store,
    findSandboxes: (workspace) => findSandboxes(workspace, config, engine),
    dialler,
    probe: probeSandbox,
    log,
    stop: (when) => void finish(when),
  });
  const server: RunningServer | undefined = await listen({
    socketPath,
    tcp,
    context: {
      build,
      log,
      handlers: methods.handlers,
      daemonId,
      onGreeted: (client) => methods.greeted(client),
      onStdin: (frame, client) => methods.receiveStdin(frame, client),
      onClosed: (client) => methods.forget(client),
    },
  });
  if (!server) {
    log(`another daemon answers on ${socketPath}`);
    reportReady(options.readyFd, { ready: true, socket: socketPath });
    return;
  }
  async function finish(when: 'drain' | 'now'): Promise<void> {
    methods.refuseNewRuns();
    if (when === 'now') {
      server?.stopListening();
      await methods.stopRuns();
    } else {
      server?.drain();
      await methods.runsEnded();
    }
    end(when);
  }
  for (const { pid, daemonPid } of endSurvivors()) log(`ended process ${pid}, left behind by daemon ${daemonPid}`);
  void recoverAll(findRecordFolder(config)).catch((error) => log(`what runs left was not looked at: ${error}`));
  void sweepRunGroups().then((left) => {
    for (const folder of left) log(`removed the control groups ${folder}, left behind by a daemon`);
  });
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => void finish('now'));
  log(`sbxd ${build} listens on ${socketPath}, ready after ${(performance.now() - started).toFixed(0)} ms`);
  if (server.listen !== undefined) log(`sbxd listens on ${server.listen}`);
  for (const warning of tcp?.warnings ?? []) log(warning);
  reportReady(options.readyFd, { ready: true, socket: socketPath, listen: server.listen });

  let lastActive = Date.now();
  const watch = setInterval(() => {
    const idleMs = (options.idleMinutes ?? engine.idleMinutes() ?? config.idleMinutes) * 60_000;
    void methods.tidy(idleMs);
    if (methods.liveRuns > 0 || server.connections.size > 0) lastActive = Date.now();
    if (!server.isReachable()) void finish('drain');
    // Clients elsewhere cannot start it again, so one that listens on TCP ends of itself only when it was told to.
    else if ((!tcp || options.idleMinutes !== undefined) && Date.now() - lastActive >= idleMs) end('idle');
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
