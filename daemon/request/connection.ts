/**
 * One client's WebSocket: JSON-RPC in and out, binary frames, and how much may wait for a slow reader. It validates and
 * dispatches; what a method does is the handler's. A hostile or broken client gets a typed error or is closed; it never
 * makes the daemon throw, wait or grow.
 */
import type { WebSocket } from 'ws';
import { SbxError, toWireError } from '../../client/protocol/errors.ts';
import { decodeFrame, encodeFrame, type Frame, type StreamName } from '../../client/protocol/frames.ts';
import { limits, protocolVersion } from '../../client/protocol/limits.ts';
import {
  laterMethods,
  type MethodName,
  methods,
  type Params,
  type Result,
  type RunEvent,
  requestSchema,
} from '../../client/protocol/messages.ts';

export type Handlers = {
  readonly [M in Exclude<MethodName, 'hello'>]: (params: Params<M>, connection: Connection) => Promise<Result<M>>;
};

export interface ConnectionContext {
  readonly build: string;
  readonly handlers: Handlers;
  readonly onStdin: (frame: Frame, connection: Connection) => void;
  readonly onClosed: (connection: Connection) => void;
  readonly log: (message: string) => void;
}

/** Something that fills this connection and can be told to wait. */
export interface Source {
  readonly pause: () => void;
  readonly resume: () => void;
}

export class Connection {
  readonly #socket: WebSocket;
  readonly #context: ConnectionContext;
  readonly #sources = new Set<Source>();
  #greeted = false;
  #paused = false;
  #nextRun = 1;
  /** Requests are answered in the order they came, so that a client may send without waiting. */
  #queue: Promise<void> = Promise.resolve();
  /** The session that `session.open` named last. */
  sessionId: string | undefined;

  constructor(socket: WebSocket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#receiveFrame(data);
      else this.#receiveText(data.toString('utf8'));
    });
    socket.on('error', (error) => context.log(`connection: ${error.message}`));
    socket.on('close', () => {
      // A run that waits for this reader must not wait for ever.
      this.#release();
      context.onClosed(this);
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  takeRunNumber(): number {
    return this.#nextRun++;
  }

  addSource(source: Source): void {
    this.#sources.add(source);
    if (this.#paused) source.pause();
  }

  removeSource(source: Source): void {
    this.#sources.delete(source);
  }

  sendEvent(runId: string, seq: number, event: RunEvent): void {
    this.#sendText({ jsonrpc: '2.0', method: 'run.event', params: { runId, seq, event } });
  }

  sendOutput(stream: StreamName, run: number, seq: number, offset: number, payload: Buffer): void {
    if (!this.isOpen) return;
    this.#socket.send(encodeFrame({ stream, run, seq, offset, payload }), { binary: true }, () => {
      if (this.#paused && this.#socket.bufferedAmount <= limits.lowWaterBytes) this.#release();
    });
    if (!this.#paused && this.#socket.bufferedAmount > limits.highWaterBytes) {
      this.#paused = true;
      for (const source of this.#sources) source.pause();
    }
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  sendStdinAck(runId: string, bytes: number): void {
    this.#sendText({ jsonrpc: '2.0', method: 'run.stdinAck', params: { runId, bytes } });
  }

  #release(): void {
    this.#paused = false;
    for (const source of this.#sources) source.resume();
  }

  #sendText(message: unknown): void {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  #fail(id: number | string | null, error: unknown): void {
    const known = error instanceof SbxError ? error : this.#reportDefect(error);
    this.#sendText({ jsonrpc: '2.0', id, error: toWireError(known) });
  }

  #reportDefect(error: unknown): SbxError {
    const correlation = Math.random().toString(36).slice(2, 10);
    this.#context.log(`internal error ${correlation}: ${error instanceof Error ? error.stack : String(error)}`);
    return new SbxError('internal', `a defect in sbx (${correlation})`, {
      help: 'sbx daemon logs shows the details under this number',
    });
  }

  #receiveFrame(data: Buffer): void {
    const frame = this.#greeted ? decodeFrame(data) : undefined;
    if (frame?.stream !== 'stdin') {
      this.close(1008, 'bad-frame');
      return;
    }
    this.#queue = this.#queue.then(() => this.#context.onStdin(frame, this));
  }

  #receiveText(text: string): void {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      this.#fail(
        null,
        new SbxError('bad-request', 'the message is not JSON', { help: 'send JSON-RPC 2.0 as text frames' }),
      );
      return;
    }
    const request = requestSchema.safeParse(message);
    if (!request.success) {
      const id = (message as { id?: unknown } | null)?.id;
      const first = request.error.issues[0];
      this.#fail(
        typeof id === 'number' || typeof id === 'string' ? id : null,
        new SbxError(
          'bad-request',
          `the message is no JSON-RPC 2.0 request: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`,
        ),
      );
      return;
    }
    const { id, method, params } = request.data;
    this.#queue = this.#queue.then(async () => {
      try {
        this.#sendText({ jsonrpc: '2.0', id, result: await this.#call(method, params ?? {}) });
      } catch (error) {
        this.#fail(id, error);
      }
    });
  }

  async #call(method: string, params: unknown): Promise<unknown> {
    if (!Object.hasOwn(methods, method)) {
      if ((laterMethods as readonly string[]).includes(method)) {
        throw new SbxError('not-available', `this build does not have the method \`${method}\` yet`);
      }
      throw new SbxError('unknown-method', `there is no method \`${method}\``, {
        details: { methods: Object.keys(methods) },
      });
    }
    const name = method as MethodName;
    const parsed = methods[name].params.safeParse(params);
    if (!parsed.success) {
      const first = parsed.error.issues[0];
      const place = [method, ...(first?.path ?? [])].join('.');
      throw new SbxError('bad-request', `\`${place}\`: ${first?.message ?? 'invalid'}`, {
        details: { issues: parsed.error.issues.slice(0, 10) },
      });
    }
    if (name === 'hello') return this.#greet(parsed.data as Params<'hello'>);
    if (!this.#greeted) throw new SbxError('hello-first', 'the first request of a connection must be `hello`');
    const handler = this.#context.handlers[name] as (params: unknown, connection: Connection) => Promise<unknown>;
    return handler(parsed.data, this);
  }

  #greet(params: Params<'hello'>): Result<'hello'> {
    if (params.protocol !== protocolVersion) {
      throw new SbxError(
        'protocol-mismatch',
        `the daemon speaks protocol ${protocolVersion}, the client ${params.protocol}`,
        {
          help: 'sbx daemon stop, then use the same version of sbx for both',
        },
      );
    }
    this.#greeted = true;
    return { protocol: protocolVersion, build: this.#context.build, pid: process.pid, methods: Object.keys(methods) };
  }
}
