/** The SOCKS5 proxy (RFC 1928): connections out, by name or address, without authentication. */
import { parseHost } from '../../client/protocol/authority.ts';
import { type ClientConnection, closeWith } from './connections.ts';
import { type Attempt, isRefusal, type Refusal } from './model.ts';
import { socksReplyCode } from './refusal-bodies.ts';
import {
  connectCommand,
  noAuthentication,
  readSocksGreeting,
  readSocksRequest,
  socksMethod,
  socksReply,
} from './socks-message.ts';
import { reset } from './splice.ts';
import { serveTunnel } from './tunnel.ts';

const noAcceptableMethod = 255;
const commandNotSupported = 7;
const addressNotSupported = 8;

export async function serveSocks(connection: ClientConnection): Promise<void> {
  const { client, context, signal } = connection;
  const deadline = Date.now() + context.limits.headTimeoutMs;
  const greeting = await readMessage(connection, readSocksGreeting, deadline);
  if (greeting === undefined) return reset(client.socket);
  if (!greeting.methods.includes(noAuthentication)) return closeWith(connection, socksMethod(noAcceptableMethod));
  client.socket.write(socksMethod(noAuthentication));
  const request = await readMessage(connection, readSocksRequest, deadline);
  if (request === undefined) return reset(client.socket);
  if (request.command !== connectCommand) return closeWith(connection, socksReply(commandNotSupported));
  const { port } = request;
  // RFC 1928 gives a name no encoding, so only ASCII means the same to everybody.
  const host = request.host !== undefined && /^[\x21-\x7e]+$/.test(request.host) ? parseHost(request.host) : undefined;
  if (host === undefined || port === 0) {
    return closeWith(connection, socksReply(addressNotSupported));
  }
  const refuse = (refusal: Refusal): void => closeWith(connection, socksReply(socksReplyCode(refusal)));
  const attempt: Attempt = { front: 'socks', client: client.socket, host, port };
  const admitted = await context.run.gate.admit(attempt, signal);
  if (isRefusal(admitted)) return refuse(admitted);
  const accept = (): void => {
    client.socket.write(socksReply(0));
  };
  await serveTunnel(connection, attempt, admitted, { accept, refuse });
}

/** Undefined when it is malformed, takes too long, or the client is gone. */
function readMessage<Message extends { readonly length: number }>(
  { client }: ClientConnection,
  read: (bytes: Buffer) => Message | 'more' | 'malformed',
  deadline: number,
): Promise<Message | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0);
    const settle = (message: Message | undefined): void => {
      clearTimeout(timer);
      client.stop();
      resolve(message);
    };
    const timer = setTimeout(() => settle(undefined), Math.max(0, deadline - Date.now()));
    client.read({
      take(more) {
        bytes = Buffer.concat([bytes, more]);
        const message = read(bytes);
        if (message === 'more') return undefined;
        settle(message === 'malformed' ? undefined : message);
        return message === 'malformed' ? Buffer.alloc(0) : bytes.subarray(message.length);
      },
      end: () => settle(undefined),
    });
  });
}
