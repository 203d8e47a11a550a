/**
 * Where every client comes in, over whichever socket: refuses who may not enter, bounds how many there are and how long
 * they may take to say who they are, and makes each of the others a `Connection`.
 */
import type { IncomingMessage, Server } from 'node:http';
import type net from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { buildHeader, limits } from '../../client/protocol/limits.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { Handshakes } from './handshakes.ts';
import { Heartbeat } from './heartbeat.ts';
import { headerValues } from './host-header.ts';
import { answerRequest, answerSocket, type Refusal, refusals } from './refusal.ts';
import { createRefusalLog } from './refusal-log.ts';

/** Clients of one daemon at once; each may cost a read buffer of `maxFrameBytes`. */
export const maxClients = 256;
/** Sockets of one door that are still shaking hands. */
const maxHandshakes = 512;
/** After 1001 or 1008, for the other side's answer. */
const closingMs = 500;

export interface Door {
  /** For the log. */
  readonly name: string;
  /** Besides the checks of every door. */
  readonly judge?: (request: IncomingMessage) => Refusal | undefined;
  readonly authenticate?: (request: IncomingMessage) => Refusal | undefined;
  /** How many clients there may be, of all doors together, for one more to come in by this one. */
  readonly maxClients: number;
  /** The other side can vanish without the kernel knowing. */
  readonly needsHeartbeat: boolean;
}

export interface ReceptionTimes {
  readonly helloTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
}

export class Reception {
  readonly #context: ConnectionContext;
  readonly #times: ReceptionTimes;
  readonly #connections = new Set<Connection>();
  readonly #heartbeat: Heartbeat;
  readonly #webSockets: WebSocketServer;
  readonly #note: (kind: string, from?: string) => void;
  #closing = false;

  constructor(context: ConnectionContext, times: ReceptionTimes = limits) {
    this.#context = context;
    this.#times = times;
    this.#heartbeat = new Heartbeat(times);
    this.#note = createRefusalLog(context.log);
    this.#webSockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: limits.maxFrameBytes,
      perMessageDeflate: false,
    });
    this.#webSockets.on('headers', (headers) => headers.push(`${buildHeader}: ${context.build}`));
    this.#webSockets.on('wsClientError', (_error, socket) => answerSocket(socket, refusals.handshake));
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  get handshakeTimeoutMs(): number {
    return this.#times.helloTimeoutMs;
  }

  /** Takes what the server accepts from now on. The answer ends the handshakes that are under way. */
  open(server: Server, door: Door): () => void {
    const handshakes = new Handshakes(maxHandshakes);
    server.headersTimeout = this.#times.helloTimeoutMs;
    server.requestTimeout = this.#times.helloTimeoutMs;
    server.on('connection', (socket) => handshakes.add(socket));
    server.on('request', (request, response) => {
      const refusal = this.#judge(request, door) ?? refusals.upgrade;
      this.#noteRefusal(door, refusal, request);
      answerRequest(response, refusal);
    });
    server.on('upgrade', (request: IncomingMessage, socket: net.Socket, head) => {
      const refusal = this.#judgeClient(request, door);
      if (refusal) {
        this.#noteRefusal(door, refusal, request);
        answerSocket(socket, refusal);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        handshakes.finish(socket);
        this.#admit(webSocket, socket, door);
      });
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (error.code === 'HPE_HEADER_OVERFLOW') answerSocket(socket, refusals.headers);
      else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') answerSocket(socket, refusals.slow);
      else if (error.code?.startsWith('HPE_')) answerSocket(socket, refusals.http);
      else socket.destroy();
    });
    server.on('tlsClientError', (_error: Error, socket: net.Socket) => {
      this.#note(`${door.name}: a TLS handshake failed`);
      socket.destroy();
    });
    return () => handshakes.destroyAll();
  }

  /** Tells every client why, and waits a moment for their answers. Whoever comes in from now on is refused. */
  async close(reason: string): Promise<void> {
    this.#closing = true;
    for (const connection of this.#connections) connection.close(1001, reason);
    for (const deadline = performance.now() + closingMs; this.#connections.size > 0 && performance.now() < deadline; ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const connection of this.#connections) connection.terminate();
  }

  #judge(request: IncomingMessage, door: Door): Refusal | undefined {
    // Browsers always send it, other programs never have to. Over the unix socket too: a page could come by a proxy.
    if (headerValues(request, 'origin').length > 0) return refusals.origin;
    return door.judge?.(request);
  }

  #judgeClient(request: IncomingMessage, door: Door): Refusal | undefined {
    const refusal = this.#judge(request, door) ?? door.authenticate?.(request);
    if (refusal) return refusal;
    if (request.url !== '/') return refusals.path;
    if (this.#closing) return refusals.stopping;
    return this.#connections.size >= door.maxClients ? refusals.full : undefined;
  }

  #noteRefusal(door: Door, refusal: Refusal, request: IncomingMessage): void {
    this.#note(`${door.name}: refused a client: ${refusal.message}`, request.socket.remoteAddress);
  }

  #admit(webSocket: WebSocket, socket: net.Socket, door: Door): void {
    const peer = {
      // Any byte is life, not only a whole frame: a large one may take long. While the daemon itself does not read,
      // what the other side takes is the sign.
      signOfLife: () => socket.bytesRead + (webSocket.isPaused ? socket.bytesWritten - socket.writableLength : 0),
      ping: () => webSocket.ping(),
      giveUp: () => {
        this.#note(`${door.name}: gave up a silent client`);
        webSocket.terminate();
      },
    };
    const connection = new Connection(webSocket, {
      ...this.#context,
      onClosed: (closed) => {
        clearTimeout(greeting);
        this.#connections.delete(closed);
        this.#heartbeat.forget(peer);
        this.#context.onClosed(closed);
      },
    });
    const greeting = setTimeout(() => this.#expectGreeting(connection), this.#times.helloTimeoutMs).unref();
    this.#connections.add(connection);
    if (!door.needsHeartbeat) return;
    socket.setKeepAlive(true, this.#times.heartbeatMs);
    this.#heartbeat.watch(peer);
  }

  #expectGreeting(connection: Connection): void {
    if (connection.isGreeted) return;
    connection.close(1008, 'hello-first');
    setTimeout(() => connection.terminate(), closingMs).unref();
  }
}
