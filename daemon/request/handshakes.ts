/**
 * The sockets that have connected and not yet become clients, at most so many. Attack it stands against: somebody who opens
 * connections and says nothing, or says it one byte at a time. A full list drops its oldest: an honest handshake takes
 * milliseconds, so the oldest is the least likely to be one.
 */
import type net from 'node:net';

/** The same for a TCP socket and for the TLS socket around it; Node gives no way from one to the other. */
function keyOf(socket: net.Socket): unknown {
  return socket.remotePort === undefined
    ? socket
    : `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

export class Handshakes {
  readonly #max: number;
  readonly #pending = new Map<unknown, net.Socket>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#pending.size;
  }

  add(socket: net.Socket): void {
    const key = keyOf(socket);
    this.#pending.set(key, socket);
    socket.once('close', () => {
      if (this.#pending.get(key) === socket) this.#pending.delete(key);
    });
    if (this.#pending.size <= this.#max) return;
    const [oldest] = this.#pending.values();
    oldest?.destroy();
  }

  /** It has become a client. */
  finish(socket: net.Socket): void {
    this.#pending.delete(keyOf(socket));
  }

  destroyAll(): void {
    for (const socket of this.#pending.values()) socket.destroy();
  }
}
