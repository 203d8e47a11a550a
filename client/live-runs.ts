/** The runs that a client follows at the moment, and the way of what the wire brings to the run that it is for. */
import type { Connection, ConnectionListener } from './connection.ts';
import type { FollowedRun, RunInit } from './followed-run.ts';
import { SbxError } from './protocol/errors.ts';
import type { RunEvent } from './protocol/events.ts';
import { Run } from './run.ts';

export interface LiveRunsInput {
  /** At the moment. */
  readonly connection: () => Connection | undefined;
  readonly connected: () => Promise<Connection>;
  readonly onEvent: (run: FollowedRun, event: RunEvent) => void;
  readonly onOver: (run: FollowedRun) => void;
}

export class LiveRuns {
  readonly #input: LiveRunsInput;
  readonly #byId = new Map<string, FollowedRun>();
  /** By the number that binary frames carry. */
  readonly #byNumber = new Map<number, FollowedRun>();

  readonly listener: Pick<ConnectionListener, 'onEvent' | 'onOutput' | 'onGap' | 'onStdinAck'> = {
    onEvent: ({ runId, seq, event }) => this.#byId.get(runId)?.receiveEvent(seq, event),
    onOutput: (frame) => this.#byNumber.get(frame.run)?.receiveOutput(frame),
    onGap: (gap) => this.#byId.get(gap.runId)?.receiveGap(gap),
    onStdinAck: ({ runId, bytes }) => this.#byId.get(runId)?.receiveStdinAck(bytes),
  };

  constructor(input: LiveRunsInput) {
    this.#input = input;
  }

  find(runId: string): FollowedRun | undefined {
    return this.#byId.get(runId);
  }

  of(sessionId: string): FollowedRun[] {
    return [...this.#byId.values()].filter((run) => run.sessionId === sessionId);
  }

  /** `refused`: why nothing can be started any more. */
  follow(init: RunInit, refused: SbxError | undefined): Run {
    const run = new Run(init, {
      onNumber: (of, number) => this.#byNumber.set(number, of),
      onEvent: this.#input.onEvent,
      onOver: (of) => this.#forget(of),
    });
    // Aborted before it began.
    if (run.isOver) return run;
    if (refused) run.fail(refused);
    else if (this.#byId.has(run.runId)) {
      run.fail(
        new SbxError('run-exists', `this client follows the run \`${run.runId}\` already`, {
          help: 'use the handle that is there, or another client',
        }),
      );
    } else {
      this.#byId.set(run.runId, run);
      this.#bindSoon(run);
    }
    return run;
  }

  bind(connection: Connection): void {
    for (const run of this.#byId.values()) run.bind(connection);
  }

  unbind(): void {
    for (const run of this.#byId.values()) run.unbind();
  }

  fail(error: SbxError): void {
    for (const run of [...this.#byId.values()]) run.fail(error);
    this.#byNumber.clear();
  }

  /** At once where there is a connection, so that requests keep the order in which they were made. */
  #bindSoon(run: FollowedRun): void {
    const connection = this.#input.connection();
    if (connection) run.bind(connection);
    else
      this.#input.connected().then(
        (restored) => run.bind(restored),
        (error: SbxError) => run.fail(error),
      );
  }

  #forget(run: FollowedRun): void {
    if (this.#byId.get(run.runId) !== run) return;
    this.#byId.delete(run.runId);
    for (const [number, of] of this.#byNumber) if (of === run) this.#byNumber.delete(number);
    this.#input.onOver(run);
  }
}
