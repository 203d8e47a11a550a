/**
 * Runs commands without a sandbox, for a session whose user has switched it off: the command has every right of the
 * account. Its input and output, environment, exit and stop are as inside; nothing here holds a hostile command.
 */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import os from 'node:os';
import { SbxError } from '../../../client/protocol/errors.ts';
import { type ProcessEnd, type RunningProcess, type Stdio, startProcess } from '../../platform/spawn.ts';
import { type CommandStdio, openCommandStdio } from '../command/command-stdio.ts';
import { separateErrorOutput } from '../command/error-output.ts';
import { reportNone } from '../command/limit-report.ts';
import { endAfterCommand } from '../command/output-end.ts';
import { openPipeFactory, type PipeFactory } from '../command/pipes.ts';
import { deliverTerminal, leadTerminal } from '../command/terminal.ts';
import type { CommandPlan, ProcessExit, SandboxProcess, SandboxSession } from '../model.ts';
import { type Account, asAccount } from '../plan/account.ts';
import { createPrivateFile } from '../private-file.ts';
import { requireTool } from '../tools.ts';
import {
  begunMark,
  compileLauncher,
  folderMark,
  type Launcher,
  launcherDescriptors,
  readLauncher,
} from './launcher.ts';
import { endSession, killSession, signalSession } from './processes.ts';

interface Setting {
  readonly account: Account;
  readonly pipes: PipeFactory;
  readonly bash: string;
  readonly env: string;
  readonly asOwner: readonly string[];
  readonly runs: Set<Run>;
  readonly isClosed: () => boolean;
}

interface Run extends SandboxProcess {
  readonly kill: () => void;
}

const warnings = [
  'the sandbox is off: the command has every right of the account, and reaches the network',
  'a program that moves to a session of its own, as servers do, is not stopped and outlives its run',
];

/** @throws {SbxError} `sandbox-unavailable` when a program is missing. */
export async function openUnsandboxed(account: Account): Promise<SandboxSession> {
  const bash = requireTool('bash');
  const asOwner = asAccount(account, requireTool);
  let isClosed = false;
  let resolveClosed = (): void => {};
  const closed = new Promise<void>((resolve) => {
    resolveClosed = resolve;
  });
  const setting: Setting = {
    account,
    pipes: openPipeFactory(asOwner, bash),
    bash,
    env: requireTool('env'),
    asOwner,
    runs: new Set(),
    isClosed: () => isClosed,
  };
  return {
    account,
    network: undefined,
    report: {
      backend: 'none',
      network: 'host',
      seccomp: false,
      userns: 'none',
      user: account.name,
      writable: ['/'],
      warnings,
    },
    launch: async (plan) => {
      const run = await startUnsandboxed(setting, plan);
      void run.exit.then(() => setting.runs.delete(run));
      return run;
    },
    explainFailure: () => [],
    pins: () => false,
    protects: () => false,
    isCurrent: () => !isClosed,
    close: async () => {
      isClosed = true;
      setting.pipes.close();
      for (const run of setting.runs) run.kill();
      await Promise.all([...setting.runs].map(({ exit }) => exit));
      resolveClosed();
    },
    closed,
  };
}

async function startUnsandboxed(setting: Setting, plan: CommandPlan): Promise<Run> {
  const launcher = compileLauncher(plan, setting);
  const stdio = await openCommandStdio(plan, setting);
  try {
    const text = await setting.pipes.take('to-command');
    const writer = new Socket({ fd: text.daemonEnd, readable: false, writable: true });
    writer.on('error', () => {});
    writer.end(launcher.text);
    try {
      // last, with nothing asynchronous behind it: what is started now is known to `close`
      if (setting.isClosed()) throw new SbxError('sandbox-failed', 'the session has ended');
      const leader = startLeader(setting, plan, launcher, stdio, text.commandEnd);
      stdio.releaseCommandEnds();
      const run = supervise(setting, plan, stdio, leader);
      setting.runs.add(run);
      return run;
    } finally {
      closeSync(text.commandEnd);
    }
  } catch (error) {
    stdio.discard();
    throw error instanceof SbxError
      ? error
      : new SbxError('sandbox-failed', 'the command could not be started', { cause: error });
  }
}

/** Starts the leader of the run's session: the command's shell itself or, on a terminal, what starts it. */
function startLeader(
  setting: Setting,
  plan: CommandPlan,
  launcher: Launcher,
  stdio: CommandStdio,
  text: number,
): RunningProcess {
  const { account, bash, asOwner } = setting;
  const files = [launcher.report, launcher.longCommand].map(
    (content) => content && createPrivateFile(content, account),
  );
  const ends = files.map((file) => (file ? file.open() : 'ignore'));
  const [report = 'ignore', command = 'ignore'] = ends;
  const [input, output, errors] = stdio.commandEnds;
  const byNumber: Record<keyof typeof launcherDescriptors, Stdio> = {
    text,
    status: 'pipe',
    report,
    endFolder: stdio.endFolderEnd ?? 'ignore',
    command,
  };
  try {
    return startProcess(
      [
        ...(plan.pty === undefined ? [] : leadTerminal({ bash, setsid: requireTool('setsid'), env: undefined })),
        ...asOwner,
        ...[bash, '--norc', '--noprofile', '-c', readLauncher, 'sbx-launcher'],
      ],
      {
        stdio: [
          ...[input, output, plan.pty === undefined ? errors : ('pipe' as const)],
          ...[byNumber.text, byNumber.status, byNumber.report, byNumber.endFolder, byNumber.command],
        ],
        detached: plan.pty === undefined,
        umask: plan.umask,
      },
    );
  } finally {
    for (const end of ends) if (typeof end === 'number') closeSync(end);
    for (const file of files) if (file) file.close();
  }
}

/** Gives what the launcher says; nothing when it ended without a word. */
function readStatus(leader: RunningProcess): Promise<string> {
  const stream = leader.streams[launcherDescriptors.status];
  let text = '';
  return new Promise((resolve) => {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('\n')) resolve(text.trim());
    });
    stream?.on('error', () => {});
    stream?.on('close', () => resolve(text.trim()));
  });
}

function supervise(setting: Setting, plan: CommandPlan, stdio: CommandStdio, leader: RunningProcess): Run {
  const status = readStatus(leader);
  const session = leader.pid;
  const sent = new Set<NodeJS.Signals>();
  let isEnded = false;
  let killTimer: NodeJS.Timeout | undefined;

  const kill = async (): Promise<void> => {
    sent.add('SIGKILL');
    for (let waitMs = 1; !isEnded; waitMs = Math.min(waitMs * 2, 50)) {
      // a terminal's leader ends by itself, when the terminal was emptied
      killSession(session, stdio.terminal === undefined ? undefined : session);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  };
  const signal = (name: NodeJS.Signals): void => {
    if (name === 'SIGKILL') return void kill();
    // before that there is a launcher, which would end without a word
    void status.then(() => {
      if (isEnded) return;
      sent.add(name);
      signalSession(session, name);
    });
  };

  const errorOutput = stdio.stderr && separateErrorOutput(stdio.stderr);
  const exit = (async (): Promise<ProcessExit> => {
    const end = await leader.exit;
    isEnded = true;
    clearTimeout(killTimer);
    await endSession(session);
    const said = await status;
    const message = errorOutput?.settle(said === begunMark) ?? '';
    endAfterCommand(stdio.stdout, stdio.stdout);
    endAfterCommand(stdio.stderr, errorOutput?.stream);
    return describeEnd(end, said, sent, setting.isClosed(), explainFailure(said, message, plan.cwd));
  })();

  return {
    stdin: stdio.stdin,
    stdout: stdio.stdout,
    stderr: errorOutput?.stream,
    pty: stdio.terminal && deliverTerminal(stdio.terminal, leader.streams[2]),
    exit,
    cwd: exit.then(stdio.takeEndFolder),
    use: Promise.resolve(undefined),
    limits: reportNone(plan.limits),
    aftermath: Promise.resolve([]),
    signal,
    stop: (graceMs) => {
      signal('SIGTERM');
      killTimer ??= setTimeout(() => void kill(), graceMs);
    },
    connected: () => Promise.resolve(false),
    kill: () => void kill(),
  };
}

/** Death by a signal is code 128+n, `signal` only what the daemon sent, as inside a sandbox. */
function describeEnd(
  end: ProcessEnd,
  said: string,
  sent: ReadonlySet<NodeJS.Signals>,
  isClosed: boolean,
  failure: string,
): ProcessExit {
  const code = end.code ?? 128 + (end.signal === undefined ? 0 : os.constants.signals[end.signal]);
  const signal = [...sent].find((name) => code === 128 + os.constants.signals[name]);
  if (isClosed && signal === 'SIGKILL') {
    return { code, signal: undefined, failure: 'the session ended before the command did' };
  }
  return { code, signal, failure: said === begunMark || signal !== undefined ? undefined : failure };
}

function explainFailure(said: string, message: string, folder: string): string {
  if (said === folderMark) return `the folder \`${folder}\` is not there, or \`cd\` to it is not permitted`;
  const printed = message.trim().replaceAll('\n', '; ');
  return `the command could not be started${printed === '' ? '' : ` (${printed})`}`;
}
