/**
 * Ends a run's output with the run. A command can pass its end of a pipe over a unix socket to another command of the
 * session; without this, that one decides when, or whether, the first one's output ends.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** The command's processes are gone, so what they wrote is in the pipe: only what is there still has to be taken. */
const quietMs = 250;

/** @param stream what the viewer reads, `source` itself or something fed from it; a slow viewer loses nothing. */
export function endAfterCommand(source: Socket | undefined, stream: Readable | undefined): void {
  if (source === undefined || source.destroyed) return;
  let last = -1;
  const timer = setInterval(() => {
    const isTaken = source.readableLength === 0 && (stream?.readableLength ?? 0) === 0;
    if (isTaken && source.bytesRead === last) source.push(null);
    last = source.bytesRead;
  }, quietMs);
  timer.unref();
  source.on('error', () => {});
  source.once('end', () => clearInterval(timer));
  source.once('close', () => clearInterval(timer));
}
