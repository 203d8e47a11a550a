/**
 * One WebSocket to a daemon: requests with their answers, events and byte frames in the order they came, and how full
 * both directions are. It knows nothing of runs or terminals, and never reconnects by itself: an answer that may have
 * been lost is reported as lost.
 */
import net from 'node:net';
import WebSocket from 'ws';
import { fromWireError, SbxError, type WireError } from './protocol/errors.ts';
import { decodeFrame, encodeFrame, type Frame } from './protocol/frames.ts';
import { buildHeader, limits } from './protocol/limits.ts';
import type { MethodName, Params, Result, RunEventNotification, StdinAck } from './protocol/messages.ts';

export interface ConnectionListener {
  readonly onEvent?: (notification: RunEventNotification) => void;
  readonly onOutput?: (frame: Frame) => void;
  readonly onStdinAck?: (ack: StdinAck) => void;
  /** The daemon is gone; every request without an answer was rejected before. Not called after `close`. */
  readonly onLost?: (error: SbxError) => void;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: SbxError) => void;
}

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: WireError;
}

const handshakeTimeoutMs = 10_000;

/** Undefined when nobody listens there. @throws {SbxError} `run-directory`, `daemon-unreachable`, `daemon-lost` */
export async function openConnection(
  socketPath: string,
  answerTimeoutMs = handshakeTimeoutMs,
): Promise<Connection | undefined> {
  const stream = await reach(socketPath);
  if (!stream) return undefined;
  // Not ws's `handshakeTimeout`: Node does not apply it to a stream that is connected already.
  const overdue = setTimeout(
    () => stream.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)),
    answerTimeoutMs,
  );
  return new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://localhost/', {
      createConnection: () => stream,
      perMessageDeflate: false,
      maxPayload: limits.maxFrameBytes,
    });
    let build: string | undefined;
    socket.once('upgrade', (response) => {
      const value = response.headers[buildHeader];
      build = typeof value === 'string' ? value : undefined;
    });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(overdue);
      // It took the connection and ended before it could say anything.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
        reject(new SbxError('daemon-lost', 'the daemon ended while it was asked', { help: 'run the command again' }));
        return;
      }
      reject(
        new SbxError('daemon-unreachable', `what listens on \`${socketPath}\` does not answer: ${error.message}`, {
          help: 'see sbx daemon logs, end that process, and run the command again',
          cause: error,
        }),
      );
    };
    socket.once('error', fail);
    // In the same tick as the first bytes: frames that came with the handshake's answer must find their listener.
    socket.once('open', () => {
      clearTimeout(overdue);
      socket.off('error', fail);
      resolve(new Connection(socket, stream, build));
    });
  });
}

function reach(socketPath: string): Promise<net.Socket | undefined> {
  return new Promise((resolve, reject) => {
    const stream = net.connect(socketPath);
    stream.once('connect', () => {
      stream.removeAllListeners('error');
      resolve(stream);
    });
    stream.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      // The queue of a busy daemon is full.
      else if (error.code === 'EAGAIN') setTimeout(() => resolve(reach(socketPath)), 5);
      else {
        reject(
          new SbxError('run-directory', `the socket \`${socketPath}\` cannot be used: ${error.message}`, {
            help: 'remove its directory, or set XDG_RUNTIME_DIR to one of your own',
            cause: error,
          }),
        );
      }
    });
  });
}

export class Connection {
  /** As the daemon named it in the handshake; undefined when it did not. */
  readonly build: string | undefined;
  readonly #socket: WebSocket;
  readonly #stream: net.Socket;
  readonly #waiting = new Map<number, Waiting>();
  #listener: ConnectionListener = {};
  #nextId = 1;
  #closed = false;

  constructor(socket: WebSocket, stream: net.Socket, build: string | undefined) {
    this.#socket = socket;
    this.#stream = stream;
    this.build = build;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#receiveFrame(data);
      else this.#receiveText(data.toString('utf8'));
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', (_code, reason) => this.#lose(reason.toString('utf8')));
  }

  listen(listener: ConnectionListener): void {
    this.#listener = listener;
  }

  /** @throws {SbxError} what the daemon answered, or `daemon-lost` */
  request<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    const id = this.#nextId++;
    return new Promise<Result<M>>((resolve, reject) => {
      if (this.#closed) {
        reject(this.#lostError(''));
        return;
      }
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  sendStdin(run: number, offset: number, payload: Buffer): void {
    if (!this.#closed)
      this.#socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset, payload }), { binary: true });
  }

  /** Stops taking output; the daemon then makes the run wait. Requests and signals still go out. */
  pause(): void {
    if (!this.#closed) this.#socket.pause();
  }

  resume(): void {
    if (!this.#closed) this.#socket.resume();
  }

  /** Ends without waiting for the other side; what was sent before still arrives. */
  close(): void {
    this.#closed = true;
    this.#rejectAll(this.#lostError(''));
    this.#stream.end(() => this.#socket.terminate());
  }

  #receiveFrame(data: Buffer): void {
    const frame = decodeFrame(data);
    if (frame) this.#listener.onOutput?.(frame);
    else this.#socket.close(1008, 'bad-frame');
  }

  #receiveText(text: string): void {
    const message = JSON.parse(text) as Incoming;
    if (message.method === 'run.event') this.#listener.onEvent?.(message.params as RunEventNotification);
    else if (message.method === 'run.stdinAck') this.#listener.onStdinAck?.(message.params as StdinAck);
    else if (message.id !== undefined) {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error) waiting?.reject(fromWireError(message.error));
      else waiting?.resolve(message.result as never);
    }
  }

  #lostError(reason: string): SbxError {
    const why = reason === '' ? '' : ` (${reason})`;
    return new SbxError('daemon-lost', `the connection to the daemon was lost${why}`, {
      help: 'sbx daemon logs may say why; the command it ran was stopped',
    });
  }

  #rejectAll(error: SbxError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = this.#lostError(reason);
    this.#rejectAll(error);
    this.#listener.onLost?.(error);
  }
}
