/**
 * A run in the hands of its caller: awaited it is its result, iterated it is its events. Each byte goes to one of the two:
 * what an iterator took is not repeated in the result. What nobody takes waits, and after one window so does the daemon.
 */
import type { Connection } from './connection.ts';
import type { FollowedRun, RunInit, RunOwner } from './followed-run.ts';
import { SbxError } from './protocol/errors.ts';
import type { Gap, RunEvent } from './protocol/events.ts';
import type { Frame } from './protocol/frames.ts';
import type { RunSignal } from './protocol/messages.ts';
import type { RunError } from './run-error.ts';
import { EventMaker, type RunStreamEvent } from './run-events.ts';
import { RunFollower } from './run-follower.ts';
import type { InputSource } from './run-input.ts';
import type { FollowOptions } from './run-options.ts';
import type { Received } from './run-queue.ts';
import { type RunResult, RunSummary } from './run-summary.ts';

/** Settled from outside; nobody has to listen. */
class Settled<T> {
  readonly promise: Promise<T>;
  resolve: (value: T) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined);
  }
}

export class Run<Text extends string | Buffer = string>
  implements PromiseLike<RunResult<Text>>, AsyncIterable<RunStreamEvent>, FollowedRun
{
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly isBackground: boolean;
  /** True when the command runs, false when it ended before it could: the decision said no. */
  readonly started: Promise<boolean>;
  /** @internal */
  readonly options: FollowOptions;
  readonly #owner: RunOwner;
  readonly #follower: RunFollower;
  readonly #events = new EventMaker();
  readonly #summary: RunSummary<Text>;
  readonly #input: InputSource | undefined;
  readonly #settled = new Settled<RunResult<Text>>();
  readonly #started = new Settled<boolean>();
  readonly #canWrite: boolean;
  #isPty: boolean;
  #begun = false;
  #isFull = false;
  #awaited = false;
  #iterating = false;
  /** Why the run is being stopped; its end is still waited for. */
  #givenUp:
    | { readonly code: 'aborted' | 'output-too-large'; readonly message: string; readonly cause?: unknown }
    | undefined;
  #outcome: { readonly error?: RunError } | undefined;
  #wake: () => void = () => undefined;

  /** @internal */
  constructor(init: RunInit, owner: RunOwner) {
    this.#owner = owner;
    this.options = init.options;
    this.sessionId = init.sessionId;
    this.isBackground = init.isBackground;
    this.#isPty = init.isPty;
    this.#input = init.input;
    this.#canWrite = init.canWrite;
    this.#follower = new RunFollower(init.beginning, {
      onNumber: (number) => owner.onNumber(this, number),
      onReceived: () => {
        this.#drain();
        this.#wake();
      },
      onEvent: (event) => this.#notice(event),
      onKnown: (isRunning, info) => {
        this.#isPty = info?.pty ?? this.#isPty;
        if (isRunning) this.#begin();
      },
      onFailed: (error) => this.fail(error),
    });
    this.runId = this.#follower.runId;
    this.#summary = new RunSummary(this.runId, init.options);
    this.started = this.#started.promise;
    const { signal } = init.options;
    if (signal?.aborted) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  // biome-ignore lint/suspicious/noThenProperty: a run is awaited, as a promise is
  then<Value = RunResult<Text>, Reason = never>(
    onResult?: ((result: RunResult<Text>) => Value | PromiseLike<Value>) | null,
    onError?: ((error: RunError) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    this.#awaited = true;
    this.#drain();
    return this.#settled.promise.then(onResult, onError);
  }

  catch<Reason>(onError: (error: RunError) => Reason | PromiseLike<Reason>): Promise<RunResult<Text> | Reason> {
    return this.then(undefined, onError);
  }

  /**
   * Events in order, from the first that nobody has taken. Leaving the loop leaves the run alone; another loop goes on
   * where it ended. @throws {SbxError} `bad-usage` while another loop reads them
   */
  [Symbol.asyncIterator](): AsyncGenerator<RunStreamEvent, void, void> {
    if (this.#iterating) throw new SbxError('bad-usage', 'the events of this run are being read already');
    this.#iterating = true;
    return this.#iterate();
  }

  async *#iterate(): AsyncGenerator<RunStreamEvent, void, void> {
    try {
      for (;;) {
        const item = this.#givenUp ? undefined : this.#follower.take();
        if (item) {
          const event = this.#describe(item);
          this.#record(event);
          yield event;
        } else if (this.#outcome) {
          if (this.#outcome.error) throw this.#outcome.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#iterating = false;
      this.#drain();
    }
  }

  /**
   * Resolves when the bytes are on their way; wait for it, and no more than one window is held here.
   * @throws {SbxError} `run-ended`, `bad-usage` for a run whose stdin is not open
   */
  async write(data: string | Uint8Array): Promise<void> {
    this.#assertWritable();
    await this.#follower.input.write(data);
  }

  /** The command reads what was written, and then the end. @throws {SbxError} `bad-usage` */
  closeStdin(): void {
    this.#assertWritable();
    this.#endInput();
  }

  #assertWritable(): void {
    if (this.#canWrite) return;
    throw new SbxError('bad-usage', 'the stdin of this run is not open', {
      help: 'start it with `stdin: "open"`, or attach with `write: true`',
    });
  }

  #endInput(): void {
    const { input } = this.#follower;
    // A terminal has no end of its own: ^D ends the input, after a first one that only ends an unfinished line.
    if (this.#isPty) void input.write(input.lastByte === 0x0a ? '\x04' : '\x04\x04');
    else input.close();
  }

  /** To the command and all it started. @throws {SbxError} `run-ended`, `daemon-lost` */
  signal(signal: RunSignal): Promise<void> {
    return this.#follower.signal(signal);
  }

  /** @throws {SbxError} `run-ended`, `daemon-lost` */
  resize(columns: number, rows: number): Promise<void> {
    return this.#follower.resize(columns, rows);
  }

  /** TERM, after `graceMs` (default 2000) KILL. The run still has a result, whose reason is `cancelled`. */
  stop(options: { readonly graceMs?: number } = {}): void {
    this.#follower.stop(options.graceMs);
  }

  /** Follows it no longer; it goes on as if this client had gone. Iterators end, who awaits it gets `aborted`. */
  detach(): void {
    if (this.#outcome) return;
    this.#follower.detach();
    this.#settle(this.#summary.makeError('aborted', 'the run was detached'), false);
  }

  /** @internal */
  get isOver(): boolean {
    return this.#follower.isOver;
  }

  /** @internal */
  bind(connection: Connection): void {
    this.#follower.bind(connection);
  }

  /** @internal */
  unbind(): void {
    this.#follower.unbind();
  }

  /** @internal */
  fail(error: SbxError): void {
    if (this.#outcome || this.#follower.isOver) return;
    this.#follower.end(error);
    this.#drain();
    const given = this.#givenUp;
    this.#settle(
      given
        ? this.#summary.makeError(given.code, given.message, { cause: given.cause ?? error })
        : this.#summary.makeError(error.code, error.message, error),
    );
  }

  /** @internal */
  receiveEvent(seq: number, event: RunEvent): void {
    this.#follower.receiveEvent(seq, event);
  }

  /** @internal */
  receiveOutput(frame: Frame): void {
    this.#follower.receiveOutput(frame);
  }

  /** @internal */
  receiveGap(gap: Gap): void {
    this.#follower.receiveGap(gap);
  }

  /** @internal */
  receiveStdinAck(bytes: number): void {
    this.#follower.receiveStdinAck(bytes);
  }

  #notice(event: RunEvent): void {
    if (event.type === 'started') this.#begin();
    if (event.type === 'exited') {
      this.#started.resolve(false);
      this.options.signal?.removeEventListener('abort', this.#abort);
      this.#owner.onOver(this);
    }
    this.#owner.onEvent(this, event);
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#started.resolve(true);
    if (this.#input === undefined) return;
    this.#follower.input
      .writeAll(this.#input, () => this.#endInput())
      .catch((error: unknown) => this.#giveUp('aborted', 'the input of the run failed', error));
  }

  readonly #abort = (): void => {
    const cause: unknown = this.options.signal?.reason;
    if (this.#follower.isAsked) this.#giveUp('aborted', 'the run was aborted', cause);
    else {
      this.#follower.end(new SbxError('aborted', 'the run was aborted'));
      this.#settle(this.#summary.makeError('aborted', 'the run was aborted before it started', { cause }));
    }
  };

  /** The end is waited for, so that a caller who goes on knows that nothing of it runs any more. */
  #giveUp(code: 'aborted' | 'output-too-large', message: string, cause?: unknown): void {
    if (this.#givenUp || this.#outcome) return;
    this.#givenUp = { code, message, cause };
    this.#follower.stop(undefined);
    this.#drain();
  }

  /** Takes what has come when somebody awaits the end and nobody iterates, or nobody wants it any more. */
  #drain(): void {
    if (!this.#givenUp && (!this.#awaited || this.#iterating)) return;
    for (let item = this.#follower.take(); item; item = this.#follower.take()) {
      const event = this.#describe(item);
      if (
        event.type === 'output' &&
        this.#awaited &&
        !this.#iterating &&
        !this.#isFull &&
        !this.#summary.collect(event)
      ) {
        this.#isFull = true;
        const limit = this.#summary.maxBufferBytes;
        this.#giveUp('output-too-large', `the run has more output than the ${limit} bytes of \`maxBufferBytes\``);
      }
      this.#record(event);
    }
  }

  #describe(item: Received): RunStreamEvent {
    if (item.kind === 'output') return this.#events.output(item.frame);
    if (item.kind === 'gap') return this.#events.gap(item.gap);
    return { ...item.event, seq: item.seq };
  }

  #record(event: RunStreamEvent): void {
    this.#summary.record(event);
    if (event.type !== 'exited' || this.#outcome) return;
    const { exit } = event;
    if (this.#givenUp) {
      const { code, message, cause } = this.#givenUp;
      this.#settle(this.#summary.makeError(code, message, { cause, details: { exit } }));
      return;
    }
    this.#outcome = {};
    this.#settled.resolve(this.#summary.makeResult(exit));
    this.#wake();
  }

  /** `throws`: an iterator ends with the error, too. */
  #settle(error: RunError, throws = true): void {
    this.options.signal?.removeEventListener('abort', this.#abort);
    this.#outcome = throws ? { error } : {};
    this.#settled.reject(error);
    this.#started.reject(error);
    this.#owner.onOver(this);
    this.#wake();
  }
}
