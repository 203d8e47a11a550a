/**
 * Writes a run's bytes to our own stdout and stderr in exactly the order they came, whatever each of the two is, and
 * says what they have taken. A reader that stalls never blocks this process, so signals are still forwarded; a reader
 * that is gone is reported once.
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import net from 'node:net';

type Fd = 1 | 2;

interface Sink {
  /** True when the bytes are out; else `done` is called once they are. */
  readonly write: (bytes: Buffer, done: (error?: NodeJS.ErrnoException) => void) => boolean;
}

function makeBrokenSink(code: string): Sink {
  return {
    write: (_bytes, done) => {
      process.nextTick(done, Object.assign(new Error(code), { code }));
      return false;
    },
  };
}

function makeSocketSink(fd: number): Sink {
  const socket = new net.Socket({ fd, readable: false, writable: true });
  // The error also reaches the callback of the write; without a listener it would be thrown.
  socket.on('error', () => undefined);
  return {
    write: (bytes, done) => {
      socket.write(bytes, (error) => done(error ?? undefined));
      return false;
    },
  };
}

/** Files and terminals: the kernel takes the bytes at once, or (a stopped terminal) the person wants us to wait. */
function makeBlockingSink(fd: Fd): Sink {
  const writeFrom = (bytes: Buffer, from: number, done: (error?: NodeJS.ErrnoException) => void): boolean => {
    let at = from;
    try {
      while (at < bytes.length) at += writeSync(fd, bytes, at);
      return true;
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code === 'EAGAIN') setTimeout(() => writeFrom(bytes, at, done) && done(), 2);
      else process.nextTick(done, failure);
      return false;
    }
  };
  return { write: (bytes, done) => writeFrom(bytes, 0, done) };
}

/**
 * A pipe is opened anew, because O_NONBLOCK belongs to the open file and would be forced on everybody who shares ours.
 * Source: open(2), "open file description"; proc(5), /proc/pid/fd.
 */
function openSink(fd: Fd): Sink {
  const status = fstatSync(fd);
  if (status.isSocket()) return makeSocketSink(fd);
  if (!status.isFIFO()) return makeBlockingSink(fd);
  try {
    return makeSocketSink(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    // Nobody has the other end open any more. Source: fifo(7)
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return makeBrokenSink('EPIPE');
    return makeSocketSink(fd);
  }
}

export interface OutputListener {
  /** The writes up to and with the one that carried this mark are out, or have nowhere to go. */
  readonly onTaken: (mark: number, bytes: number) => void;
  /** stdout cannot be written any more; `EPIPE` when its reader is gone. */
  readonly onBroken: (error: NodeJS.ErrnoException) => void;
}

interface Write {
  readonly fd: Fd;
  readonly bytes: Buffer;
  readonly mark: number | undefined;
}

export class Output {
  readonly #listener: OutputListener;
  readonly #sinks = new Map<Fd, Sink>();
  readonly #queue: Write[] = [];
  #writing = false;
  /** How many want it held. */
  #holds = 0;
  #brokenFds = new Set<Fd>();
  #idle: (() => void)[] = [];

  constructor(listener: OutputListener) {
    this.#listener = listener;
  }

  /** `mark`: reported once this and everything before it is out. */
  write(fd: Fd, bytes: Buffer, mark?: number): void {
    this.#queue.push({ fd, bytes, mark });
    if (!this.#writing) this.#pump();
  }

  /** While a question is on the terminal nothing may be drawn over it. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    if (this.#holds > 0) this.#holds--;
    if (!this.#writing) this.#pump();
  }

  /** Whoever else wanted it held. */
  releaseAll(): void {
    this.#holds = 0;
    this.release();
  }

  /** Resolves when everything that was written is out, or has nowhere to go. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#queue.length === 0 && !this.#writing) resolve();
      else this.#idle.push(resolve);
    });
  }

  #pump(): void {
    this.#writing = true;
    while (this.#holds === 0) {
      const next = this.#queue.shift();
      if (!next) break;
      const { fd, bytes } = next;
      if (this.#brokenFds.has(fd) || bytes.length === 0) {
        this.#take(next);
        continue;
      }
      let sink = this.#sinks.get(fd);
      if (!sink) {
        sink = openSink(fd);
        this.#sinks.set(fd, sink);
      }
      const isOut = sink.write(bytes, (error) => {
        if (error) this.#break(fd, error);
        this.#take(next);
        this.#pump();
      });
      if (!isOut) return;
      this.#take(next);
    }
    this.#writing = false;
    if (this.#queue.length === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #take({ bytes, mark }: Write): void {
    if (mark !== undefined) this.#listener.onTaken(mark, bytes.length);
  }

  #break(fd: Fd, error: NodeJS.ErrnoException): void {
    if (this.#brokenFds.has(fd)) return;
    this.#brokenFds.add(fd);
    if (fd === 1) this.#listener.onBroken(error);
  }
}
