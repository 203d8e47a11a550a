/** What a client and the runs that it follows know of each other. */
import type { Connection } from './connection.ts';
import type { SbxError } from './protocol/errors.ts';
import type { Gap, RunEvent } from './protocol/events.ts';
import type { Frame } from './protocol/frames.ts';
import type { Beginning } from './run-follower.ts';
import type { InputSource } from './run-input.ts';
import type { FollowOptions } from './run-options.ts';

/** A run as its client sees it: where to bring what the connection brings. */
export interface FollowedRun {
  readonly runId: string;
  readonly sessionId: string | undefined;
  readonly isBackground: boolean;
  readonly options: FollowOptions;
  /** Nothing more comes of it. */
  readonly isOver: boolean;
  /** On every new connection to the same daemon. */
  bind(connection: Connection): void;
  unbind(): void;
  /** Its end will not be known. */
  fail(error: SbxError): void;
  receiveEvent(seq: number, event: RunEvent): void;
  receiveOutput(frame: Frame): void;
  receiveGap(gap: Gap): void;
  receiveStdinAck(bytes: number): void;
}

/** What a run needs of its client. */
export interface RunOwner {
  readonly onNumber: (run: FollowedRun, number: number) => void;
  /** Of this run, while it is followed. */
  readonly onEvent: (run: FollowedRun, event: RunEvent) => void;
  /** Over, failed or detached: it needs no connection any more. */
  readonly onOver: (run: FollowedRun) => void;
}

export interface RunInit {
  readonly beginning: Beginning;
  readonly options: FollowOptions;
  readonly input: InputSource | undefined;
  readonly isPty: boolean;
  /** Its stdin is ours. */
  readonly canWrite: boolean;
  readonly isBackground: boolean;
  readonly sessionId: string | undefined;
}
