/**
 * Runs a command on a terminal and delivers every byte it printed, to a paused reader as well, and after its end. A reader
 * that never resumes holds up neither the command's end nor the daemon, nor does a command that never reads what is typed.
 *
 * Two things lose the last output. When the leader of a terminal's session ends, the kernel hangs the terminal up and
 * throws away what is still on its way to the 4096 bytes that wait for the reader: `tty_ldisc_hangup`, `pty_flush_buffer`;
 * tried on Linux 6.18, 12,000 unread bytes arrived as 8,190 or fewer. And when the last user is gone, libuv takes the first
 * read that is not full for the end, which for a terminal is every read: `uv__stream_io`, `UV_HANDLE_READ_PARTIAL`.
 * So the leader is a process of our own, which keeps the terminal open until the daemon has emptied it.
 */
import { Readable, Writable } from 'node:stream';
import type { Terminal } from '../../platform/spawn.ts';
import type { SandboxProcess } from '../model.ts';
import { oomScore } from '../template/starter.ts';

export interface LeaderTools {
  readonly bash: string;
  readonly setsid: string;
  /** GNU env, when the program and what it starts shall ignore `terminalSignals`. */
  readonly env: string | undefined;
}

/** Signals of keys and of hangups, which are the command's business and not of the processes that carry it. */
export const terminalSignals = 'INT,QUIT,TSTP,TERM,HUP';

/**
 * The terminal is descriptors 0 and 1, the daemon's report pipe is 2: what bash itself says ("Killed") does not belong on
 * the terminal either, and any byte there means that the command has ended. A carrier's death by SIGKILL is passed on as
 * such. Pipes of the run are closed first, others wait for their ends. Signals are caught rather than ignored, because a
 * program starts with what its parent ignores; `trap` leaves alone what GNU env made the leader ignore.
 */
const leaderScript = `echo ${oomScore} >/proc/self/oom_score_adj
trap : ${terminalSignals.replaceAll(',', ' ')} USR1 USR2 PIPE
"$@" 2>&1
code=$?
trap '' ${terminalSignals.replaceAll(',', ' ')}
exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
echo >&2
read -r <&2
((code == 137)) && kill -KILL $$
exit $code`;

/**
 * Prefix of the argv of a run on a terminal. The program's descriptors 0 and 1 are the terminal, 2 is a pipe whose other
 * end `deliverTerminal` is given.
 */
export function leadTerminal({ bash, setsid, env }: LeaderTools): string[] {
  return [
    ...(env === undefined ? [] : [env, `--ignore-signal=${terminalSignals}`]),
    ...[setsid, '--ctty', bash, '--norc', '--noprofile', '-c', leaderScript, 'sbx-terminal'],
  ];
}

/** As much is read ahead of a reader that has paused. */
const readAheadBytes = 64 * 1024;
/** A full terminal is tried again after this long, doubled each time up to the second number. */
const retryMs = [1, 32] as const;

/** @param report the daemon's end of the leader's pipe; without it the terminal ends with its last user. */
export function deliverTerminal(terminal: Terminal, report?: Readable | undefined): NonNullable<SandboxProcess['pty']> {
  const { stream } = terminal;
  const output = new Readable({ highWaterMark: readAheadBytes, read: () => void stream.resume() });
  const input = openInput(terminal);
  let isFinished = false;
  const finish = (): void => {
    if (isFinished) return;
    isFinished = true;
    stream.removeAllListeners('data');
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) output.push(chunk);
    const rest = terminal.takeRest();
    if (rest.length > 0) output.push(rest);
    output.push(null);
    input.destroy();
    terminal.close();
    // the leader waits for this
    report?.destroy();
  };
  stream.pause();
  stream.on('data', (chunk: Buffer) => {
    if (!output.push(chunk)) stream.pause();
  });
  // without a leader, or when it was killed from outside: nobody has the terminal open any more
  for (const event of ['error', 'end', 'close']) stream.on(event, finish);
  report?.once('data', finish);
  report?.once('close', finish);
  report?.on('error', () => {});
  const ended = new Promise<void>((resolve) => {
    output.on('end', () => resolve());
  });
  return {
    ended,
    onData: (listener) => {
      output.on('data', listener);
      output.resume();
    },
    write: (bytes) =>
      new Promise((resolve) => {
        if (input.destroyed) resolve();
        else input.write(bytes, () => resolve());
      }),
    resize: terminal.resize,
    pause: () => {
      output.pause();
    },
    resume: () => {
      output.resume();
    },
  };
}

/**
 * Node's own stream writes to a terminal until everything is taken: a command that does not read would stop the daemon.
 * Nothing tells when a full terminal takes more, so it is asked.
 */
function openInput(terminal: Terminal): Writable {
  let timer: NodeJS.Timeout | undefined;
  let giveUp = (): void => {};
  const type = (bytes: Buffer, waitMs: number, done: () => void): void => {
    timer = undefined;
    const rest = bytes.subarray(terminal.type(bytes));
    if (rest.length === 0) done();
    else {
      const nextMs = rest.length < bytes.length ? retryMs[0] : Math.min(waitMs * 2, retryMs[1]);
      timer = setTimeout(() => type(rest, nextMs, done), waitMs);
    }
  };
  const input = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      giveUp = done;
      type(bytes, retryMs[0], done);
    },
    destroy: (_error, done) => {
      if (timer !== undefined) giveUp();
      clearTimeout(timer);
      done(null);
    },
  });
  input.on('error', () => {});
  return input;
}
