/** `sbx logs`: what a run has put out so far, and with `--follow` what comes until it ends. The run is left alone. */
import type { Connection } from '../connection.ts';
import type { Decision } from '../protocol/decision.ts';
import { SbxError } from '../protocol/errors.ts';
import type { RunEvent, Violation } from '../protocol/events.ts';
import type { RunInfo } from '../protocol/messages.ts';
import type { Caller } from './caller.ts';
import { statuses, statusOfExit, statusOfSignal } from './exit-status.ts';
import { findRun } from './find-run.ts';
import { formatEnd, formatViolations } from './report.ts';
import { RunView } from './run-view.ts';
import { Tail } from './tail.ts';

export interface LogsWish {
  readonly follow: boolean;
  readonly json: boolean;
  /** Lines of what was there before; undefined for all of it. */
  readonly tail: number | undefined;
}

class LogReader {
  /** The exit status. Never rejects. */
  readonly ended: Promise<number>;
  readonly #connection: Connection;
  readonly #info: RunInfo;
  readonly #follow: boolean;
  readonly #view: RunView;
  readonly #violations: Violation[] = [];
  #decision: Decision | undefined;
  #over = false;
  #end: (status: number) => void = () => undefined;

  constructor(connection: Connection, info: RunInfo, { follow, json, tail }: LogsWish) {
    this.#connection = connection;
    this.#info = info;
    this.#follow = follow;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#view = new RunView({
      json,
      acknowledge: (seq) => connection.acknowledge(info.runId, seq),
      onBroken: ({ code }) => this.#finish(code === 'EPIPE' ? statuses.brokenPipe : statuses.failed),
    });
    const past = tail === undefined ? undefined : new Tail({ lines: tail, until: info.nextSeq }, this.#view);
    const shown = past ?? this.#view;
    connection.listen({
      onEvent: ({ seq, event }) => {
        past?.skipEvent(seq);
        this.#view.showEvent(seq, event);
        this.#receive(event);
        this.#reach(seq);
      },
      onOutput: (frame) => {
        shown.showFrame(frame);
        this.#reach(frame.seq);
      },
      onGap: (gap) => {
        shown.showGap(gap);
        this.#reach(gap.toSeq - 1);
      },
      onLost: () =>
        this.#fail(
          new SbxError('daemon-lost', 'the connection to the daemon was lost', { help: 'sbx ps says what still runs' }),
        ),
    });
  }

  read(): void {
    const { runId, nextSeq } = this.#info;
    if (nextSeq === 0 && !this.#follow) {
      this.#finish(0);
      return;
    }
    this.#connection.request('run.attach', { runId, fromSeq: 0 }).catch((error) => this.#fail(error));
  }

  leave(name: NodeJS.Signals): void {
    this.#over = true;
    // Whoever reads our output may have stalled for good.
    this.#end(statusOfSignal(name));
  }

  #receive(event: RunEvent): void {
    if (event.type === 'decided') this.#decision = event.decision;
    else if (event.type === 'violation') this.#violations.push(event.violation);
    else if (event.type === 'exited') {
      const status = statusOfExit(event.exit);
      for (const line of formatViolations(this.#violations, status)) this.#view.say(line);
      for (const line of formatEnd(event.exit, this.#decision, false)) this.#view.say(line);
      this.#finish(this.#follow ? status : 0);
    }
  }

  /** Where it was when we came is the end, unless more is wanted. */
  #reach(seq: number): void {
    if (!this.#follow && seq >= this.#info.nextSeq - 1) this.#finish(0);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#view.sayError(error);
    this.#finish(statuses.failed);
  }

  #finish(status: number): void {
    if (this.#over) return;
    this.#over = true;
    void this.#view.flush().then(() => {
      this.#connection.close();
      this.#end(status);
    });
  }
}

/** The exit status. @throws {SbxError} */
export async function showRunLogs(caller: Caller, name: string, wish: LogsWish): Promise<number> {
  const { connection, info } = await findRun(caller, 'sbx logs', name);
  const reader = new LogReader(connection, info, wish);
  process.on('SIGINT', () => reader.leave('SIGINT'));
  reader.read();
  return reader.ended;
}
