/**
 * Serves the requests of one connection, each admitted by itself: its method and path at the moment they are asked for, its
 * host from one place only. `Host` may not say another one, and what is sent on is written anew.
 */
import type { Socket } from 'node:net';
import { type Authority, parseAuthority, showAuthority } from '../../client/protocol/authority.ts';
import type { ClientConnection } from './connections.ts';
import { closeWith } from './connections.ts';
import { openBody } from './http-body.ts';
import { exchange } from './http-exchange.ts';
import { framingLine, type Passage, readRequestPassage } from './http-framing.ts';
import { type Fault, isFault, parseRequestHead, type RequestHead } from './http-head.ts';
import { type Attempt, type Front, isRefusal, type Refusal } from './model.ts';
import { readHead } from './read-head.ts';
import { httpRefusal } from './refusal-bodies.ts';

/** The one host that a connection is for; every request on it names a path only. */
export interface Origin {
  readonly front: Front;
  readonly host: string;
  readonly port: number;
}

/** Deals with a request that is not one of plain HTTP to a host; from then on the connection is its own. */
export type TakeConnect = (head: RequestHead, passage: Passage) => Promise<void>;

/** @param takeConnect where CONNECT is understood. */
export async function serveRequests(
  connection: ClientConnection,
  origin: Origin | undefined,
  takeConnect?: TakeConnect,
): Promise<void> {
  const { client, context } = connection;
  for (;;) {
    // One that sends requests and reads no answers would fill the daemon with them.
    await drained(client.socket);
    const bytes = await readHead(client, context.limits);
    if (bytes === 'over') {
      closeWith(connection, Buffer.alloc(0));
      return;
    }
    const head = Buffer.isBuffer(bytes) ? parseRequestHead(bytes) : bytes;
    if (isFault(head)) return sayFault(connection, head);
    const passage = readRequestPassage(head);
    if (isFault(passage)) return sayFault(connection, passage);
    if (head.method === 'CONNECT' && takeConnect !== undefined) return takeConnect(head, passage);
    const wanted = origin === undefined ? readProxyTarget(head) : readOriginTarget(head, origin);
    if (isFault(wanted)) return sayFault(connection, wanted);
    if (!(await serveRequest(connection, head, passage, wanted))) return;
  }
}

function drained(socket: Socket): Promise<void> | undefined {
  if (!socket.writableNeedDrain || socket.destroyed) return undefined;
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle).off('close', settle);
      resolve();
    };
    socket.once('drain', settle).once('close', settle);
  });
}

export function sayFault(connection: ClientConnection, { status, fault }: Fault): void {
  closeWith(connection, httpRefusal({ code: 'bad-request', message: fault }, { status }));
}

/**
 * A request's `Host` says the same host as the request does elsewhere; a port that it leaves out is not another one.
 *
 * @param text how the request itself writes them, which most repeat letter by letter
 */
export function checkHost(hosts: readonly string[], wanted: Destination, text?: string): Refusal | undefined {
  if (hosts.length === 1 && hosts[0] === text) return undefined;
  const said = hosts.length === 1 ? parseAuthority(hosts[0] as string) : undefined;
  if (said?.host === wanted.host && (said.port === undefined || said.port === wanted.port)) return undefined;
  return { code: 'mismatch', message: 'the request names one host in its target and another one in `Host`' };
}

/** The host is canonical. */
export type Destination = Authority & { readonly port: number };

/** Where a request goes. */
interface Wanted {
  readonly front: Front;
  readonly destination: Destination;
  /** As the request writes it. */
  readonly text?: string;
  /** As the host is to see them. */
  readonly hostLine: string;
  readonly target: string;
}

async function serveRequest(
  connection: ClientConnection,
  head: RequestHead,
  passage: Passage,
  { front, destination, text, hostLine, target }: Wanted,
): Promise<boolean> {
  const { context, signal } = connection;
  const isWebSocket = passage.upgrade === 'websocket';
  const hasBody = passage.framing.kind !== 'none';
  if (isWebSocket && hasBody) {
    sayFault(connection, { status: 400, fault: 'a request for another protocol has no body' });
    return false;
  }
  if (passage.hosts.length !== 1 && (head.minorVersion === 1 || passage.hosts.length > 1)) {
    sayFault(connection, { status: 400, fault: 'a request has exactly one `Host`' });
    return false;
  }
  const refuse = (refusal: Refusal): boolean => {
    const keepAlive = passage.keepAlive && !hasBody;
    const answer = httpRefusal(refusal, { keepAlive, isHead: head.method === 'HEAD' });
    if (!keepAlive) closeWith(connection, answer);
    else connection.client.socket.write(answer);
    return keepAlive;
  };
  const mismatch = passage.hosts.length === 0 ? undefined : checkHost(passage.hosts, destination, text);
  if (mismatch !== undefined) return refuse(mismatch);
  const attempt: Attempt = {
    front,
    client: connection.client.socket,
    ...destination,
    request: { method: head.method, path: target },
  };
  const admitted = await context.run.gate.admit(attempt, signal);
  if (isRefusal(admitted)) return refuse(admitted);
  if (admitted.speaks === 'tls') {
    const refusal: Refusal = { code: 'mismatch', message: `port ${destination.port} of this host is for TLS only` };
    admitted.finish({ sentBytes: 0, receivedBytes: 0, refusal });
    return refuse(refusal);
  }
  const upgrade = isWebSocket ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
  return exchange(connection, {
    admitted,
    method: head.method,
    head:
      `${head.method} ${target} HTTP/1.${head.minorVersion}\r\nHost: ${hostLine}\r\n` +
      `${passage.lines}${framingLine(passage.framing)}${upgrade}\r\n`,
    body: openBody(passage.framing, { maxTrailerBytes: context.limits.maxTrailerBytes, allowExtensions: false }),
    isWebSocket,
    keepAlive: passage.keepAlive,
  });
}

const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/i;

/** RFC 9112 §3.2.2. */
function readProxyTarget({ method, target }: RequestHead): Wanted | Fault {
  const parts = absoluteForm.exec(target);
  if (parts === null) {
    return { status: 400, fault: 'this is a proxy: a request names its whole address, `http://host/path`' };
  }
  const [, scheme, text, rest] = parts as unknown as [string, string, string, string];
  if (scheme.toLowerCase() !== 'http') {
    return { status: 400, fault: `for ${scheme.toLowerCase()} addresses a proxy is asked by CONNECT` };
  }
  const authority = parseAuthority(text);
  if (authority === undefined)
    return { status: 400, fault: 'the address names no host, or more than a host and a port' };
  const { host, port } = authority;
  const wanted = {
    front: 'http' as const,
    text,
    destination: { host, port: port ?? 80 },
    hostLine: showAuthority(host, port),
  };
  // RFC 9112 §3.2.4: this is how the server as a whole is asked through a proxy.
  if (rest === '' && method === 'OPTIONS') return { ...wanted, target: '*' };
  return { ...wanted, target: rest.startsWith('/') ? rest : `/${rest}` };
}

/** RFC 9112 §3.2.1. */
function readOriginTarget({ method, target }: RequestHead, { front, host, port }: Origin): Wanted | Fault {
  const isPath = target.startsWith('/') && !target.includes('#');
  if (!isPath && !(target === '*' && method === 'OPTIONS')) {
    return { status: 400, fault: 'a request to a host names a path, and a proxy is asked elsewhere' };
  }
  return { front, destination: { host, port }, hostLine: showAuthority(host, port === 80 ? undefined : port), target };
}
