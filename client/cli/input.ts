/**
 * Streams our own stdin into a run, never further ahead of the command than the protocol's window. Nothing is read
 * before the run has started: what a refused command would have read still belongs to whoever comes next.
 */
import { constants, createReadStream, fstatSync, openSync, statSync } from 'node:fs';
import net from 'node:net';
import type { Readable } from 'node:stream';
import tty from 'node:tty';
import { limits } from '../protocol/limits.ts';

export interface InputTarget {
  readonly send: (payload: Buffer) => void;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

/** True for /dev/null, which is also what a closed stdin has become: the command can have its own. */
export function isStdinEmpty(): boolean {
  const status = fstatSync(0);
  return status.isCharacterDevice() && status.rdev === statSync('/dev/null').rdev;
}

/** A pipe is opened anew for the reason given at `openSink`. */
function openSource(take: (bytes: Buffer) => void): Readable {
  // A stream that is paused still takes the next key from the terminal, which would be missing in the answer to a question.
  // One that hands over what it reads without keeping it stops reading at once. Source: Node, `Socket.prototype.pause`.
  if (tty.isatty(0)) {
    const callback = (length: number, bytes: Uint8Array): boolean => {
      take(Buffer.from(bytes.subarray(0, length)));
      return true;
    };
    const options: net.SocketConstructorOpts & net.ConnectOpts = {
      onread: { buffer: Buffer.alloc(limits.maxPayloadBytes), callback },
    };
    return new tty.ReadStream(0, options).resume();
  }
  return openStream().on('data', take);
}

function openStream(): Readable {
  const status = fstatSync(0);
  if (status.isFIFO()) {
    try {
      return new net.Socket({
        fd: openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK),
        readable: true,
        writable: false,
      });
    } catch {
      // a pipe of another user: the shared one has to do
    }
  }
  if (status.isFIFO() || status.isSocket()) return new net.Socket({ fd: 0, readable: true, writable: false });
  return createReadStream('', { fd: 0, autoClose: false, highWaterMark: limits.maxPayloadBytes });
}

export class Input {
  readonly #source: Readable;
  readonly #target: InputTarget;
  #sent: number;
  #taken: number;
  #paused = false;
  #suspended = false;

  /** `from`: bytes that the daemon has from whoever wrote before. */
  constructor(target: InputTarget, from: number) {
    this.#target = target;
    this.#sent = from;
    this.#taken = from;
    this.#source = openSource((bytes) => this.#send(bytes));
    this.#source.once('end', () => target.end());
    this.#source.once('error', (error) => {
      // EIO: the terminal is gone, which is the end of input.
      if ((error as NodeJS.ErrnoException).code !== 'EIO') target.fail(error);
      target.end();
    });
  }

  /** The terminal of a pty run, for raw mode. */
  get terminal(): tty.ReadStream | undefined {
    return this.#source instanceof tty.ReadStream ? this.#source : undefined;
  }

  /** `bytes`: how much the command has taken since the start. */
  acknowledge(bytes: number): void {
    this.#taken = bytes;
    if (this.#paused && this.#sent - this.#taken <= limits.stdinWindowBytes - limits.maxPayloadBytes * 2) {
      this.#paused = false;
      if (!this.#suspended) this.#source.resume();
    }
  }

  suspend(): void {
    this.#suspended = true;
    this.#source.pause();
    this.#steerLater();
  }

  goOn(): void {
    this.#suspended = false;
    this.#steerLater();
  }

  /**
   * When the events of this moment are over. The key that ended a question is told for our own handle of the terminal too,
   * and a read for it would wait for the next key; a `resume` just before a `pause` reads once more in its next tick.
   */
  #steerLater(): void {
    setImmediate(() => {
      if (this.#source.destroyed) return;
      if (this.#suspended || this.#paused) this.#source.pause();
      else this.#source.resume();
    });
  }

  stop(): void {
    this.#source.destroy();
  }

  #send(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += limits.maxPayloadBytes) {
      const payload = bytes.subarray(at, at + limits.maxPayloadBytes);
      this.#target.send(payload);
      this.#sent += payload.length;
    }
    // One read can be up to 64 KiB more than was looked at here; twice that is kept free.
    if (this.#sent - this.#taken > limits.stdinWindowBytes - limits.maxPayloadBytes * 2) {
      this.#paused = true;
      this.#source.pause();
    }
  }
}
