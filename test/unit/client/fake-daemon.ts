/** A daemon that does exactly what a test tells it, over a real WebSocket on a real unix socket. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import { SandboxClient } from '../../../client/client.ts';
import type { ConnectOptions } from '../../../client/client-options.ts';
import { type ErrorCode, SbxError, toWireError } from '../../../client/protocol/errors.ts';
import type { Approval, Exit, RunEvent } from '../../../client/protocol/events.ts';
import { decodeFrame, encodeFrame, type Frame, type StreamName } from '../../../client/protocol/frames.ts';
import { methods, requestSchema } from '../../../client/protocol/messages.ts';

export interface Asked {
  readonly peer: Peer;
  readonly id: number | undefined;
  readonly method: string;
  // Each test knows the shape of what it looks at.
  // biome-ignore lint/suspicious/noExplicitAny: as it came over the wire
  readonly params: any;
}

/** `undefined`: no answer. */
type Handler = (asked: Asked) => object | SbxError | undefined;

export class Peer {
  readonly socket: WebSocket;
  readonly stream: Socket;

  constructor(socket: WebSocket, stream: Socket) {
    this.socket = socket;
    this.stream = stream;
  }

  text(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  notify(method: string, params: object): void {
    this.text({ jsonrpc: '2.0', method, params });
  }

  event(runId: string, seq: number, event: RunEvent): void {
    this.notify('run.event', { runId, seq, event });
  }

  output(run: number, seq: number, offset: number, payload: string | Buffer, stream: StreamName = 'stdout'): void {
    this.socket.send(encodeFrame({ stream, run, seq, offset, payload: Buffer.from(payload) }), { binary: true });
  }

  /** Everything up to this many bytes from now on still arrives, wherever that is in a frame; then the line is dead. */
  cutAfter(bytes: number): void {
    const { stream } = this;
    const write = stream.write.bind(stream) as (chunk: Buffer) => boolean;
    let left = bytes;
    stream.write = ((chunk: Buffer | string, ...rest: unknown[]) => {
      const whole = Buffer.from(chunk as Buffer);
      const done = rest.find((value) => typeof value === 'function') as (() => void) | undefined;
      if (left > 0) write(whole.subarray(0, left));
      left -= whole.length;
      if (left <= 0) stream.destroySoon();
      done?.();
      return true;
    }) as typeof stream.write;
    if (bytes === 0) stream.destroySoon();
  }

  cut(): void {
    this.socket.terminate();
  }
}

export const decision = {
  effect: 'allow',
  reasons: [{ kind: 'read-only', effect: 'allow', message: 'only reads' }],
  commands: [],
  suggestions: [],
  description: 'prints',
  risk: { level: 'low', why: 'only reads' },
  notes: [],
} as const;

export const sandbox = {
  backend: 'bubblewrap' as const,
  network: 'none' as const,
  seccomp: true,
  userns: 'disabled' as const,
  user: 'me',
  writable: [],
  warnings: [],
};

export function makeExit(fields: Partial<Exit> = {}): Exit {
  return { reason: 'exited', code: 0, durationMs: 1, outputBytes: 0, violations: 0, ...fields };
}

export function makeApproval(approvalId: string): Approval {
  return {
    approvalId,
    command: 'make',
    cwd: '/',
    decision: { ...decision, reasons: [...decision.reasons], commands: [], suggestions: [], notes: [] },
    suggestions: [],
    saveTo: '/p.json',
    timeoutMs: 60_000,
  };
}

export const events = {
  decided: { type: 'decided', decision } as unknown as RunEvent,
  started: { type: 'started', sandbox } as RunEvent,
  exited: (fields: Partial<Exit> = {}): RunEvent => ({ type: 'exited', exit: makeExit(fields) }),
};

const session = {
  sessionId: 's-1',
  workspace: '/work',
  cwd: '/work',
  fresh: true,
  sandbox: true,
  env: [],
  grants: 0,
  clients: 1,
  liveRuns: 0,
  idleMs: 0,
  ready: true,
};

export class FakeDaemon {
  readonly base = mkdtempSync('/var/tmp/sbx-fake-');
  daemonId = 'd-1';
  readonly asked: Asked[] = [];
  readonly stdin: Frame[] = [];
  readonly peers: Peer[] = [];
  readonly #server: Server;
  readonly #wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #handlers = new Map<string, Handler>();
  readonly #clients: SandboxClient[] = [];
  #waiting: (() => void)[] = [];
  #runs = 0;

  constructor() {
    this.on('hello', () => ({ protocol: 1, build: 'fake', pid: 1, daemonId: this.daemonId, methods: [] }));
    this.on('session.open', () => ({ ...session, notes: [] }));
    this.on('session.update', () => session);
    this.on('session.close', () => ({}));
    this.on('run.start', () => ({ run: ++this.#runs, stdinBytes: 0, writer: true, repeated: false }));
    this.on('run.stop', () => ({}));
    this.on('run.closeStdin', () => ({}));
    this.on('run.detach', () => ({}));
    this.on('run.ack', () => undefined);
    this.on('approval.list', () => ({ approvals: [] }));
    this.on('approval.answer', () => ({}));
    this.#server = createServer();
    this.#server.on('upgrade', (request, stream: Socket, head) => {
      this.#wss.handleUpgrade(request, stream, head, (socket) => this.#welcome(new Peer(socket, stream)));
    });
  }

  get env(): Record<string, string> {
    return { XDG_RUNTIME_DIR: this.base };
  }

  get peer(): Peer {
    const last = this.peers.at(-1);
    if (!last) throw new Error('nobody is connected');
    return last;
  }

  async listen(): Promise<this> {
    mkdirSync(path.join(this.base, 'sbx'), { mode: 0o700 });
    this.#server.listen(path.join(this.base, 'sbx', 'sbxd.sock'));
    await once(this.#server, 'listening');
    return this;
  }

  on(method: string, handler: Handler): void {
    this.#handlers.set(method, handler);
  }

  /** A connected client that is closed with the daemon. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<SandboxClient> {
    const client = await SandboxClient.connect({ env: this.env, ...options });
    this.#clients.push(client);
    return client;
  }

  /** The `nth` request of a method, counted from 1, as soon as it has come. */
  async request(method: string, nth = 1): Promise<Asked> {
    return this.until(() => this.asked.filter((asked) => asked.method === method)[nth - 1]);
  }

  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length;
  }

  async until<T>(find: () => T | undefined | false): Promise<T> {
    for (;;) {
      const found = find();
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const peer of this.peers) peer.cut();
    this.stopListening();
    rmSync(this.base, { recursive: true, force: true });
  }

  stopListening(): void {
    this.#server.close();
  }

  #welcome(peer: Peer): void {
    this.peers.push(peer);
    peer.socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) {
        const frame = decodeFrame(data);
        if (frame) this.stdin.push(frame);
      } else this.#answer(peer, data.toString('utf8'));
      this.#wake();
    });
    peer.socket.on('error', () => undefined);
    peer.socket.on('close', () => this.#wake());
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #answer(peer: Peer, text: string): void {
    const { id, method, params } = requestSchema.parse(JSON.parse(text));
    const known = methods[method as keyof typeof methods];
    // What the real daemon would refuse is a defect of the client.
    known.params.parse(params);
    const asked: Asked = { peer, id: id as number | undefined, method, params };
    this.asked.push(asked);
    const handler = this.#handlers.get(method);
    const answer = handler ? handler(asked) : refusal('not-available');
    if (answer === undefined || id === undefined) return;
    if (answer instanceof SbxError) peer.text({ jsonrpc: '2.0', id, error: toWireError(answer) });
    else peer.text({ jsonrpc: '2.0', id, result: answer });
  }
}

export function refusal(code: ErrorCode): SbxError {
  return new SbxError(code, `refused: ${code}`);
}

/** What a run has said so far; any viewer can be shown it from any number on. */
export class FakeRun {
  readonly #daemon: FakeDaemon;
  readonly #log: ((peer: Peer) => void)[] = [];
  readonly #offsets = { stdout: 0, stderr: 0, pty: 0 };
  readonly number: number;
  runId = '';
  stdinBytes = 0;

  /** Takes over `run.start` and `run.attach`. */
  constructor(daemon: FakeDaemon, number = 1) {
    this.#daemon = daemon;
    this.number = number;
    daemon.on('run.start', ({ peer, params }) => {
      const repeated = this.runId === params.runId;
      this.runId = params.runId;
      setImmediate(() => this.show(peer, 0));
      return { run: number, stdinBytes: this.stdinBytes, writer: true, repeated };
    });
    daemon.on('run.attach', ({ peer, params }) => {
      setImmediate(() => this.show(peer, params.fromSeq));
      return { run: number, stdinBytes: this.stdinBytes, writer: params.write === true, info: this.info };
    });
  }

  get info(): object {
    return { runId: this.runId, run: this.number, state: 'running', pty: false };
  }

  get length(): number {
    return this.#log.length;
  }

  event(event: RunEvent): this {
    const seq = this.#log.length;
    this.#log.push((peer) => peer.event(this.runId, seq, event));
    return this;
  }

  output(payload: string | Buffer, stream: 'stdout' | 'stderr' | 'pty' = 'stdout'): this {
    const bytes = Buffer.from(payload);
    const seq = this.#log.length;
    const offset = this.#offsets[stream];
    this.#offsets[stream] += bytes.length;
    this.#log.push((peer) => peer.output(this.number, seq, offset, bytes, stream));
    return this;
  }

  show(peer: Peer, fromSeq: number, toSeq = this.#log.length): void {
    for (let seq = fromSeq; seq < toSeq; seq++) this.#log[seq]?.(peer);
  }

  /** What is new, to whoever is connected. */
  say(toSeq = this.#log.length, fromSeq = 0): void {
    this.show(this.#daemon.peer, fromSeq, toSeq);
  }
}
