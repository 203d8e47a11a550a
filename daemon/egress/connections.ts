/** The open connections of one run: how many there may be, and their end with the run. */
import type { Socket } from 'node:net';
import { Intake } from './intake.ts';
import type { FrontLimits } from './limits.ts';
import type { FrontRun } from './model.ts';
import { onceClosed, reset } from './splice.ts';
import { Upstreams } from './upstreams.ts';

/** What the fronts of one run share. */
export interface FrontContext {
  readonly run: FrontRun;
  readonly limits: FrontLimits;
  readonly connections: Connections;
  readonly upstreams: Upstreams;
}

/** One that a command has made. */
export interface ClientConnection {
  readonly context: FrontContext;
  readonly client: Intake;
  /** Aborted when the command's end is gone, or the run is over. */
  readonly signal: AbortSignal;
}

export class Connections {
  readonly #open = new Set<Socket>();
  readonly #max: number;
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal, max: number) {
    this.#max = max;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      for (const socket of this.#open) reset(socket);
    });
  }

  /** False: there are too many, or the run is over. */
  add(socket: Socket): boolean {
    if (this.#signal.aborted || this.#open.size >= this.#max) return false;
    this.#open.add(socket);
    onceClosed(socket, () => this.#open.delete(socket));
    return true;
  }
}

/** A reason of its own, because the default one is an exception with a stack. */
const connectionIsGone = 'the connection is gone';

export function openContext(run: FrontRun, limits: FrontLimits): FrontContext {
  const upstreams = new Upstreams(limits);
  run.signal.addEventListener('abort', () => upstreams.close());
  return { run, limits, upstreams, connections: new Connections(run.signal, limits.maxConnections) };
}

/**
 * Takes an accepted socket over.
 * @param serve never rejects but for a defect of ours; then the connection is reset.
 * @param refuse what to do with one too many.
 */
export function accept(
  context: FrontContext,
  socket: Socket,
  serve: (connection: ClientConnection) => Promise<void>,
  refuse: (socket: Socket) => void = reset,
): void {
  // The server that accepted it may have been made from a handle, which knows nothing of options.
  socket.allowHalfOpen = true;
  socket.on('error', () => {});
  if (!context.connections.add(socket)) {
    if (context.run.signal.aborted) reset(socket);
    else refuse(socket);
    return;
  }
  socket.setNoDelay(true);
  const gone = new AbortController();
  const client = new Intake(socket, context.limits.maxHeldBytes);
  onceClosed(socket, () => gone.abort(connectionIsGone));
  serve({ context, client, signal: gone.signal }).catch(() => reset(socket));
}

/** Says the last word, and throws away for a while what the peer still sends: a reset would take that word back. */
export function closeWith({ client, context }: ClientConnection, lastWord: Buffer): void {
  const { socket } = client;
  let left = context.limits.maxLingerBytes;
  const timer = setTimeout(() => reset(socket), context.limits.lingerMs);
  onceClosed(socket, () => clearTimeout(timer));
  client.stop();
  socket.end(lastWord);
  client.read({
    take(bytes) {
      left -= bytes.length;
      if (left < 0) reset(socket);
      return undefined;
    },
    end() {},
  });
}
