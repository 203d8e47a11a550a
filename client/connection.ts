/**
 * One WebSocket to a daemon: requests with their answers, events and byte frames in the order they came. It knows
 * nothing of runs or terminals, and never reconnects by itself: an answer that may have been lost is reported as lost.
 * A daemon that breaks the protocol, or over TCP falls silent, is a lost one.
 */
import type net from 'node:net';
import type WebSocket from 'ws';
import { readMessage } from './incoming.ts';
import { fromWireError, SbxError } from './protocol/errors.ts';
import type { Gap, PendingApproval, RunEventNotification, SettledApproval, StdinAck } from './protocol/events.ts';
import { decodeFrame, encodeFrame, type Frame } from './protocol/frames.ts';
import { limits } from './protocol/limits.ts';
import type { MethodName, Params, Result } from './protocol/messages.ts';

export interface ConnectionListener {
  readonly onEvent?: (notification: RunEventNotification) => void;
  readonly onOutput?: (frame: Frame) => void;
  readonly onGap?: (gap: Gap) => void;
  readonly onStdinAck?: (ack: StdinAck) => void;
  readonly onApprovalPending?: (pending: PendingApproval) => void;
  readonly onApprovalSettled?: (settled: SettledApproval) => void;
  /** The daemon is gone; every request without an answer was rejected before. Not called after `close`. */
  readonly onLost?: (error: SbxError) => void;
}

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly onResult: ((result: never) => void) | undefined;
  readonly reject: (error: SbxError) => void;
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
  #lost: SbxError | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** `silenceMs`: without a byte for so long the daemon counts as lost. 0: never, which is the default on a unix socket. */
  constructor(
    socket: WebSocket,
    stream: net.Socket,
    build: string | undefined,
    silenceMs: number = stream.remoteAddress === undefined ? 0 : limits.silenceMs,
  ) {
    this.#socket = socket;
    this.#stream = stream;
    this.build = build;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#closed) return;
      if (isBinary) this.#receiveFrame(data);
      else this.#receiveText(data.toString('utf8'));
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', (_code, reason) => this.#lose(reason.toString('utf8')));
    if (silenceMs > 0) this.#watchSilence(silenceMs);
  }

  /** A connection that is lost already says so in a moment. */
  listen(listener: ConnectionListener): void {
    this.#listener = listener;
    const lost = this.#lost;
    if (lost) queueMicrotask(() => listener.onLost?.(lost));
  }

  /**
   * `onResult` is called in the order in which the daemon's messages came, before any later one: a promise would be too
   * late for the frames right behind the answer.
   * @throws {SbxError} what the daemon answered, or `daemon-lost`
   */
  request<M extends MethodName>(
    method: M,
    params: Params<M>,
    onResult?: (result: Result<M>) => void,
  ): Promise<Result<M>> {
    const id = this.#nextId++;
    return new Promise<Result<M>>((resolve, reject) => {
      if (this.#closed) {
        reject(this.#lostError(''));
        return;
      }
      this.#waiting.set(id, { resolve, reject, onResult });
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** Everything of the run below `seq` has been dealt with; without it the daemon stops sending after one window. */
  acknowledge(runId: string, seq: number): void {
    if (!this.#closed) this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'run.ack', params: { runId, seq } }));
  }

  sendStdin(run: number, offset: number, payload: Buffer): void {
    if (!this.#closed)
      this.#socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset, payload }), { binary: true });
  }

  /** Ends without waiting for the other side; what was sent before still arrives. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#watch);
    this.#rejectAll(this.#lostError(''));
    this.#stream.end(() => this.#socket.terminate());
  }

  /** Treats the daemon as lost from now on, for what it did. */
  abandon(reason: string): void {
    this.#lose(reason);
    this.#socket.terminate();
  }

  #receiveFrame(data: Buffer): void {
    const frame = decodeFrame(data);
    if (frame && frame.stream !== 'stdin') this.#listener.onOutput?.(frame);
    else this.abandon('it sent a malformed frame');
  }

  #receiveText(text: string): void {
    const message = readMessage(text);
    if (!message) {
      this.abandon('it sent a malformed message');
      return;
    }
    if (message.kind === 'notification') this.#notify(message.method, message.params);
    else if (message.kind !== 'other') {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.kind === 'error') waiting?.reject(fromWireError(message.error));
      else {
        waiting?.onResult?.(message.result as never);
        waiting?.resolve(message.result as never);
      }
    }
  }

  #notify(method: string, params: unknown): void {
    const listener = this.#listener;
    if (method === 'run.event') listener.onEvent?.(params as RunEventNotification);
    else if (method === 'run.gap') listener.onGap?.(params as Gap);
    else if (method === 'run.stdinAck') listener.onStdinAck?.(params as StdinAck);
    else if (method === 'approval.pending') listener.onApprovalPending?.(params as PendingApproval);
    else if (method === 'approval.settled') listener.onApprovalSettled?.(params as SettledApproval);
  }

  /** Bytes, not messages: a large message on a slow line is a sign of life while it comes. */
  #watchSilence(silenceMs: number): void {
    const everyMs = Math.max(1, Math.floor(silenceMs / 3));
    let seen = this.#stream.bytesRead;
    let silentMs = 0;
    this.#watch = setInterval(() => {
      silentMs = this.#stream.bytesRead === seen ? silentMs + everyMs : 0;
      seen = this.#stream.bytesRead;
      if (silentMs >= silenceMs) this.abandon(`nothing was heard of it for ${silenceMs / 1000} s`);
    }, everyMs);
    this.#watch.unref();
  }

  #lostError(reason: string): SbxError {
    const why = reason === '' ? '' : ` (${reason})`;
    return new SbxError('daemon-lost', `the connection to the daemon was lost${why}`, {
      help: 'sbx daemon logs may say why',
    });
  }

  #rejectAll(error: SbxError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    const error = this.#lostError(reason);
    this.#lost = error;
    this.#rejectAll(error);
    this.#listener.onLost?.(error);
  }
}
