/**
 * A connection that is replaced when it is lost. Promises that nothing of before is taken for granted: the same daemon
 * means that runs and sessions can be gone on with, another one that all of them are lost, and a request whose answer may
 * have been lost is repeated only where asking twice does no harm.
 */
import type { Connection, ConnectionListener } from './connection.ts';
import type { Doors } from './doors.ts';
import { SbxError } from './protocol/errors.ts';
import { limits } from './protocol/limits.ts';
import type { MethodName, Params, Result } from './protocol/messages.ts';

export interface LinkOptions {
  readonly doors: Doors;
  readonly hello: Params<'hello'>;
  readonly reconnectMs: number;
  readonly listener: Omit<ConnectionListener, 'onLost'>;
  /** `same`: the daemon of before. Requests that it sends at once go before any other. */
  readonly onUp: (connection: Connection, daemon: 'first' | 'same' | 'another') => void;
  readonly onCut: () => void;
  /** Nothing of before can be reached any more. */
  readonly onDown: (error: SbxError) => void;
}

/** Reading twice is reading. */
const repeatable: readonly MethodName[] = [
  'status',
  'check',
  'run.list',
  'run.get',
  'session.list',
  'approval.list',
  'grant.list',
];
const maxRepeats = 5;

const firstPauseMs = 25;
const maxPauseMs = 2_000;

/** What may be otherwise a moment later. */
const passing: readonly string[] = ['daemon-lost', 'daemon-unreachable', 'too-many-clients'];

const closedError = () => new SbxError('aborted', 'the client was closed');

export class Link {
  readonly #options: LinkOptions;
  #connection: Connection | undefined;
  #attempt: Promise<Connection> | undefined;
  #hello: Result<'hello'> | undefined;
  #closed = false;
  #endPause: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** What the daemon said of itself last. */
  get hello(): Result<'hello'> | undefined {
    return this.#hello;
  }

  /** Undefined while there is none. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** @throws {SbxError} when it cannot be had */
  connected(): Promise<Connection> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#connection) return Promise.resolve(this.#connection);
    this.#attempt ??= this.#keep(this.#first());
    return this.#attempt;
  }

  /** @throws {SbxError} what the daemon answered, `daemon-lost`, or why there is no connection */
  async request<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    for (let repeats = 0; ; repeats++) {
      const connection = await this.connected();
      try {
        return await connection.request(method, params);
      } catch (error) {
        if (this.#closed) throw closedError();
        const isLost = error instanceof SbxError && error.code === 'daemon-lost';
        if (!isLost || !repeatable.includes(method) || repeats === maxRepeats) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#endPause();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #keep(attempt: Promise<Connection>): Promise<Connection> {
    const kept = attempt.finally(() => {
      if (this.#attempt === kept) this.#attempt = undefined;
    });
    // Whoever waits for it hears of it; there may be nobody.
    kept.catch(() => undefined);
    return kept;
  }

  async #first(): Promise<Connection> {
    const connection = await this.#options.doors.enter();
    if (!connection) throw new SbxError('daemon-unreachable', 'no daemon runs', { help: 'sbx daemon start' });
    return this.#enter(connection, await this.#greet(connection, limits.helloTimeoutMs));
  }

  async #restore(lost: SbxError): Promise<Connection> {
    const deadline = performance.now() + this.#options.reconnectMs;
    try {
      if (this.#options.reconnectMs <= 0) throw lost;
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
        try {
          const connection = await this.#findAgain(deadline);
          if (connection) return connection;
          break;
        } catch (error) {
          const isPassing = error instanceof SbxError && passing.includes(error.code);
          if (this.#closed || !isPassing || performance.now() + pauseMs > deadline) throw error;
        }
        // Clients that were cut off together do not come back together.
        await this.#pause(pauseMs * (0.5 + Math.random() / 2));
      }
      throw new SbxError('daemon-lost', 'the daemon has ended', { help: 'sbx daemon logs may say why', cause: lost });
    } catch (error) {
      if (this.#closed) throw closedError();
      const isLost = error instanceof SbxError && error.code === 'daemon-lost';
      const down = isLost ? error : new SbxError('daemon-lost', lost.message, { help: lost.help, cause: error });
      this.#hello = undefined;
      this.#options.onDown(down);
      throw down;
    }
  }

  /** The daemon of before, else another one, else undefined: nobody listens. @throws {SbxError} the first failure */
  async #findAgain(deadline: number): Promise<Connection | undefined> {
    const before = this.#hello?.daemonId;
    let other: { readonly connection: Connection; readonly hello: Result<'hello'> } | undefined;
    let failure: unknown;
    for (const open of this.#options.doors.find()) {
      try {
        const connection = await open();
        if (!connection) continue;
        const hello = await this.#greet(connection, Math.min(limits.helloTimeoutMs, deadline - performance.now()));
        if (hello.daemonId === before) {
          other?.connection.close();
          return this.#enter(connection, hello);
        }
        if (other) connection.close();
        else other = { connection, hello };
      } catch (error) {
        failure ??= error;
      }
    }
    // Whoever did not answer may be the one.
    if (failure === undefined && other) return this.#enter(other.connection, other.hello);
    other?.connection.close();
    if (failure !== undefined) throw failure;
    return undefined;
  }

  async #pause(pauseMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (this.#closed) throw closedError();
  }

  async #greet(connection: Connection, timeoutMs: number): Promise<Result<'hello'>> {
    const overdue = setTimeout(() => connection.abandon('it did not answer hello'), timeoutMs);
    try {
      const hello = await connection.request('hello', this.#options.hello);
      if (this.#closed) throw closedError();
      return hello;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(overdue);
    }
  }

  #enter(connection: Connection, hello: Result<'hello'>): Connection {
    const before = this.#hello?.daemonId;
    connection.listen({ ...this.#options.listener, onLost: (error) => this.#lose(connection, error) });
    this.#hello = hello;
    this.#connection = connection;
    this.#options.onUp(connection, before === undefined ? 'first' : before === hello.daemonId ? 'same' : 'another');
    return connection;
  }

  #lose(connection: Connection, error: SbxError): void {
    if (this.#connection !== connection || this.#closed) return;
    this.#connection = undefined;
    this.#options.onCut();
    this.#attempt = this.#keep(this.#restore(error));
  }
}
