/**
 * Starts the processes outside a command's own namespaces that carry it. Usually the session's starter does it, with one
 * process, bubblewrap; a run on a terminal is started by the daemon, which has the terminal.
 */
import { closeSync, fstatSync, readlinkSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { readChildren } from '../../platform/process-tree.ts';
import { type ProcessEnd, startProcess } from '../../platform/spawn.ts';
import { joinGroup } from '../groups/join-group.ts';
import type { RunGroup } from '../groups/run-groups.ts';
import type { CommandPlan } from '../model.ts';
import { createPrivateFile } from '../private-file.ts';
import { carrierDescriptors } from '../template/starter.ts';
import type { CompiledCommand } from './command.ts';
import type { LaunchSetting } from './launch.ts';
import { asPrlimit, asUlimits } from './process-limits.ts';
import type { CommandPipes, SessionStdio } from './session-stdio.ts';
import { watchStart } from './start-watch.ts';

export interface Carrier {
  /** Its number at this moment; undefined before it is there and once it is gone. */
  readonly find: () => number | undefined;
  /** What bubblewrap says of the command. */
  readonly status: Readable;
  /** Resolves when it was reaped. Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Of a run on a terminal: what its leader tells (terminal.ts). */
  readonly report?: Readable | undefined;
}

function encodeList(words: readonly string[]): Buffer {
  return Buffer.from(`${words.join('\0')}\0`);
}

function bubblewrapArgv({ bwrap }: LaunchSetting, compiled: CompiledCommand): string[] {
  return [bwrap, '--args', String(carrierDescriptors.options), '--', ...compiled.argv];
}

/**
 * @param before prefix of bubblewrap's argv.
 * @throws {SbxError} `sandbox-failed`
 */
export async function startInSession(
  setting: LaunchSetting,
  { endFolder }: SessionStdio,
  pipes: CommandPipes,
  plan: CommandPlan,
  compiled: CompiledCommand,
  before: readonly string[],
  group: RunGroup | undefined,
): Promise<Carrier> {
  const { starter } = setting;
  const [text] = compiled.longCommand === undefined ? [] : await starter.takePipes(1);
  const options = pipes.options.open('write');
  const giveOptions = (): void => fill(options, encodeList(compiled.options));
  if (group === undefined) giveOptions();
  if (text !== undefined) fill(text.open('write'), Buffer.from(compiled.longCommand?.text ?? ''));
  // last, because nothing after it can fail
  const statusEnd = pipes.status.open('read');
  const status = new Socket({ fd: statusEnd, readable: true, writable: false });
  const { ino: statusId } = fstatSync(statusEnd);
  const argv = [...before, ...bubblewrapArgv(setting, compiled)];
  const started = starter.start({
    argv,
    ...pipes,
    endFolder,
    text,
    umask: plan.umask,
    limits: asUlimits(plan.limits, setting.ceilings),
  });
  let hasEnded = false;
  const find = (): number | undefined =>
    hasEnded ? undefined : readChildren(starter.pid).find((pid) => holdsPipe(pid, statusId));
  // without its options bubblewrap has nothing to show to the command, which then cannot start
  if (group !== undefined) joinGroup(group, () => asList(find())).then(giveOptions, () => closeSync(options));
  const ended = (async (): Promise<ProcessEnd> => {
    await watchStart(status, find);
    const sessionPid = await started;
    const code = sessionPid === undefined ? undefined : await starter.wait(sessionPid);
    hasEnded = true;
    // bash gives a death by SIGKILL this number, and bubblewrap ends with it only when its command did
    return code === undefined || code === 137 ? { code: undefined, signal: 'SIGKILL' } : { code, signal: undefined };
  })();
  return { find, status, ended };
}

/**
 * INVARIANT(no-reused-number): the number that the starter told may name another process by now. The carrier of this run
 * is the one process below the starter that holds this run's pipe, which nobody else is ever given.
 */
function holdsPipe(pid: number, inode: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/${carrierDescriptors.status}`) === `pipe:[${inode}]`;
  } catch {
    return false;
  }
}

function asList(pid: number | undefined): number[] {
  return pid === undefined ? [] : [pid];
}

/** Usually all fits the pipe; what does not is written as the reader takes it. Closes it in the end. */
function fill(descriptor: number, bytes: Buffer): void {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  } catch {
    const stream = new Socket({ fd: descriptor, readable: false, writable: true });
    stream.on('error', () => {});
    stream.end(bytes.subarray(written));
    return;
  }
  closeSync(descriptor);
}

/** Starts nsenter with bubblewrap, on a terminal. */
export function startOnTerminal(
  setting: LaunchSetting,
  { endFolder, terminal }: SessionStdio,
  plan: CommandPlan,
  compiled: CompiledCommand,
  before: readonly string[],
  init: number,
  group: RunGroup | undefined,
): Carrier {
  const slave = terminal?.slave ?? 'ignore';
  const text =
    compiled.longCommand === undefined ? undefined : createPrivateFile(compiled.longCommand.text, setting.account);
  const handed = [setting.filter.open(), endFolder?.open('write', 'blocking'), text?.open()];
  const [filter = 'ignore', ...others] = handed.filter((descriptor) => descriptor !== undefined);
  try {
    const { pid, streams, exit } = startProcess(
      [
        ...setting.holdTerminal,
        ...setting.enter(init),
        ...asPrlimit(setting.prlimit, plan.limits, setting.ceilings),
        ...before,
        ...bubblewrapArgv(setting, compiled),
      ],
      // error output is the leader's report; it gives the command the terminal instead
      { stdio: [slave, slave, 'pipe', 'pipe', filter, 'pipe', ...others], umask: plan.umask },
    );
    const options = streams[carrierDescriptors.options];
    options?.on('error', () => {});
    const giveOptions = (): void => void options?.end(encodeList(compiled.options));
    if (group === undefined) giveOptions();
    // the leader outlives the command, until the daemon has read what is on the terminal
    else joinGroup(group, () => readChildren(pid)).then(giveOptions, () => options?.destroy());
    let hasEnded = false;
    setting.carriers.add(pid);
    const ended = exit.then((end) => {
      hasEnded = true;
      setting.carriers.delete(pid);
      return end;
    });
    const status = streams[carrierDescriptors.status];
    if (status === undefined) throw new Error('no pipe');
    return { find: () => (hasEnded ? undefined : pid), status, ended, report: streams[2] };
  } finally {
    for (const descriptor of handed) if (descriptor !== undefined) closeSync(descriptor);
    if (endFolder !== undefined) setting.starter.dropPipe(endFolder);
    text?.close();
    terminal?.closeSlave();
  }
}
