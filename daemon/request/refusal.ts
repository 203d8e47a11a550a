/**
 * The answer to whoever does not become a client: an HTTP status with our own code, message and help as JSON. It repeats
 * nothing of what was sent, so that it can carry neither a secret nor a script.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../client/protocol/errors.ts';

export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 408 | 426 | 431 | 503;
  readonly code: ErrorCode;
  readonly message: string;
  readonly help: string;
}

export const refusals = {
  origin: {
    status: 403,
    code: 'unauthorized',
    message: 'a web page may not speak to the daemon',
    help: 'connect from a program, without an Origin header',
  },
  host: {
    status: 403,
    code: 'unauthorized',
    message: 'the Host header names another place than this daemon',
    help: 'connect by IP address or localhost, or start the daemon with --allow-host NAME',
  },
  token: {
    status: 401,
    code: 'unauthorized',
    message: 'the token is missing or is not the one of this daemon',
    help: 'send Authorization: Bearer with the token of its token file; sbx takes it from SBX_TOKEN_FILE',
  },
  path: { status: 404, code: 'bad-request', message: 'there is only the path /', help: 'connect to ws://HOST:PORT/' },
  upgrade: {
    status: 426,
    code: 'bad-request',
    message: 'sbxd speaks WebSocket, not plain HTTP',
    help: 'connect with a WebSocket client, such as sbx with SBX_DAEMON set',
  },
  handshake: {
    status: 400,
    code: 'bad-request',
    message: 'this is no WebSocket handshake of version 13',
    help: 'connect with a WebSocket client',
  },
  http: { status: 400, code: 'bad-request', message: 'this is not HTTP', help: 'connect with a WebSocket client' },
  headers: { status: 431, code: 'bad-request', message: 'the headers are too large', help: 'send fewer of them' },
  slow: { status: 408, code: 'bad-request', message: 'the handshake took too long', help: 'connect again' },
  full: {
    status: 503,
    code: 'too-many-clients',
    message: 'as many clients are connected as the daemon allows',
    help: 'close one that is not needed, or try again later',
  },
  stopping: { status: 503, code: 'stopping', message: 'the daemon is stopping', help: 'connect again later' },
} as const satisfies Record<string, Refusal>;

/** How long the other side may take to read it before the socket is closed under it. */
const lingerMs = 1_000;

function bodyOf({ code, message, help }: Refusal): Buffer {
  return Buffer.from(`${JSON.stringify({ code, message, help })}\n`);
}

function headersOf(refusal: Refusal, length: number): Record<string, string> {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(length),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(refusal.status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(refusal.status === 426 ? { Upgrade: 'websocket' } : {}),
  };
}

export function answerRequest(response: ServerResponse, refusal: Refusal): void {
  const body = bodyOf(refusal);
  response.writeHead(refusal.status, headersOf(refusal, body.length)).end(body);
}

/** For a socket that Node's HTTP has let go of. */
export function answerSocket(socket: Duplex, refusal: Refusal): void {
  socket.on('error', () => socket.destroy());
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = bodyOf(refusal);
  const head = Object.entries(headersOf(refusal, body.length)).map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n`;
  // Closing with unread bytes makes the kernel reset the connection, which can take the answer away again.
  socket.resume();
  const overdue = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(overdue));
  socket.end(Buffer.concat([Buffer.from(`${status}${head.join('')}\r\n`, 'latin1'), body]));
}
