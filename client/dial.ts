/** Opens a connection to a daemon on this machine, over its unix socket. */
import net from 'node:net';
import WebSocket from 'ws';
import { Connection } from './connection.ts';
import { SbxError } from './protocol/errors.ts';
import { buildHeader, limits } from './protocol/limits.ts';
import { readRefusal } from './refusal.ts';

const handshakeTimeoutMs = 10_000;

/**
 * Undefined when nobody listens there.
 * @throws {SbxError} `run-directory`, `daemon-unreachable`, `daemon-lost`, `too-many-clients`
 */
export async function openConnection(
  socketPath: string,
  answerTimeoutMs = handshakeTimeoutMs,
): Promise<Connection | undefined> {
  const stream = await reach(socketPath, performance.now() + answerTimeoutMs);
  if (!stream) return undefined;
  // Not ws's `handshakeTimeout`: Node does not apply it to a stream that is connected already.
  const overdue = setTimeout(
    () => stream.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)),
    answerTimeoutMs,
  );
  return new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://localhost/', {
      createConnection: () => stream,
      perMessageDeflate: false,
      maxPayload: limits.maxFrameBytes,
    });
    let build: string | undefined;
    socket.once('upgrade', (response) => {
      const value = response.headers[buildHeader];
      build = typeof value === 'string' ? value : undefined;
    });
    const fail = (error: NodeJS.ErrnoException) => {
      clearTimeout(overdue);
      // It took the connection and ended before it could say anything.
      reject(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? ended() : unanswered(socketPath, error));
    };
    socket.once('error', fail);
    socket.once('unexpected-response', (request, response) => {
      clearTimeout(overdue);
      void readRefusal(response).then((error) => {
        request.destroy();
        if (error.code === 'daemon-unreachable') reject(unanswered(socketPath, error));
        else reject(error.code === 'stopping' ? ended() : error);
      });
    });
    // In the same tick as the first bytes: frames that came with the handshake's answer must find their listener.
    socket.once('open', () => {
      clearTimeout(overdue);
      socket.off('error', fail);
      resolve(new Connection(socket, stream, build));
    });
  });
}

function ended(): SbxError {
  return new SbxError('daemon-lost', 'the daemon ended while it was asked', { help: 'run the command again' });
}

function unanswered(socketPath: string, cause: Error): SbxError {
  return new SbxError('daemon-unreachable', `what listens on \`${socketPath}\` does not answer: ${cause.message}`, {
    help: 'see sbx daemon logs, end that process, and run the command again',
    cause,
  });
}

function reach(socketPath: string, deadline: number): Promise<net.Socket | undefined> {
  return new Promise((resolve, reject) => {
    const stream = net.connect(socketPath);
    stream.once('connect', () => {
      stream.removeAllListeners('error');
      resolve(stream);
    });
    stream.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      // The queue of a busy daemon is full.
      else if (error.code === 'EAGAIN' && performance.now() < deadline) {
        setTimeout(() => resolve(reach(socketPath, deadline)), 5);
      } else if (error.code === 'EAGAIN') reject(unanswered(socketPath, error));
      else {
        reject(
          new SbxError('run-directory', `the socket \`${socketPath}\` cannot be used: ${error.message}`, {
            help: 'remove its directory, or set XDG_RUNTIME_DIR to one of your own',
            cause: error,
          }),
        );
      }
    });
  });
}
