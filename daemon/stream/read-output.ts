/**
 * What a command prints and reads, whether it has pipes or a terminal: one source that can be paused, and one place for its
 * input. Nothing is lost between the two: reading ends when every writer is gone.
 */
import { Writable } from 'node:stream';
import type { SandboxProcess } from '../sandbox/model.ts';
import type { OutputStream } from './run-log.ts';

export interface RunOutput {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resolves when everything was read. */
  readonly ended: Promise<void>;
}

type Streams = Pick<SandboxProcess, 'pty' | 'stdin' | 'stdout' | 'stderr'>;

export function readOutput(process: Streams, take: (stream: OutputStream, bytes: Buffer) => void): RunOutput {
  if (process.pty) {
    const { pty } = process;
    pty.onData((bytes) => take('pty', bytes));
    return { pause: pty.pause, resume: pty.resume, ended: pty.ended };
  }
  const streams = (['stdout', 'stderr'] as const).flatMap((name) => {
    const stream = process[name];
    if (!stream) return [];
    stream.on('data', (bytes: Buffer) => take(name, bytes));
    return [stream];
  });
  const ended = Promise.all(
    streams.map(
      (stream) => new Promise<void>((resolve) => stream.once('close', resolve).once('error', () => resolve())),
    ),
  );
  return {
    pause: () => streams.forEach((stream) => void stream.pause()),
    resume: () => streams.forEach((stream) => void stream.resume()),
    ended: ended.then(() => undefined),
  };
}

/** Undefined when the command has no input. A terminal has no end of input of its own: the person types it. */
export function findInput({ pty, stdin }: Streams): Writable | undefined {
  if (stdin) return stdin;
  if (!pty) return undefined;
  return new Writable({
    write: (bytes: Buffer, _encoding, done) => void pty.write(bytes).then(() => done()),
  });
}
