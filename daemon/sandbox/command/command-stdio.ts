/**
 * What a command reads and writes: pipes or a terminal for its descriptors 0, 1, 2, and the pipe on which its shell says
 * where it ended. Nothing of it depends on the command's text.
 */
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { openTerminal, type Stdio, type Terminal } from '../../platform/spawn.ts';
import type { CommandPlan } from '../model.ts';
import type { Account } from '../plan/account.ts';
import { takeEndFolder } from './end-folder.ts';
import type { PipeFactory } from './pipes.ts';

export interface CommandStdio {
  /** Descriptors 0, 1, 2 of the command. */
  readonly commandEnds: readonly [Stdio, Stdio, Stdio];
  /** The command's end of the pipe for the folder in which its shell ends. */
  readonly endFolderEnd: number | undefined;
  readonly stdin: Socket | undefined;
  readonly stdout: Socket | undefined;
  readonly stderr: Socket | undefined;
  readonly terminal: Terminal | undefined;
  /** Closes the daemon's copies of the command's ends; without it neither EOF nor SIGPIPE would ever come. */
  readonly releaseCommandEnds: () => void;
  /** To be called once, when the command has ended. */
  readonly takeEndFolder: () => string | undefined;
  /** Instead of all else, when the command is not started. */
  readonly discard: () => void;
}

export type StdioWish = Pick<CommandPlan, 'pty' | 'stdin' | 'reportCwd'>;

/** @throws {SbxError} `sandbox-failed` */
export async function openCommandStdio(
  wish: StdioWish,
  { pipes, account }: { readonly pipes: PipeFactory; readonly account: Account },
): Promise<CommandStdio> {
  const endFolder = wish.reportCwd ? await pipes.take('from-command') : undefined;
  const streams = wish.pty === undefined ? await openPipes(wish, pipes) : openPty(wish.pty, account);
  let isReleased = false;
  const releaseCommandEnds = (): void => {
    if (isReleased) return;
    isReleased = true;
    streams.release();
    if (endFolder !== undefined) closeSync(endFolder.commandEnd);
  };
  const take = (): string | undefined => (endFolder === undefined ? undefined : takeEndFolder(endFolder.daemonEnd));
  return {
    ...streams,
    endFolderEnd: endFolder?.commandEnd,
    releaseCommandEnds,
    takeEndFolder: take,
    discard: () => {
      releaseCommandEnds();
      take();
      for (const socket of [streams.stdin, streams.stdout, streams.stderr]) socket?.destroy();
      streams.terminal?.close();
    },
  };
}

interface Streams extends Pick<CommandStdio, 'commandEnds' | 'stdin' | 'stdout' | 'stderr' | 'terminal'> {
  readonly release: () => void;
}

function openPty({ columns, rows }: { readonly columns: number; readonly rows: number }, account: Account): Streams {
  const terminal = openTerminal(columns, rows, account);
  return {
    commandEnds: [terminal.slave, terminal.slave, terminal.slave],
    ...{ stdin: undefined, stdout: undefined, stderr: undefined, terminal },
    release: terminal.closeSlave,
  };
}

async function openPipes(wish: StdioWish, pipes: PipeFactory): Promise<Streams> {
  const output = await pipes.take('from-command');
  const errors = await pipes.take('from-command');
  const input = wish.stdin === 'stream' ? await pipes.take('to-command') : undefined;
  const stdin = input && new Socket({ fd: input.daemonEnd, readable: false, writable: true });
  // a command may end without reading its input; that is no error of the run
  stdin?.on('error', () => {});
  return {
    commandEnds: [input?.commandEnd ?? 'ignore', output.commandEnd, errors.commandEnd],
    stdin,
    stdout: new Socket({ fd: output.daemonEnd, readable: true, writable: false }),
    stderr: new Socket({ fd: errors.daemonEnd, readable: true, writable: false }),
    terminal: undefined,
    release: () => {
      for (const pipe of [output, errors, input]) if (pipe !== undefined) closeSync(pipe.commandEnd);
    },
  };
}
