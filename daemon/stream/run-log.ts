/**
 * The one ordered sequence of a run: every event and every chunk of output gets the next number, and its viewer sees
 * them in that order. Offsets count the bytes of each stream.
 */
import type { StreamName } from '../../client/protocol/frames.ts';
import { limits } from '../../client/protocol/limits.ts';
import type { RunEvent } from '../../client/protocol/messages.ts';

export type OutputStream = Exclude<StreamName, 'stdin'>;

export interface Viewer {
  readonly sendEvent: (runId: string, seq: number, event: RunEvent) => void;
  readonly sendOutput: (stream: OutputStream, run: number, seq: number, offset: number, payload: Buffer) => void;
}

export class RunLog {
  readonly #runId: string;
  readonly #run: number;
  readonly #viewer: Viewer;
  readonly #offsets: Record<OutputStream, number> = { stdout: 0, stderr: 0, pty: 0 };
  #seq = 0;

  constructor(runId: string, run: number, viewer: Viewer) {
    this.#runId = runId;
    this.#run = run;
    this.#viewer = viewer;
  }

  get outputBytes(): number {
    return this.#offsets.stdout + this.#offsets.stderr + this.#offsets.pty;
  }

  append(event: RunEvent): void {
    this.#viewer.sendEvent(this.#runId, this.#seq++, event);
  }

  appendOutput(stream: OutputStream, bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += limits.maxPayloadBytes) {
      const payload = bytes.subarray(from, from + limits.maxPayloadBytes);
      this.#viewer.sendOutput(stream, this.#run, this.#seq++, this.#offsets[stream], payload);
      this.#offsets[stream] += payload.length;
    }
  }
}
