/** The daemon on TCP, with or without TLS, as a `ListenPlan` has found it to be safe. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { SbxError } from '../../client/protocol/errors.ts';
import { createBearerCheck } from './bearer.ts';
import { type HostFacts, headerValues, isOwnHost } from './host-header.ts';
import { formatAddress } from './listen-address.ts';
import type { ListenPlan } from './listen-plan.ts';
import { maxClients, type Reception } from './reception.ts';
import { refusals } from './refusal.ts';
import { handshakeCheckMs } from './unix-listener.ts';

/** Places that are kept for the unix socket, so that whoever fills the port cannot lock the user out. */
const reservedClients = 16;
const backlog = 1024;

export interface TcpListener {
  /** `ws://` or `wss://` with address and real port. */
  readonly url: string;
  /** No new clients; those that are connected stay. */
  readonly close: () => void;
}

function createServer(plan: ListenPlan, handshakeTimeoutMs: number): http.Server {
  // A missing Host header is refused with the rest of them.
  const options = { connectionsCheckingInterval: handshakeCheckMs, requireHostHeader: false };
  if (!plan.tls) return http.createServer(options);
  return https.createServer({ ...options, ...plan.tls, minVersion: 'TLSv1.2', handshakeTimeout: handshakeTimeoutMs });
}

function bind(server: http.Server, plan: ListenPlan): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const place = formatAddress(plan.ip, plan.port);
      const why =
        error.code === 'EADDRINUSE'
          ? 'another program listens there'
          : error.code === 'EADDRNOTAVAIL'
            ? 'this machine does not have that address'
            : error.message;
      reject(
        new SbxError('bad-listen', `cannot listen on \`${place}\`: ${why}`, {
          help: 'choose another address or port; port 0 is any free one',
          cause: error,
        }),
      );
    });
    server.listen({ host: plan.ip, port: plan.port, backlog }, () => {
      server.removeAllListeners('error');
      resolve(server.address() as AddressInfo);
    });
  });
}

/** @throws {SbxError} `bad-listen` when the address cannot be bound */
export async function listenOnTcp(
  plan: ListenPlan,
  reception: Reception,
  log: (message: string) => void,
): Promise<TcpListener> {
  const server = createServer(plan, reception.handshakeTimeoutMs);
  const facts: { -readonly [K in keyof HostFacts]: HostFacts[K] } = {
    ...plan,
    isEncrypted: plan.tls !== undefined,
  };
  const knows = plan.token === undefined ? undefined : createBearerCheck(plan.token);
  const endHandshakes = reception.open(server, {
    name: 'tcp',
    judge: (request) => (isOwnHost(headerValues(request, 'host'), facts) ? undefined : refusals.host),
    authenticate: (request) =>
      knows === undefined || knows(headerValues(request, 'authorization')) ? undefined : refusals.token,
    maxClients: maxClients - reservedClients,
    needsHeartbeat: true,
  });
  const { address, port } = await bind(server, plan);
  // In the tick of the bind: no connection has been taken yet.
  facts.port = port;
  server.on('error', (error) => log(`tcp: ${error.message}`));
  return {
    url: `${plan.tls ? 'wss' : 'ws'}://${formatAddress(address, port)}`,
    close: () => {
      server.close();
      endHandshakes();
    },
  };
}
