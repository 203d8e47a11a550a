/**
 * Runs one approved command in a session: prepare takes what does not depend on the command, start does the rest, so
 * that a waiting sandbox can later stand where prepare is now.
 */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import os from 'node:os';
import { SbxError } from '../../client/protocol/errors.ts';
import {
  findInit,
  listProcesses,
  readChildren,
  readGroupsBelow,
  readNamespacePids,
  readPidNamespace,
  readStat,
} from '../platform/process-tree.ts';
import { openTerminal, type RunningProcess, type Stdio, startProcess, type Terminal } from '../platform/spawn.ts';
import type { Account } from './account.ts';
import { type CompiledCommand, compileCommand } from './command.ts';
import { separateErrorOutput } from './error-output.ts';
import type { CommandPlan, ProcessExit, SandboxProcess } from './model.ts';
import { endAfterCommand } from './output-end.ts';
import type { PipeFactory } from './pipes.ts';
import { createPrivateFile, type PrivateFile } from './private-file.ts';
import type { Template } from './template.ts';
import { deliverTerminal } from './terminal.ts';

/** What the commands of one session share. */
export interface LaunchSetting {
  readonly template: Template;
  readonly account: Account;
  readonly pipes: PipeFactory;
  readonly filter: PrivateFile;
  readonly procFiles: ReadonlySet<string>;
  readonly disableUserns: boolean;
  /** Starts the next program as the account, then in the session's namespaces. */
  readonly enter: (init: number) => readonly string[];
  readonly bwrap: string;
  readonly bash: string;
  /** Wraps a terminal run: signals of keys reach the command, not the processes that carry it. */
  readonly holdTerminal: readonly string[];
  readonly resetSignals: readonly string[];
  /** Processes that carry commands right now. */
  readonly carriers: Set<number>;
}

const argsDescriptor = 3;
const filterDescriptor = 4;
const statusDescriptor = 5;

export interface PreparedCommand {
  /** Descriptors 0, 1, 2 of the command. */
  readonly commandEnds: readonly [Stdio, Stdio, Stdio];
  readonly stdin: Socket | undefined;
  readonly stdout: Socket | undefined;
  readonly stderr: Socket | undefined;
  readonly terminal: Terminal | undefined;
  /** Closes the daemon's copies of the command's ends; without it neither EOF nor SIGPIPE would ever come. */
  readonly releaseCommandEnds: () => void;
  readonly discard: () => void;
}

export type StdioWish = Pick<CommandPlan, 'pty' | 'stdin'>;

export async function prepareCommand(setting: LaunchSetting, wish: StdioWish): Promise<PreparedCommand> {
  if (wish.pty !== undefined) {
    const terminal = openTerminal(wish.pty.columns, wish.pty.rows, setting.account);
    return {
      commandEnds: [terminal.slave, terminal.slave, terminal.slave],
      ...{ stdin: undefined, stdout: undefined, stderr: undefined, terminal },
      releaseCommandEnds: terminal.closeSlave,
      discard: terminal.close,
    };
  }
  const output = await setting.pipes.take('from-command');
  const errors = await setting.pipes.take('from-command');
  const input = wish.stdin === 'stream' ? await setting.pipes.take('to-command') : undefined;
  const stdout = new Socket({ fd: output.daemonEnd, readable: true, writable: false });
  const stderr = new Socket({ fd: errors.daemonEnd, readable: true, writable: false });
  const stdin = input && new Socket({ fd: input.daemonEnd, readable: false, writable: true });
  // a command may end without reading its input; that is no error of the run
  stdin?.on('error', () => {});
  const releaseCommandEnds = (): void => {
    for (const pipe of [output, errors, input]) if (pipe !== undefined) closeSync(pipe.commandEnd);
  };
  return {
    commandEnds: [input?.commandEnd ?? 'ignore', output.commandEnd, errors.commandEnd],
    ...{ stdin, stdout, stderr, terminal: undefined },
    releaseCommandEnds,
    discard: () => {
      releaseCommandEnds();
      for (const socket of [stdin, stdout, stderr]) socket?.destroy();
    },
  };
}

/** @throws {SbxError} `sandbox-failed`, `bad-environment`, `bad-command` */
export function startCommand(setting: LaunchSetting, prepared: PreparedCommand, plan: CommandPlan): SandboxProcess {
  try {
    const init = setting.template.init();
    if (init === undefined) throw new SbxError('sandbox-failed', 'the session has ended');
    const compiled = compileCommand(plan, {
      bash: setting.bash,
      resetSignals: plan.pty === undefined ? [] : setting.resetSignals,
      procFiles: setting.procFiles,
      disableUserns: setting.disableUserns,
      seccompDescriptor: filterDescriptor,
      statusDescriptor,
    });
    const carrier = startCarrier(setting, prepared, plan, compiled, init);
    prepared.releaseCommandEnds();
    return superviseCommand(setting, prepared, carrier);
  } catch (error) {
    prepared.discard();
    throw error instanceof SbxError
      ? error
      : new SbxError('sandbox-failed', 'the command could not be started', { cause: error });
  }
}

/** Starts nsenter with bubblewrap: the processes outside that carry the command. */
function startCarrier(
  setting: LaunchSetting,
  prepared: PreparedCommand,
  plan: CommandPlan,
  compiled: CompiledCommand,
  init: number,
): RunningProcess {
  const filter = setting.filter.open();
  const text =
    compiled.longCommand === undefined ? undefined : createPrivateFile(compiled.longCommand, setting.account);
  const textEnd = text?.open();
  try {
    const carrier = startProcess(
      [
        ...(prepared.terminal === undefined ? [] : setting.holdTerminal),
        ...setting.enter(init),
        ...[setting.bwrap, '--args', String(argsDescriptor), '--', ...compiled.argv],
      ],
      {
        stdio: [...prepared.commandEnds, 'pipe', filter, 'pipe', ...(textEnd === undefined ? [] : [textEnd])],
        detached: prepared.terminal === undefined,
        umask: plan.umask,
      },
    );
    const args = carrier.streams[argsDescriptor];
    args?.on('error', () => {});
    args?.end(`${compiled.options.join('\0')}\0`);
    return carrier;
  } finally {
    closeSync(filter);
    if (textEnd !== undefined) closeSync(textEnd);
    text?.close();
  }
}

interface Status {
  /** bubblewrap made the command's init; its mounts may not be there yet. */
  readonly begun: Promise<void>;
  /** The command's code as bubblewrap says it, absent when the command never began. */
  readonly end: Promise<number | undefined>;
}

/** Reads what `--json-status-fd` tells. Source: bwrap(1); `exit-code` is written only when the command was executed. */
function readStatus(carrier: RunningProcess): Status {
  const stream = carrier.streams[statusDescriptor];
  let text = '';
  const begun = new Promise<void>((resolve) => {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      resolve();
    });
    void carrier.exit.then(() => resolve());
  });
  const end = new Promise<void>((resolve) => {
    stream?.on('close', () => resolve());
    stream?.on('error', () => {});
  }).then(() => {
    const code = /"exit-code":\s*(\d+)/.exec(text)?.[1];
    return code === undefined ? undefined : Number(code);
  });
  return { begun, end };
}

function superviseCommand(setting: LaunchSetting, prepared: PreparedCommand, carrier: RunningProcess): SandboxProcess {
  const status = readStatus(carrier);
  const sent = new Set<NodeJS.Signals>();
  let ended = false;
  let killTimer: NodeJS.Timeout | undefined;

  const findCommandInit = (): number | undefined => (ended ? undefined : findInit(carrier.pid, 3));
  /** The init is there before the command: a signal sent in between would reach nobody. */
  const findStartedInit = async (): Promise<number | undefined> => {
    for (;;) {
      const init = findCommandInit();
      if (init === undefined || readChildren(init).length > 0) return init;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const signal = (name: NodeJS.Signals): void => {
    if (name === 'SIGKILL') return void kill();
    void status.begun.then(findStartedInit).then((init) => {
      if (init === undefined) return;
      sent.add(name);
      signalGroups(init, name);
    });
  };
  const kill = async (): Promise<void> => {
    sent.add('SIGKILL');
    while (!ended) {
      // Never the carrier itself: until its child has arranged to die with it, the child would go on without a parent.
      const init = findCommandInit();
      for (const target of init === undefined ? readChildren(carrier.pid) : [init]) sendSignal(target, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };

  const errorOutput = prepared.stderr && separateErrorOutput(prepared.stderr);
  setting.carriers.add(carrier.pid);
  const exit = (async (): Promise<ProcessExit> => {
    const end = await carrier.exit;
    ended = true;
    setting.carriers.delete(carrier.pid);
    clearTimeout(killTimer);
    // first this: an orphan also holds the status pipe open
    await endOrphans(setting.template);
    if (end.signal !== undefined) await endStrays(setting);
    const code = await status.end;
    const message = errorOutput?.settle(code !== undefined) ?? '';
    endAfterCommand(prepared.stdout, prepared.stdout);
    endAfterCommand(prepared.stderr, errorOutput?.stream);
    return describeExit(code, end.code, sent, setting.template.init() === undefined, message);
  })();

  return {
    stdin: prepared.stdin,
    stdout: prepared.stdout,
    stderr: errorOutput?.stream,
    pty: prepared.terminal && deliverTerminal(prepared.terminal),
    exit,
    signal,
    stop: (graceMs) => {
      signal('SIGTERM');
      killTimer ??= setTimeout(() => void kill(), graceMs);
    },
  };
}

function sendSignal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // it ended meanwhile
  }
}

/**
 * A process may move to a group of its own while the groups are read (`timeout` does at its start), so what the first
 * look missed is looked for again. Not for ever: a command that keeps founding groups and ignores the signal would hold
 * the daemon in this loop, and the kill that follows would never come.
 */
function signalGroups(init: number, name: NodeJS.Signals): void {
  const reached = new Set<number>();
  for (let look = 0; look < 4; look++) {
    const fresh = [...readGroupsBelow(init)].filter((group) => !reached.has(group));
    if (fresh.length === 0) return;
    for (const group of fresh) {
      reached.add(group);
      sendSignal(-group, name);
    }
  }
}

/** The template's script is the first process that the session's init started. */
const scriptNumber = 2;

/**
 * The carrier ends with the command, the kernel then ends what the command left running. What is left of a command
 * without its bubblewrap is a child of the session's init, and is ended here as well: one that was killed in its first
 * moments had no time to arrange that its child dies with it.
 */
async function endOrphans(template: Template): Promise<void> {
  for (;;) {
    const init = template.init();
    const orphans =
      init === undefined ? [] : readChildren(init).filter((pid) => readNamespacePids(pid).at(-1) !== scriptNumber);
    if (orphans.length === 0) return;
    for (const orphan of orphans) sendSignal(orphan, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * A carrier that was killed from outside leaves its child to the host's first process, not to the session's: such a child
 * is in the session's pid namespace, and its parent is neither there nor a carrier.
 */
async function endStrays({ template, carriers }: LaunchSetting): Promise<void> {
  for (;;) {
    const init = template.init();
    const namespace = init === undefined ? undefined : readPidNamespace(init);
    if (init === undefined || namespace === undefined) return;
    const members = new Set(listProcesses().filter((pid) => readPidNamespace(pid) === namespace));
    const parents = new Set([...members, ...carriers]);
    const strays = [...members].filter((pid) => {
      const stat = readStat(pid);
      return pid !== init && stat !== undefined && stat.state !== 'Z' && !parents.has(stat.parent);
    });
    if (strays.length === 0) return;
    for (const stray of strays) sendSignal(stray, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * bubblewrap reports `exit 137` and death by SIGKILL alike, so `signal` is set only for what the daemon sent.
 * @param code what the command ended with, when it began.
 */
export function describeExit(
  code: number | undefined,
  carrierCode: number | undefined,
  sent: ReadonlySet<NodeJS.Signals>,
  sessionEnded: boolean,
  message: string,
): ProcessExit {
  const matching = [...sent].find((name) => (code ?? carrierCode) === 128 + os.constants.signals[name]);
  if (code === undefined && carrierCode !== undefined && matching !== undefined) {
    return { code: carrierCode, signal: matching, failure: undefined };
  }
  if (code !== undefined) return { code, signal: matching, failure: undefined };
  if (sent.has('SIGKILL')) return { code: 137, signal: 'SIGKILL', failure: undefined };
  if (sessionEnded) return { code: 137, signal: undefined, failure: 'the session ended before the command did' };
  const failure =
    carrierCode === undefined
      ? 'the sandbox was ended from outside before the command began'
      : explainFailure(message, carrierCode);
  return { code: carrierCode ?? 137, signal: undefined, failure };
}

function explainFailure(message: string, carrierCode: number): string {
  const folder = /^bwrap: Can't chdir to (.*): No such file or directory$/m.exec(message)?.[1];
  if (folder !== undefined) {
    const own = ['/tmp', '/var/tmp', '/run'].find((place) => folder === place || folder.startsWith(`${place}/`));
    const why = own === undefined ? '' : `: \`${own}\` is the session's own, not the host's`;
    return `the folder \`${folder}\` is not there inside the sandbox${why}`;
  }
  const said = message.trim().replaceAll('\n', '; ');
  return `the sandbox could not start the command (${said === '' ? `status ${carrierCode}` : said})`;
}
