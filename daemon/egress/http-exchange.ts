/**
 * Passes one admitted request to its host and the answer back, as it comes. An answer that breaks off breaks off for the
 * client too; a request that breaks off never reaches its end at the host.
 */
import type { Socket } from 'node:net';
import { type ClientConnection, closeWith } from './connections.ts';
import { type Body, openBody } from './http-body.ts';
import { framingLine, type Passage, readResponsePassage } from './http-framing.ts';
import { type Fault, isFault, parseResponseHead, type ResponseHead } from './http-head.ts';
import { Intake } from './intake.ts';
import { type Admitted, isRefusal, type Refusal } from './model.ts';
import { readHead } from './read-head.ts';
import { httpRefusal } from './refusal-bodies.ts';
import { reset, splice } from './splice.ts';

export interface Outgoing {
  readonly admitted: Admitted;
  readonly method: string;
  /** As it is sent to the host, with its empty line. */
  readonly head: string;
  readonly body: Body | undefined;
  readonly isWebSocket: boolean;
  /** Whether the client can go on after the answer. */
  readonly keepAlive: boolean;
}

/** What the host answered, as far as the client has not been told. */
type Outcome = 'kept' | 'over' | 'stale' | Fault;

/** A request that may be sent again when a kept connection turns out to be closed (RFC 9110 §9.2.2). */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** Interim answers; more than a handful are a host that never answers. */
const maxInterim = 64;

/** True when the client's connection can take another request. It calls `finish`. */
export async function exchange(connection: ClientConnection, outgoing: Outgoing): Promise<boolean> {
  const { context, signal } = connection;
  const { admitted } = outgoing;
  const mayRepeat = outgoing.body === undefined && repeatable.has(outgoing.method);
  const carried = { sentBytes: 0, receivedBytes: 0 };
  let kept = outgoing.isWebSocket ? undefined : context.upstreams.take(admitted.target);
  let outcome: Outcome | Refusal;
  do {
    const host = kept ?? (await dialHost(connection, admitted));
    if (isRefusal(host)) {
      outcome = host;
      break;
    }
    outcome = await new Conversation(connection, outgoing, host, carried).run();
    if (outcome === 'stale' && (kept === undefined || !mayRepeat)) {
      outcome = { status: 502, fault: 'the host closed the connection without an answer' };
    }
    kept = undefined;
  } while (outcome === 'stale' && !signal.aborted);
  admitted.finish(typeof outcome === 'object' && isRefusal(outcome) ? { ...carried, refusal: outcome } : carried);
  if (outcome === 'kept') return true;
  if (typeof outcome !== 'object' || signal.aborted) return false;
  const wishes = { isHead: outgoing.method === 'HEAD' };
  const answer = isFault(outcome)
    ? httpRefusal(
        { code: outcome.status < 500 ? 'bad-request' : 'unreachable', message: outcome.fault },
        { ...wishes, status: outcome.status },
      )
    : httpRefusal(outcome, wishes);
  closeWith(connection, answer);
  return false;
}

async function dialHost({ context, signal }: ClientConnection, admitted: Admitted): Promise<Intake | Refusal> {
  const socket = await admitted.dial(signal);
  if (isRefusal(socket)) return socket;
  socket.allowHalfOpen = true;
  return new Intake(socket, context.limits.maxHeldBytes);
}

class Conversation {
  readonly #connection: ClientConnection;
  readonly #outgoing: Outgoing;
  readonly #client: Intake;
  readonly #host: Intake;
  readonly #carried: { sentBytes: number; receivedBytes: number };
  #fault: Fault | undefined;
  #isSent = false;
  /** Whether the client has had a part of the answer, after which it can only be cut. */
  #isAnswering = false;

  constructor(
    connection: ClientConnection,
    outgoing: Outgoing,
    host: Intake,
    carried: { sentBytes: number; receivedBytes: number },
  ) {
    this.#connection = connection;
    this.#outgoing = outgoing;
    this.#client = connection.client;
    this.#host = host;
    this.#carried = carried;
  }

  async run(): Promise<Outcome> {
    const client = this.#client.socket;
    const host = this.#host.socket;
    client.once('close', this.#cutHost);
    client.on('drain', this.#resumeHost);
    host.on('drain', this.#resumeClient);
    if (client.destroyed) this.#cutHost();
    this.#sendRequest();
    const outcome = await this.#readAnswer();
    this.#detach();
    if (outcome !== 'kept' && outcome !== 'over') reset(host);
    return outcome;
  }

  readonly #cutHost = (): void => reset(this.#host.socket);
  readonly #resumeClient = (): void => this.#client.resume();
  readonly #resumeHost = (): void => this.#host.resume();

  #detach(): void {
    this.#client.socket.off('close', this.#cutHost);
    this.#client.socket.off('drain', this.#resumeHost);
    this.#host.socket.off('drain', this.#resumeClient);
    this.#client.resume();
  }

  #sendRequest(): void {
    const { head, body } = this.#outgoing;
    const host = this.#host.socket;
    this.#carried.sentBytes += head.length;
    if (body === undefined) {
      this.#isSent = true;
      host.write(head, 'latin1');
      return;
    }
    let unsent = head;
    if (this.#client.held.length === 0) {
      host.write(head, 'latin1');
      unsent = '';
    }
    this.#client.read({
      take: (bytes) => {
        const scanned = body.scan(bytes);
        if (isFault(scanned)) {
          this.#fault = scanned;
          reset(host);
          return Buffer.alloc(0);
        }
        this.#carried.sentBytes += scanned.used;
        if (!writeTogether(host, unsent, bytes, scanned.used)) this.#client.pause();
        unsent = '';
        if (!scanned.isDone) return undefined;
        this.#isSent = true;
        return bytes.subarray(scanned.used);
      },
      end: () => {
        this.#fault = { status: 400, fault: 'the connection ended within a body' };
        reset(host);
      },
    });
  }

  async #readAnswer(): Promise<Outcome> {
    for (let interim = 0; interim <= maxInterim; interim += 1) {
      const bytes = await readHead(this.#host, { maxHeadBytes: this.#connection.context.limits.maxHeadBytes });
      if (this.#fault !== undefined) return this.#fault;
      if (bytes === 'over') return this.#isAnswering ? this.#cutClient() : 'stale';
      if (!Buffer.isBuffer(bytes)) return { ...bytes, status: 502 };
      this.#carried.receivedBytes += bytes.length;
      const head = parseResponseHead(bytes);
      if (isFault(head)) return head;
      const passage = readResponsePassage(head, this.#outgoing.method);
      if (isFault(passage)) return passage;
      if (head.status === 101) return this.#switchProtocol(head, passage);
      if (head.status >= 200) return this.#passAnswer(head, passage);
      // RFC 9110 §15.2: an HTTP/1.0 client does not know these; it never keeps alive here.
      if (this.#outgoing.keepAlive) this.#client.socket.write(headText(head, passage.lines), 'latin1');
    }
    return { status: 502, fault: 'the host answers without end that an answer will come' };
  }

  async #passAnswer(head: ResponseHead, passage: Passage): Promise<Outcome> {
    const client = this.#client.socket;
    const { framing } = passage;
    const body = openBody(framing, {
      maxTrailerBytes: this.#connection.context.limits.maxTrailerBytes,
      allowExtensions: true,
    });
    // A body that is still on its way when the answer begins may never come to its end: the host may not want it.
    const goesOn = this.#outgoing.keepAlive && this.#isSent && framing.kind !== 'close';
    const lines = `${passage.lines}${framingLine(framing)}${goesOn ? '' : 'Connection: close\r\n'}`;
    this.#isAnswering = true;
    const text = headText(head, lines);
    if (body === undefined) client.write(text, 'latin1');
    else if (!(await this.#passBody(text, body))) return this.#cutClient();
    if (this.#isSent && passage.keepAlive && framing.kind !== 'close') {
      this.#connection.context.upstreams.keep(this.#host, this.#outgoing.admitted.target);
    } else this.#host.socket.destroy();
    if (goesOn) return 'kept';
    closeWith(this.#connection, Buffer.alloc(0));
    return 'over';
  }

  #passBody(head: string, body: Body): Promise<boolean> {
    const client = this.#client.socket;
    // What is there of the body goes with the head; most answers are one packet then.
    let unsent = head;
    if (this.#host.held.length === 0) {
      client.write(head, 'latin1');
      unsent = '';
    }
    return new Promise((resolve) => {
      this.#host.read({
        take: (bytes) => {
          const scanned = body.scan(bytes);
          if (isFault(scanned)) {
            resolve(false);
            return Buffer.alloc(0);
          }
          this.#carried.receivedBytes += scanned.used;
          if (!writeTogether(client, unsent, bytes, scanned.used)) this.#host.pause();
          unsent = '';
          if (!scanned.isDone) return undefined;
          resolve(true);
          return bytes.subarray(scanned.used);
        },
        end: (broken) => resolve(body.endsByClose && !broken),
      });
    });
  }

  #cutClient(): Outcome {
    reset(this.#client.socket);
    reset(this.#host.socket);
    return 'over';
  }

  /** Only into what was asked for and admitted; from here on the bytes are the client's and the host's alone. */
  async #switchProtocol(head: ResponseHead, passage: Passage): Promise<Outcome> {
    if (!this.#outgoing.isWebSocket || passage.upgrade !== 'websocket') {
      return { status: 502, fault: 'the host changes to a protocol that was not asked for' };
    }
    this.#detach();
    this.#client.socket.write(
      headText(head, `${passage.lines}Connection: Upgrade\r\nUpgrade: websocket\r\n`),
      'latin1',
    );
    const { sentBytes, receivedBytes } = await splice(this.#client, this.#host);
    this.#carried.sentBytes += sentBytes;
    this.#carried.receivedBytes += receivedBytes;
    return 'over';
  }
}

function headText({ status, reason }: ResponseHead, lines: string): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${lines}\r\n`;
}

/** As one text where it is short: two writes are two packets, and `writev` costs three times a write. */
const shortBytes = 8192;

function writeTogether(socket: Socket, head: string, bytes: Buffer, used: number): boolean {
  if (used + head.length <= shortBytes) return socket.write(head + bytes.toString('latin1', 0, used), 'latin1');
  if (head !== '') socket.write(head, 'latin1');
  return socket.write(used === bytes.length ? bytes : bytes.subarray(0, used));
}
