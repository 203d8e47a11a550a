/** The WebSocket server on the unix socket: accepts, bounds and hands each client to a `Connection`. */
import http from 'node:http';
import { WebSocketServer } from 'ws';
import { buildHeader, limits } from '../../client/protocol/limits.ts';
import { Connection, type ConnectionContext } from './connection.ts';
import { type ClaimedSocket, claimSocket } from './socket.ts';

/** Clients of one daemon at once; each may cost a read buffer of `maxFrameBytes`. */
const maxConnections = 256;

export interface RunningServer {
  readonly socket: ClaimedSocket;
  readonly connections: ReadonlySet<Connection>;
  /** No new clients; those that are connected stay. */
  readonly stopListening: () => void;
  readonly close: (reason: string) => Promise<void>;
}

/** Undefined when another daemon already answers on the socket. @throws {SbxError} `run-directory` */
export async function listen(socketPath: string, context: ConnectionContext): Promise<RunningServer | undefined> {
  const connections = new Set<Connection>();
  const server = http.createServer((_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' }).end('sbxd speaks WebSocket\n');
  });
  server.maxConnections = maxConnections;
  server.headersTimeout = 10_000;
  const webSockets = new WebSocketServer({ server, maxPayload: limits.maxFrameBytes, perMessageDeflate: false });
  webSockets.on('headers', (headers) => headers.push(`${buildHeader}: ${context.build}`));
  webSockets.on('connection', (socket) => {
    const connection = new Connection(socket, {
      ...context,
      onClosed: (closed) => {
        connections.delete(closed);
        context.onClosed(closed);
      },
    });
    connections.add(connection);
  });
  webSockets.on('error', (error) => context.log(`server: ${error.message}`));
  const socket = await claimSocket(server, socketPath);
  if (!socket) return undefined;
  const stopListening = () => {
    socket.release();
    server.close();
  };
  return {
    socket,
    connections,
    stopListening,
    close: async (reason) => {
      stopListening();
      for (const connection of connections) connection.close(1001, reason);
      await Promise.race([
        new Promise<void>((resolve) => webSockets.close(() => resolve())),
        new Promise<void>((resolve) => setTimeout(resolve, 500).unref()),
      ]);
      for (const connection of connections) connection.terminate();
    },
  };
}
