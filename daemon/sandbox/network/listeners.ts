/**
 * The sockets inside a session's network namespace, by which its commands reach the daemon, and nothing else. They are
 * made there, before any command runs, by a small program that hands them to the daemon and ends; so no process inside
 * carries traffic, and no command can take the place of one.
 *
 * The program runs beside the mounts of the template. It may bind ports below 1024 because the template's own process has
 * every right in its namespaces; commands have none.
 */
import type { Socket as DatagramSocket } from 'node:dgram';
import type { Server } from 'node:net';
import { SbxError } from '../../../client/protocol/errors.ts';
import { dnsPort, httpPort, slotAt, slotCount, socksPort, usualPorts } from './slots.ts';

/** What a session is to have. */
export interface NetworkWish {
  /** Beside the usual ones: those that programs connect to as if to the host itself. */
  readonly ports: readonly number[];
  /** Ports of the host's own loopback that the session's loopback leads to. */
  readonly hostPorts: readonly number[];
}

export type ListenerKind = 'http' | 'socks' | 'dns' | 'direct' | 'host';

export interface SessionListener {
  readonly kind: ListenerKind;
  readonly port: number;
  readonly server: Server;
}

export interface SessionListeners {
  readonly streams: readonly SessionListener[];
  /** Name resolution over UDP, one for each slot. */
  readonly datagrams: readonly DatagramSocket[];
  /** What could not be had, for a person. */
  readonly warnings: readonly string[];
  readonly close: () => void;
}

type Order = readonly [kind: ListenerKind | 'datagram', port: number, address: string];

/**
 * Plain JavaScript of Node's own modules, given as an argument: the session's account need not be able to read this
 * checkout. A socket that cannot be had is told instead of handed over; the daemon decides what that means.
 */
export const listenerProgram = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const orders = JSON.parse(process.argv[1]);
const hand = (at, socket) => new Promise((done) => process.send(at, socket, { keepOpen: false }, done));
const open = ([kind, port, address]) => new Promise((resolve, reject) => {
  if (kind === 'datagram') {
    const socket = createSocket('udp4');
    socket.once('error', reject).bind({ port, address, exclusive: true }, () => resolve(socket));
  } else {
    const server = createServer();
    server.once('error', reject).listen({ port, host: address, backlog: 511, exclusive: true }, () => resolve(server));
  }
});
(async () => {
  const sockets = await Promise.all(orders.map((order) => open(order).catch((error) => error.code ?? error.message)));
  for (const [at, socket] of sockets.entries()) {
    if (typeof socket === 'string') await hand({ at, failed: socket });
    else await hand({ at }, socket);
  }
  process.disconnect();
  process.exit();
})();
`;

function listOrders({ ports, hostPorts }: NetworkWish): Order[] {
  const direct = [...new Set([...usualPorts, ...ports])].filter((port) => !hostPorts.includes(port));
  return [
    ['http', httpPort, '0.0.0.0'],
    ['socks', socksPort, '0.0.0.0'],
    ['dns', dnsPort, '0.0.0.0'],
    ...direct.map((port): Order => ['direct', port, '0.0.0.0']),
    ...hostPorts.flatMap((port): Order[] => [
      ['host', port, '0.0.0.0'],
      ['host', port, '::1'],
    ]),
    ...Array.from({ length: slotCount }, (_, index): Order => ['datagram', dnsPort, slotAt(index).address]),
  ];
}

export function encodeOrders(wish: NetworkWish): string {
  return JSON.stringify(listOrders(wish));
}

/** The daemon's end of the channel over which the program hands its sockets over. */
export interface HandleChannel {
  readonly onMessage: (listener: (message: unknown, handle: unknown) => void) => void;
  readonly disconnect: () => void;
}

interface Handed {
  readonly at: number;
  readonly failed?: string;
}

/**
 * @param ended resolves when the session ended before they were there.
 * @throws {SbxError} `sandbox-failed`
 */
export async function receiveListeners(
  wish: NetworkWish,
  channel: HandleChannel,
  ended: Promise<unknown>,
): Promise<SessionListeners> {
  const orders = listOrders(wish);
  const handles = new Map<number, Server | DatagramSocket>();
  const failures = new Map<number, string>();
  let isOpen = true;
  try {
    await new Promise<void>((resolve, reject) => {
      channel.onMessage((message, handle) => {
        const { at, failed } = message as Handed;
        if (failed !== undefined) failures.set(at, failed);
        else if (handle !== undefined && isOpen) handles.set(at, handle as Server | DatagramSocket);
        if (handles.size + failures.size === orders.length) resolve();
      });
      const giveUp = (): void =>
        reject(new SbxError('sandbox-failed', 'the session ended before its network was there'));
      void ended.then(giveUp);
      setTimeout(giveUp, handOverMs).unref();
    });
    const missing = orders.flatMap(([kind, port], at) => {
      const failed = failures.get(at);
      return failed === undefined || (kind === 'host' && failed === 'EADDRNOTAVAIL') ? [] : [{ kind, port, failed }];
    });
    const own = missing.find(({ kind }) => kind !== 'direct' && kind !== 'host');
    if (own !== undefined) {
      throw new SbxError('sandbox-failed', `the session's network could not be made: port ${own.port}: ${own.failed}`, {
        help: 'run `sbx doctor`',
      });
    }
    const streams = orders.flatMap(([kind, port], at): SessionListener[] => {
      const server = handles.get(at);
      return server === undefined || kind === 'datagram' ? [] : [{ kind, port, server: server as Server }];
    });
    const datagrams = orders.flatMap(([kind], at) => (kind === 'datagram' ? [handles.get(at) as DatagramSocket] : []));
    return {
      streams,
      datagrams,
      warnings: missing.map(({ port, failed }) => `port ${port} is not led out of the sandbox: ${failed}`),
      close: () => {
        for (const handle of handles.values()) handle.close();
      },
    };
  } catch (error) {
    isOpen = false;
    for (const handle of handles.values()) handle.close();
    throw error;
  } finally {
    channel.disconnect();
  }
}

/** Far longer than it ever took: some 40 ms. */
const handOverMs = 20_000;
