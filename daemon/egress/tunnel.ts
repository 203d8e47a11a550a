/**
 * What follows once a connection was admitted as such, by CONNECT, SOCKS or directly. Where the host's port speaks TLS,
 * nothing reaches it before the client has named the same host in its ClientHello; where it speaks HTTP, each request is
 * admitted by itself. This proves the name that the client asks for in the open, not what ECH hides behind it, nor what a
 * server that hosts many names makes of a later `Host`.
 */
import { isIP } from 'node:net';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { type ClientConnection, closeWith } from './connections.ts';
import { serveRequests } from './http-requests.ts';
import { Intake } from './intake.ts';
import { type Admitted, type Attempt, isRefusal, type Refusal } from './model.ts';
import { tlsAlert } from './refusal-bodies.ts';
import { reset, splice } from './splice.ts';

export interface TunnelAnswers {
  /** The host is there, or will be asked request by request. */
  readonly accept: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

export async function serveTunnel(
  connection: ClientConnection,
  attempt: Attempt,
  admitted: Admitted,
  answers: TunnelAnswers,
): Promise<void> {
  const { context, client, signal } = connection;
  const nothing = { sentBytes: 0, receivedBytes: 0 };
  if (admitted.speaks === 'http') {
    admitted.finish();
    answers.accept();
    return serveRequests(connection, attempt);
  }
  const socket = await admitted.dial(signal);
  if (isRefusal(socket)) {
    admitted.finish({ ...nothing, refusal: socket });
    answers.refuse(socket);
    return;
  }
  socket.allowHalfOpen = true;
  const host = new Intake(socket, context.limits.maxHeldBytes);
  answers.accept();
  if (admitted.speaks === 'any') {
    admitted.finish(await splice(client, host));
    return;
  }
  const opening = await readOpening(connection, admitted.target.host);
  if ('refusal' in opening) {
    reset(socket);
    const { refusal, sni } = opening;
    if (refusal === undefined) {
      admitted.finish(nothing);
      reset(client.socket);
      return;
    }
    admitted.finish({ ...nothing, refusal, ...(sni === undefined ? {} : { sni }) });
    closeWith(connection, tlsAlert(refusal));
    return;
  }
  socket.write(opening.bytes);
  const carried = await splice(client, host);
  const { sni, bytes } = opening;
  admitted.finish({
    sentBytes: carried.sentBytes + bytes.length,
    receivedBytes: carried.receivedBytes,
    ...(sni === undefined ? {} : { sni }),
  });
}

type Opening =
  | { readonly bytes: Buffer; readonly sni: string | undefined }
  /** Undefined: the client is gone, or never said anything. */
  | { readonly refusal: Refusal | undefined; readonly sni?: string };

/** What the client has sent up to a ClientHello that names `host`. */
function readOpening({ client, context }: ClientConnection, host: string): Promise<Opening> {
  const { maxHelloBytes, headTimeoutMs } = context.limits;
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const settle = (opening: Opening): void => {
      clearTimeout(timer);
      client.stop();
      resolve(opening);
    };
    const timer = setTimeout(() => settle({ refusal: bytes.length === 0 ? undefined : notTls }), headTimeoutMs);
    client.read({
      take(more) {
        bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more]);
        const hello = readClientHello(bytes, maxHelloBytes);
        if (hello === 'more') return undefined;
        settle(hello === 'malformed' ? { refusal: notTls } : compareName(hello, host, bytes));
        return Buffer.alloc(0);
      },
      end: () => settle({ refusal: undefined }),
    });
  });
}

const notTls: Refusal = {
  code: 'mismatch',
  message: 'only TLS may be spoken to this port, and what came does not begin like it',
};

function compareName({ sni }: ClientHello, host: string, bytes: Buffer): Opening {
  // RFC 6066 §3: an address is no name to ask for, though some clients do; and a name has no final dot.
  if (sni === undefined ? isIP(host) !== 0 : sni.toLowerCase() === host) return { bytes, sni };
  const said = sni === undefined ? 'names no host' : `asks for \`${sni}\``;
  const message = `the connection was admitted for \`${host}\`, but its TLS handshake ${said}`;
  return { refusal: { code: 'mismatch', message }, ...(sni === undefined ? {} : { sni }) };
}
