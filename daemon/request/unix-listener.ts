/** The daemon's unix socket: the way in for the user's own programs, which nobody else can reach. */
import http from 'node:http';
import { maxClients, type Reception } from './reception.ts';
import { type ClaimedSocket, claimSocket } from './socket.ts';

export interface UnixListener {
  readonly socket: ClaimedSocket;
  /** No new clients; those that are connected stay. */
  readonly close: () => void;
}

/** How often Node looks for handshakes that took too long. */
export const handshakeCheckMs = 1_000;

/** Undefined when another daemon already answers there. @throws {SbxError} `run-directory` */
export async function listenOnUnixSocket(
  socketPath: string,
  reception: Reception,
  log: (message: string) => void,
): Promise<UnixListener | undefined> {
  const server = http.createServer({ connectionsCheckingInterval: handshakeCheckMs });
  const endHandshakes = reception.open(server, { name: 'unix socket', maxClients, needsHeartbeat: false });
  const socket = await claimSocket(server, socketPath);
  if (!socket) return undefined;
  server.on('error', (error) => log(`unix socket: ${error.message}`));
  return {
    socket,
    close: () => {
      socket.release();
      server.close();
      endHandshakes();
    },
  };
}
