/**
 * Connections of programs that know no proxy: they asked for a name's address, got one that stands for the name, and
 * connect as if it were the host. The accepted socket's own address and port say what was wanted.
 */
import type { Socket } from 'node:net';
import { type ClientConnection, closeWith } from './connections.ts';
import { type Attempt, isRefusal, type Refusal } from './model.ts';
import { httpRefusal, tlsAlert } from './refusal-bodies.ts';
import { reset } from './splice.ts';
import { serveTunnel } from './tunnel.ts';

export async function serveDirect(connection: ClientConnection): Promise<void> {
  const { client, context, signal } = connection;
  const host = findName(client.socket, context.run.names.nameOf);
  const port = client.socket.localPort;
  if (host === undefined || port === undefined) {
    reset(client.socket);
    return;
  }
  const attempt: Attempt = { front: 'direct', client: client.socket, host, port };
  const admitted = await context.run.gate.admit(attempt, signal);
  const refuse = (refusal: Refusal): Promise<void> => sayRefusal(connection, refusal);
  if (isRefusal(admitted)) return refuse(admitted);
  await serveTunnel(connection, attempt, admitted, { accept: () => {}, refuse });
}

function findName(socket: Socket, nameOf: (address: string) => string | undefined): string | undefined {
  return socket.localAddress === undefined ? undefined : nameOf(socket.localAddress);
}

const handshakeRecord = 22;

/** In the protocol that the client begins to speak; a reset where it has none to be told in. */
function sayRefusal(connection: ClientConnection, refusal: Refusal): Promise<void> {
  const { client, context } = connection;
  return new Promise((resolve) => {
    const settle = (lastWord: Buffer | undefined): void => {
      clearTimeout(timer);
      client.stop();
      if (lastWord === undefined) reset(client.socket);
      else closeWith(connection, lastWord);
      resolve();
    };
    const timer = setTimeout(() => settle(undefined), context.limits.sniffTimeoutMs);
    client.read({
      take(bytes) {
        if (bytes[0] === handshakeRecord) settle(tlsAlert(refusal));
        else if (/^[A-Z]{3,20} /.test(bytes.toString('latin1', 0, 24))) settle(httpRefusal(refusal));
        else settle(undefined);
        return Buffer.alloc(0);
      },
      end: () => settle(undefined),
    });
  });
}
