/**
 * Real pipes for a command's stdio. Node's own `pipe` is a unix socket: opening `/dev/stdout` by name then fails. No
 * native code is needed: a waiting bash holds anonymous pipes, the daemon opens both ends through /proc.
 *
 * The bash runs as the command's account, because the owner of a pipe is who made it, and opening `/dev/stdout` again
 * inside checks that owner.
 */
import { closeSync, constants, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { SbxError } from '../../../client/protocol/errors.ts';
import { type RunningProcess, startProcess } from '../../platform/spawn.ts';

export interface Pipe {
  /** Non-blocking; the blocking end for the command is made by `openCommandEnd`. */
  readonly daemonEnd: number;
  readonly commandEnd: number;
}

export interface PipeFactory {
  /** A pipe that carries the command's output, or its input. */
  readonly take: (direction: 'from-command' | 'to-command') => Promise<Pipe>;
  readonly close: () => void;
}

const firstDescriptor = 10;
const batchSize = 24;
/** A new batch is made when fewer are left than two commands need. */
const lowMark = 6;

/** Makes pipes, says so, then closes each as it is told its number was opened: else its reader's end never comes. */
const script = `shift 1
for ((i = ${firstDescriptor}; i < ${firstDescriptor + batchSize}; i++)); do eval "exec $i< <(:)"; done
echo
while read -r i; do eval "exec $i<&-"; done`;

interface Batch {
  readonly process: RunningProcess;
  next: number;
}

function startBatch(argvPrefix: readonly string[], bash: string): Promise<Batch> {
  const process = startProcess([...argvPrefix, bash, '--norc', '--noprofile', '-c', script, 'sbx-pipes', ''], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const [input, output] = process.streams;
  input?.on('error', () => {});
  return new Promise((resolve, reject) => {
    output?.once('data', () => {
      output.destroy();
      resolve({ process, next: firstDescriptor });
    });
    void process.exit.then(() =>
      reject(new SbxError('sandbox-failed', 'the maker of pipes ended before it had made any')),
    );
  });
}

/** @param argvPrefix starts the maker as the command's account. */
export function openPipeFactory(argvPrefix: readonly string[], bash: string): PipeFactory {
  let current = startBatch(argvPrefix, bash);
  let following: Promise<Batch> | undefined;
  let closed = false;
  const end = (batch: Promise<Batch>): void => {
    batch.then(
      ({ process }) => process.streams[0]?.end(),
      () => {},
    );
  };
  current.catch(() => {});
  return {
    take: async (direction) => {
      for (;;) {
        const batch = await current;
        if (closed) throw new SbxError('sandbox-failed', 'the session is closed');
        const left = firstDescriptor + batchSize - batch.next;
        if (left <= lowMark && following === undefined) {
          following = startBatch(argvPrefix, bash);
          following.catch(() => {});
        }
        if (left > 0) return openPipe(batch, direction);
        end(current);
        current = following ?? startBatch(argvPrefix, bash);
        following = undefined;
      }
    },
    close: () => {
      closed = true;
      end(current);
      if (following !== undefined) end(following);
    },
  };
}

function openPipe(batch: Batch, direction: 'from-command' | 'to-command'): Pipe {
  const number = batch.next++;
  const place = `/proc/${batch.process.pid}/fd/${number}`;
  const [daemonMode, commandMode] =
    direction === 'from-command' ? [constants.O_RDONLY, constants.O_WRONLY] : [constants.O_WRONLY, constants.O_RDONLY];
  const daemonEnd = openSync(place, daemonMode | constants.O_NONBLOCK);
  try {
    return { daemonEnd, commandEnd: openSync(place, commandMode) };
  } catch (error) {
    closeSync(daemonEnd);
    throw error;
  } finally {
    (batch.process.streams[0] as Duplex).write(`${number}\n`);
  }
}
