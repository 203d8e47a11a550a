/**
 * One client's WebSocket: JSON-RPC in and out, binary frames, and how much may wait for a slow reader. It validates and
 * dispatches; what a method does is the handler's. A hostile or broken client gets a typed error or is closed; it never
 * makes the daemon throw, wait or grow.
 */
import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { SbxError, toWireError } from '../../client/protocol/errors.ts';
import type { notifications } from '../../client/protocol/events.ts';
import { decodeFrame, type Frame } from '../../client/protocol/frames.ts';
import { limits, protocolVersion } from '../../client/protocol/limits.ts';
import {
  laterMethods,
  type MethodName,
  methods,
  notifiable,
  type Params,
  type Result,
  requestSchema,
} from '../../client/protocol/messages.ts';

export type Handlers = {
  readonly [M in Exclude<MethodName, 'hello'>]: (params: Params<M>, connection: Connection) => Promise<Result<M>>;
};

export interface ConnectionContext {
  readonly build: string;
  readonly daemonId: string;
  readonly handlers: Handlers;
  readonly onGreeted: (connection: Connection) => void;
  readonly onStdin: (frame: Frame, connection: Connection) => void;
  readonly onClosed: (connection: Connection) => void;
  readonly log: (message: string) => void;
}

/** Requests that wait their turn, and their bytes, before the socket is read no further. */
const maxQueued = 256;
const maxQueuedBytes = limits.maxFrameBytes;
/** Unsent answers and events before the socket is read no further: a client that asks and never reads. */
const maxUnsentBytes = 4 * limits.highWaterBytes;
/** Unsent notifications above which a client is given up: it causes them no more than it can be kept from it. */
const maxUnsentNoticeBytes = maxUnsentBytes;

/** Of what a faulty request said, in the answer to it. */
const maxShownCharacters = 500;

function cut(text: string): string {
  return text.length > maxShownCharacters ? `${text.slice(0, maxShownCharacters)}…` : text;
}

export class Connection {
  readonly #socket: WebSocket;
  readonly #context: ConnectionContext;
  readonly #waiters = new Set<() => void>();
  #capabilities: ReadonlySet<string> = new Set();
  #greeted = false;
  #wasFull = false;
  #reading = true;
  #queued = 0;
  #queuedBytes = 0;
  #unsentNoticeBytes = 0;
  #afterAnswer: (() => void)[] = [];
  /** Requests are answered in the order they came, so that a client may send without waiting. */
  #queue: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      // It was told to go: nothing is answered any more, so nothing keeps it from sending.
      if (!this.isOpen) return;
      if (isBinary) this.#receiveFrame(data);
      else this.#receiveText(data.toString('utf8'));
    });
    socket.on('error', (error) => context.log(`connection: ${error.message}`));
    // After the requests that came before it: what they began is then forgotten too.
    socket.on('close', () => this.#enqueue(() => context.onClosed(this), 0));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** `hello` was answered. */
  get isGreeted(): boolean {
    return this.#greeted;
  }

  /** A person can be asked through it, about other connections' runs too. */
  get isApprover(): boolean {
    return this.#capabilities.has('approver');
  }

  /** False while so much is unsent that no viewer on this connection is served. */
  get canTake(): boolean {
    if (!this.isOpen) return false;
    if (this.#socket.bufferedAmount > limits.highWaterBytes) this.#wasFull = true;
    return !this.#wasFull;
  }

  /** Called each time there is room again after `canTake` was false. */
  onRoom(waiter: () => void): void {
    this.#waiters.add(waiter);
  }

  offRoom(waiter: () => void): void {
    this.#waiters.delete(waiter);
  }

  /** A run's event or output, made once for all its viewers: text, or a binary frame. */
  send(message: string | Buffer): void {
    if (this.isOpen) this.#socket.send(message, { binary: typeof message !== 'string' }, this.#onSent);
  }

  notify<N extends keyof typeof notifications>(
    method: N,
    params: (typeof notifications)[N]['params']['_output'],
  ): void {
    if (!this.isOpen) return;
    if (this.#unsentNoticeBytes > maxUnsentNoticeBytes) {
      this.#context.log('connection: gave up a client that takes no notifications');
      this.terminate();
      return;
    }
    const text = JSON.stringify({ jsonrpc: '2.0', method, params });
    this.#unsentNoticeBytes += text.length;
    this.#socket.send(text, () => {
      this.#unsentNoticeBytes -= text.length;
      this.#onSent();
    });
  }

  /** What the handler of the current request wants done once its answer is on its way. */
  afterAnswer(act: () => void): void {
    this.#afterAnswer.push(act);
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // A socket that is not read does not see the other side's close.
    this.#socket.resume();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  readonly #onSent = (): void => {
    const unsent = this.#socket.bufferedAmount;
    const isQueueShort = this.#queued < maxQueued / 2 && this.#queuedBytes <= maxQueuedBytes / 2;
    if (!this.#reading && unsent <= limits.highWaterBytes && isQueueShort) {
      this.#reading = true;
      this.#socket.resume();
    }
    if (!this.#wasFull || unsent > limits.lowWaterBytes) return;
    this.#wasFull = false;
    // Whoever was served first is served last the next time.
    const waiters = [...this.#waiters];
    const [first] = waiters;
    if (first) {
      this.#waiters.delete(first);
      this.#waiters.add(first);
    }
    for (const waiter of waiters) waiter();
  };

  #sendText(message: unknown): void {
    if (!this.isOpen) return;
    this.#socket.send(JSON.stringify(message), this.#onSent);
    if (this.#socket.bufferedAmount > maxUnsentBytes) this.#stopReading();
  }

  #stopReading(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#socket.pause();
  }

  #fail(id: number | string | null | undefined, error: unknown): void {
    const known = error instanceof SbxError ? error : this.#reportDefect(error);
    if (id !== undefined) this.#sendText({ jsonrpc: '2.0', id, error: toWireError(known) });
  }

  #reportDefect(error: unknown): SbxError {
    const correlation = randomBytes(4).toString('hex');
    this.#context.log(`internal error ${correlation}: ${error instanceof Error ? error.stack : String(error)}`);
    return new SbxError('internal', `a defect in sbx (${correlation})`, {
      help: 'sbx daemon logs shows the details under this number',
    });
  }

  #enqueue(act: () => Promise<void> | void, bytes: number): void {
    this.#queuedBytes += bytes;
    if (++this.#queued >= maxQueued || this.#queuedBytes >= maxQueuedBytes) this.#stopReading();
    const acted = this.#queue.then(act).catch((error: unknown) => {
      this.#reportDefect(error);
      this.terminate();
    });
    this.#queue = acted.then(() => {
      this.#queued--;
      this.#queuedBytes -= bytes;
      if (!this.#reading) this.#onSent();
    });
  }

  #receiveFrame(data: Buffer): void {
    const frame = decodeFrame(data);
    if (frame?.stream !== 'stdin') {
      this.close(1008, 'bad-frame');
      return;
    }
    this.#enqueue(() => {
      if (this.#greeted) this.#context.onStdin(frame, this);
      else this.close(1008, 'bad-frame');
    }, data.length);
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
        typeof id === 'number' || (typeof id === 'string' && id.length <= maxShownCharacters) ? id : null,
        new SbxError(
          'bad-request',
          cut(`the message is no JSON-RPC 2.0 request: ${first?.path.join('.') ?? ''} ${first?.message ?? ''}`),
        ),
      );
      return;
    }
    const { id, method, params } = request.data;
    if (id === undefined && !notifiable.includes(method)) {
      this.#fail(
        null,
        new SbxError('bad-request', `\`${method}\` needs an \`id\``, { help: `without one: ${notifiable.join(', ')}` }),
      );
      return;
    }
    this.#enqueue(async () => {
      try {
        const result = await this.#call(method, params ?? {});
        if (id !== undefined) this.#sendText({ jsonrpc: '2.0', id, result });
      } catch (error) {
        this.#fail(id, error);
      }
      for (const act of this.#afterAnswer.splice(0)) act();
    }, text.length);
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
      const place = cut([method, ...(first?.path ?? [])].join('.'));
      const issues = parsed.error.issues
        .slice(0, 10)
        .map(({ code, path, message }) => ({ code, path: cut(path.join('.')), message: cut(message) }));
      throw new SbxError('bad-request', `\`${place}\`: ${cut(first?.message ?? 'invalid')}`, { details: { issues } });
    }
    if (name === 'hello' && this.#greeted) throw new SbxError('bad-request', 'hello was said already');
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
    this.#capabilities = new Set(params.capabilities);
    const { build, daemonId, onGreeted } = this.#context;
    this.afterAnswer(() => onGreeted(this));
    return { protocol: protocolVersion, build, pid: process.pid, daemonId, methods: Object.keys(methods) };
  }
}
