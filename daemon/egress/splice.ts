/**
 * Joins two connections byte by byte: each waits for the other's slowness, an end of one direction leaves the other open,
 * and what breaks on one side is a reset on the other, so that nobody takes a part for the whole.
 */
import type { Socket } from 'node:net';
import type { Intake } from './intake.ts';

export interface Carried {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A tunnel may be idle for as long as it likes; that a peer is gone which left its end half closed, the kernel's probes tell. */
const keepAliveProbeMs = 30_000;

/** Resolves when both are closed. Bytes that either intake holds go first. */
export function splice(client: Intake, host: Intake): Promise<Carried> {
  return new Promise((resolve) => {
    let sentBytes = 0;
    let receivedBytes = 0;
    let open = 2;
    client.socket.setKeepAlive(true, keepAliveProbeMs);
    const closed = (one: Socket, other: Socket): void => {
      if (!isComplete(one)) reset(other);
      open -= 1;
      if (open === 0) resolve({ sentBytes, receivedBytes });
    };
    onceClosed(client.socket, () => closed(client.socket, host.socket));
    onceClosed(host.socket, () => closed(host.socket, client.socket));
    forward(client, host.socket, (count) => {
      sentBytes += count;
    });
    forward(host, client.socket, (count) => {
      receivedBytes += count;
    });
  });
}

/** Ends a connection in a way that its peer cannot take for an orderly end. */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  // Only TCP has a reset, and not while a FIN is on its way out; TLS without its own last word is as good.
  if ('encrypted' in socket || socket.connecting || (socket.writableEnded && !socket.writableFinished))
    socket.destroy();
  else socket.resetAndDestroy();
}

export function onceClosed(socket: Socket, then: () => void): void {
  if (socket.closed) then();
  else socket.once('close', then);
}

function forward(from: Intake, to: Socket, count: (bytes: number) => void): void {
  to.on('drain', () => from.resume());
  from.read({
    take(bytes) {
      count(bytes.length);
      if (!to.write(bytes)) from.pause();
      return undefined;
    },
    end(broken) {
      if (!broken) to.end();
    },
  });
}

/** Whether both directions came to their end. */
function isComplete(socket: Socket): boolean {
  return socket.readableEnded && socket.writableFinished && socket.errored === null;
}
