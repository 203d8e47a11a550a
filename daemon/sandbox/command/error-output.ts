/**
 * Keeps apart what the command prints on its error output and what setpriv, nsenter and bubblewrap print on the same pipe
 * when they cannot start it: the latter belongs into the failure's message, nobody's program printed it.
 */
import { Readable } from 'node:stream';

/** How these programs begin their messages; they print one and end at once. */
const carrierMessage = /^(?:bwrap|nsenter|setpriv): /;
/** A command may print the same words and go on: then they are its output, late by this much. */
const holdMs = 100;

export interface ErrorOutput {
  readonly stream: Readable;
  /** To be called when the command has ended: what was held back is output, or else is returned. */
  readonly settle: (didBegin: boolean) => string;
}

export function separateErrorOutput(source: Readable): ErrorOutput {
  let held: Buffer | undefined;
  let first = true;
  let sourceEnded = false;
  let timer: NodeJS.Timeout | undefined;
  const stream = new Readable({
    read: () => {
      if (held === undefined) source.resume();
    },
    destroy: (error, done) => {
      source.destroy();
      done(error);
    },
  });
  const push = (chunk: Buffer): void => {
    if (!stream.push(chunk)) source.pause();
  };
  const release = (): void => {
    clearTimeout(timer);
    const chunk = held;
    held = undefined;
    if (chunk !== undefined) push(chunk);
    if (sourceEnded) stream.push(null);
    else source.resume();
  };
  source.pause();
  source.on('data', (chunk: Buffer) => {
    if (held !== undefined) held = Buffer.concat([held, chunk]);
    else if (first && carrierMessage.test(chunk.toString('latin1', 0, 16))) {
      held = chunk;
      timer = setTimeout(release, holdMs);
    } else push(chunk);
    first = false;
  });
  source.once('end', () => {
    sourceEnded = true;
    if (held === undefined) stream.push(null);
  });
  source.once('error', (error) => stream.destroy(error));
  source.once('close', () => {
    if (!sourceEnded) stream.destroy();
  });
  return {
    stream,
    settle: (didBegin) => {
      if (held === undefined) return '';
      const text = didBegin ? '' : held.toString();
      if (!didBegin) held = Buffer.alloc(0);
      release();
      return text;
    },
  };
}
