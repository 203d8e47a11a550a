/**
 * One run as the wire tells it, across connections: started once, attached again after each cut from the number that is
 * due, its input resumed, its end never assumed. What it brings waits in a queue until somebody takes it.
 */
import type { Connection } from './connection.ts';
import { SbxError } from './protocol/errors.ts';
import type { Gap, RunEvent } from './protocol/events.ts';
import type { Frame } from './protocol/frames.ts';
import { limits } from './protocol/limits.ts';
import type { MethodName, Params, Result, RunSignal } from './protocol/messages.ts';
import { RunInput } from './run-input.ts';
import type { StartParams } from './run-options.ts';
import { bytesOf, nextAfter, type Received, RunQueue } from './run-queue.ts';

/** A run of our own, or one that is there already. */
export type Beginning =
  | { readonly start: StartParams }
  | { readonly attach: { readonly runId: string; readonly fromSeq: number; readonly write: boolean } };

export interface FollowerHooks {
  /** The daemon said under which number its frames come. */
  readonly onNumber: (run: number) => void;
  /** Something is in the queue. */
  readonly onReceived: () => void;
  /** At once when it comes, before anybody has taken it. */
  readonly onEvent: (event: RunEvent) => void;
  /** `isRunning`: the command has been started. */
  readonly onKnown: (isRunning: boolean, info: Result<'run.attach'>['info'] | undefined) => void;
  readonly onFailed: (error: SbxError) => void;
}

/** How long the daemon may take to notice that our old connection, which could write, is dead. */
const writerPatienceMs = limits.silenceMs + limits.heartbeatMs;
const writerPauseMs = 500;

export class RunFollower {
  readonly runId: string;
  readonly input: RunInput;
  readonly #beginning: Beginning;
  readonly #hooks: FollowerHooks;
  readonly #queue: RunQueue;
  readonly #writes: boolean;
  #connection: Connection | undefined;
  #number: number | undefined;
  #asked = false;
  #over = false;
  /** Taken and not yet acknowledged. */
  #takenBytes = 0;
  #takenItems = 0;
  /** Where the daemon left something out. */
  #missingAt = -1;
  #stop: Params<'run.stop'> | undefined;

  constructor(beginning: Beginning, hooks: FollowerHooks) {
    this.#beginning = beginning;
    this.#hooks = hooks;
    const isOwn = 'start' in beginning;
    this.runId = isOwn ? beginning.start.runId : beginning.attach.runId;
    this.#writes = isOwn || beginning.attach.write;
    this.#queue = new RunQueue(isOwn ? 0 : beginning.attach.fromSeq);
    this.input = new RunInput(!isOwn);
  }

  /** A request for it has gone out, so it may run. */
  get isAsked(): boolean {
    return this.#asked;
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** On every new connection to the same daemon. */
  bind(connection: Connection): void {
    if (this.#over || this.#connection === connection) return;
    this.#connection = connection;
    this.#asked = true;
    if (this.#number === undefined && 'start' in this.#beginning) {
      this.#watch(
        connection,
        connection.request('run.start', this.#beginning.start, (result) => this.#accept(connection, result)),
      );
    } else {
      this.#queue.trim(limits.viewerWindowBytes);
      this.#attach(connection, this.#writes, performance.now() + writerPatienceMs);
    }
    if (this.#stop) this.#tell('run.stop', this.#stop);
  }

  unbind(): void {
    this.#connection = undefined;
    this.input.pause();
  }

  receiveEvent(seq: number, event: RunEvent): void {
    if (this.#add({ kind: 'event', seq, event })) {
      if (event.type === 'started') this.input.start();
      if (event.type === 'exited') this.end(new SbxError('run-ended', 'the run has ended'));
      this.#hooks.onEvent(event);
      this.#hooks.onReceived();
    }
  }

  receiveOutput(frame: Frame): void {
    if (this.#add({ kind: 'output', seq: frame.seq, frame })) this.#hooks.onReceived();
  }

  receiveGap(gap: Gap): void {
    if (this.#add({ kind: 'gap', seq: gap.fromSeq, gap })) this.#hooks.onReceived();
  }

  receiveStdinAck(bytes: number): void {
    this.input.acknowledge(bytes);
  }

  /** The next of what has come, which counts as dealt with from then on. */
  take(): Received | undefined {
    const item = this.#queue.take();
    if (!item) return undefined;
    this.#takenBytes += bytesOf(item);
    this.#takenItems++;
    const isEnd = item.kind === 'event' && item.event.type === 'exited';
    if (isEnd || this.#takenBytes >= limits.ackEveryBytes || this.#takenItems >= limits.ackEveryMessages) {
      this.#takenBytes = 0;
      this.#takenItems = 0;
      this.#connection?.acknowledge(this.runId, nextAfter(item));
    }
    return item;
  }

  signal(signal: RunSignal): Promise<void> {
    return this.#ask('run.signal', { runId: this.runId, signal });
  }

  resize(columns: number, rows: number): Promise<void> {
    return this.#ask('run.resize', { runId: this.runId, size: { columns, rows } });
  }

  /** Asked for again after a cut: stopping twice is stopping. */
  stop(graceMs: number | undefined): void {
    if (this.#over) return;
    this.#stop = { runId: this.runId, ...(graceMs === undefined ? {} : { graceMs }) };
    this.#tell('run.stop', this.#stop);
  }

  /** Nothing more comes, and nothing more is sent. The connection stays for the last acknowledgement. */
  end(error: SbxError): void {
    this.#over = true;
    this.input.stop(error);
  }

  detach(): void {
    const connection = this.#connection;
    this.end(new SbxError('aborted', 'the run was detached'));
    connection?.request('run.detach', { runId: this.runId }).catch(() => undefined);
    this.#connection = undefined;
  }

  #add(item: Received): boolean {
    if (this.#over) return false;
    const added = this.#queue.add(item);
    if (added !== 'missing') return added === 'added';
    const due = this.#queue.next;
    const connection = this.#connection;
    if (this.#missingAt === due) {
      this.#hooks.onFailed(new SbxError('daemon-lost', `the daemon left out event ${due} of the run`));
    } else {
      this.#missingAt = due;
      connection?.abandon(`it left out event ${due} of a run`);
    }
    return false;
  }

  #accept(connection: Connection, result: Result<'run.start'> | Result<'run.attach'>): void {
    if (this.#over || this.#connection !== connection) return;
    const { run, stdinBytes, writer } = result;
    if (!Number.isSafeInteger(run) || !Number.isSafeInteger(stdinBytes)) {
      connection.abandon('it sent a malformed answer');
      return;
    }
    this.#number = run;
    this.#hooks.onNumber(run);
    const info = 'info' in result ? result.info : undefined;
    const isRunning = info?.state === 'running';
    if (isRunning) this.input.start();
    if (writer) {
      this.input.resume(stdinBytes, {
        send: (offset, payload) => connection.sendStdin(run, offset, payload),
        close: () => this.#tell('run.closeStdin', { runId: this.runId }),
      });
    }
    this.#hooks.onKnown(isRunning, info);
  }

  #attach(connection: Connection, write: boolean, patienceEnds: number): void {
    const params = { runId: this.runId, fromSeq: this.#queue.next, write };
    const isFirst = this.#number === undefined;
    this.#watch(
      connection,
      connection
        .request('run.attach', params, (result) => this.#accept(connection, result))
        .catch((error: SbxError) => {
          const isTaken = write && !isFirst && error.code === 'writer-taken';
          if (!isTaken || performance.now() > patienceEnds) throw error;
          // The one who writes is our own old connection, whose end the daemon has not noticed yet. What comes is shown
          // meanwhile.
          this.#attach(connection, false, patienceEnds);
          setTimeout(() => {
            if (this.#connection === connection && !this.#over) this.#attach(connection, true, patienceEnds);
          }, writerPauseMs).unref();
        }),
    );
  }

  /** A lost answer is not a failure: the next connection asks again, or there is none and the client says so. */
  #watch(connection: Connection, answer: Promise<unknown>): void {
    answer.catch((error: SbxError) => {
      if (this.#over || this.#connection !== connection || error.code === 'daemon-lost') return;
      const isForgotten = error.code === 'unknown-run' && this.#number !== undefined;
      this.#hooks.onFailed(
        isForgotten
          ? new SbxError('daemon-lost', 'the run was no longer known when the connection came back', { cause: error })
          : error,
      );
    });
  }

  /** @throws {SbxError} `daemon-lost` when it may not have arrived */
  async #ask<M extends MethodName>(method: M, params: Params<M>): Promise<void> {
    if (this.#over) throw new SbxError('run-ended', 'the run has ended');
    if (!this.#connection) throw new SbxError('daemon-lost', 'there is no connection to the daemon at the moment');
    await this.#connection.request(method, params);
  }

  /** For requests whose only failure is that the run is over. */
  #tell<M extends MethodName>(method: M, params: Params<M>): void {
    this.#connection?.request(method, params).catch(() => undefined);
  }
}
