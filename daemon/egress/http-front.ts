/** The HTTP proxy: requests in absolute form, WebSocket, and CONNECT, which is admitted before anything is answered. */
import { parseAuthority } from '../../client/protocol/authority.ts';
import { type ClientConnection, closeWith } from './connections.ts';
import type { Passage } from './http-framing.ts';
import type { RequestHead } from './http-head.ts';
import { checkHost, sayFault, serveRequests } from './http-requests.ts';
import { type Attempt, isRefusal, type Refusal } from './model.ts';
import { httpRefusal } from './refusal-bodies.ts';
import { serveTunnel } from './tunnel.ts';

export function serveHttp(connection: ClientConnection): Promise<void> {
  return serveRequests(connection, undefined, (head, passage) => serveConnect(connection, head, passage));
}

async function serveConnect(connection: ClientConnection, { target }: RequestHead, passage: Passage): Promise<void> {
  const { client, context, signal } = connection;
  const { framing } = passage;
  // What a server would take for the request's body, another takes for the tunnel's first bytes.
  if (framing.kind !== 'none' && !(framing.kind === 'length' && framing.bytes === 0)) {
    return sayFault(connection, { status: 400, fault: 'CONNECT has no body' });
  }
  const { host, port } = parseAuthority(target) ?? {};
  if (host === undefined || port === undefined) {
    return sayFault(connection, { status: 400, fault: 'CONNECT names `host:port` and nothing else' });
  }
  const refuse = (refusal: Refusal): void => closeWith(connection, httpRefusal(refusal));
  const mismatch = passage.hosts.length === 0 ? undefined : checkHost(passage.hosts, { host, port });
  if (mismatch !== undefined) return refuse(mismatch);
  const attempt: Attempt = { front: 'connect', client: client.socket, host, port };
  const admitted = await context.run.gate.admit(attempt, signal);
  if (isRefusal(admitted)) return refuse(admitted);
  const accept = (): void => {
    client.socket.write('HTTP/1.1 200 Connection established\r\n\r\n', 'latin1');
  };
  await serveTunnel(connection, attempt, admitted, { accept, refuse });
}
