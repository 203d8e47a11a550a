/**
 * Delivers a terminal's bytes: none is lost when the last process inside ends, and a paused listener gets the rest when
 * it resumes.
 */
import type { Terminal } from '../platform/spawn.ts';
import type { SandboxProcess } from './model.ts';

export function deliverTerminal(terminal: Terminal): NonNullable<SandboxProcess['pty']> {
  const { stream } = terminal;
  // reading starts with the first listener; a read of a terminal whose last user is gone fails with EIO, its end
  stream.pause();
  const ended = new Promise<void>((resolve) => {
    stream.on('error', () => stream.destroy());
    stream.on('end', () => stream.destroy());
    stream.on('close', () => resolve());
  });
  return {
    ended,
    onData: (listener) => {
      stream.on('data', listener);
      stream.resume();
    },
    write: (bytes) => {
      if (!stream.destroyed) stream.write(bytes);
    },
    resize: terminal.resize,
    pause: () => {
      stream.pause();
    },
    resume: () => {
      stream.resume();
    },
  };
}
