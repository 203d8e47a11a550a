/**
 * What a command of a session reads and writes: the starter's pipes or a terminal for its descriptors 0, 1, 2, the pipes
 * of bubblewrap beside it, and the one on which its shell says where it ended. Nothing of it depends on the command's text.
 */
import { Socket } from 'node:net';
import { openTerminal, type Terminal } from '../../platform/spawn.ts';
import type { CommandPlan } from '../model.ts';
import type { Account } from '../plan/account.ts';
import type { Starter, StarterPipe } from '../template/starter.ts';
import { takeEndFolder } from './end-folder.ts';

export interface SessionStdio {
  readonly stdin: Socket | undefined;
  readonly stdout: Socket | undefined;
  readonly stderr: Socket | undefined;
  readonly terminal: Terminal | undefined;
  /** The pipes of a run without a terminal. */
  readonly pipes: CommandPipes | undefined;
  readonly endFolder: StarterPipe | undefined;
  /** To be called once, when the command has ended. */
  readonly takeEndFolder: () => string | undefined;
  /** Instead of all else, when the command is not started. */
  readonly discard: () => void;
}

export interface CommandPipes {
  readonly input: StarterPipe | undefined;
  readonly output: StarterPipe;
  readonly errors: StarterPipe;
  /** Bubblewrap's options, and what it says of the command. */
  readonly options: StarterPipe;
  readonly status: StarterPipe;
}

export type StdioWish = Pick<CommandPlan, 'pty' | 'stdin' | 'reportCwd'>;

/** @throws {SbxError} `sandbox-failed` */
export async function openSessionStdio(
  wish: StdioWish,
  { starter, account }: { readonly starter: Starter; readonly account: Account },
): Promise<SessionStdio> {
  const hasInput = wish.pty === undefined && wish.stdin === 'stream';
  const count = (wish.pty === undefined ? 4 : 0) + (hasInput ? 1 : 0) + (wish.reportCwd ? 1 : 0);
  const taken = count === 0 ? [] : await starter.takePipes(count);
  const rest = [...taken];
  const endFolder = wish.reportCwd ? rest.shift() : undefined;
  const input = hasInput ? rest.shift() : undefined;
  const [output, errors, options, status] = rest;
  const opened: { close: () => void }[] = [];
  const read = (pipe: StarterPipe): Socket =>
    keep(new Socket({ fd: pipe.open('read'), readable: true, writable: false }));
  const keep = (socket: Socket): Socket => {
    opened.push({ close: () => socket.destroy() });
    return socket;
  };
  const discard = (): void => {
    for (const { close } of opened) close();
    for (const pipe of taken) starter.dropPipe(pipe);
  };
  try {
    const endFolderEnd = endFolder?.open('read');
    let isTaken = endFolderEnd === undefined;
    const take = (): string | undefined => {
      if (isTaken || endFolderEnd === undefined) return undefined;
      isTaken = true;
      return takeEndFolder(endFolderEnd);
    };
    opened.push({ close: take });
    const common = { endFolder, takeEndFolder: take, discard };
    if (wish.pty !== undefined) {
      const terminal = openTerminal(wish.pty.columns, wish.pty.rows, account);
      opened.push({ close: terminal.close });
      return { ...common, ...{ stdin: undefined, stdout: undefined, stderr: undefined, terminal, pipes: undefined } };
    }
    if (!output || !errors || !options || !status) throw new Error('too few pipes');
    const stdin = input && keep(new Socket({ fd: input.open('write'), readable: false, writable: true }));
    // a command may end without reading its input; that is no error of the run
    stdin?.on('error', () => {});
    return {
      ...common,
      ...{ stdin, stdout: read(output), stderr: read(errors), terminal: undefined },
      pipes: { input, output, errors, options, status },
    };
  } catch (error) {
    discard();
    throw error;
  }
}
