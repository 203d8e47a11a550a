/**
 * Shows a run's stream on our stdout and stderr, or as one JSON object a line, in the order of its sequence. To the daemon
 * it acknowledges only what those two have taken, so a reader that stalls holds up this viewer and nobody else.
 */
import { SbxError } from '../protocol/errors.ts';
import type { Gap, RunEvent } from '../protocol/events.ts';
import { type Frame, frameHeaderBytes } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { JsonLines } from './json-lines.ts';
import { Output } from './output.ts';
import { formatError, formatGap, formatTruncated } from './report.ts';

export interface RunViewOptions {
  readonly json: boolean;
  /** The daemon need not keep for us what is below `seq`. */
  readonly acknowledge: (seq: number) => void;
  /** stdout cannot be written any more; `EPIPE` when its reader is gone. */
  readonly onBroken: (error: NodeJS.ErrnoException) => void;
}

const nothing = Buffer.alloc(0);

export class RunView {
  readonly #output: Output;
  readonly #json: JsonLines | undefined;
  readonly #acknowledge: (seq: number) => void;
  /** Of the stream: what comes next. */
  #nextSeq = 0;
  #takenSeq = 0;
  #takenBytes = 0;
  #takenMessages = 0;
  readonly #remarks = new Set<string>();
  /** A terminal in raw mode does not return to the left edge at a line feed. */
  rawTerminal = false;

  constructor({ json, acknowledge, onBroken }: RunViewOptions) {
    this.#acknowledge = acknowledge;
    this.#output = new Output({ onTaken: (seq, bytes) => this.#take(seq, bytes), onBroken });
    this.#json = json ? new JsonLines((line) => this.#output.write(1, line, this.#nextSeq)) : undefined;
  }

  showFrame(frame: Frame): void {
    this.#nextSeq = frame.seq + 1;
    if (this.#json) this.#json.output(frame);
    else this.#output.write(frame.stream === 'stderr' ? 2 : 1, frame.payload, this.#nextSeq);
  }

  showEvent(seq: number, event: RunEvent): void {
    this.#nextSeq = seq + 1;
    if (this.#json) this.#json.event(seq, event);
    else if (event.type === 'truncated') this.say(formatTruncated(event.bytes));
    // At its place among the output: taken when everything before it is.
    this.#output.write(2, nothing, this.#nextSeq);
  }

  showGap(gap: Gap): void {
    this.#nextSeq = gap.toSeq;
    if (this.#json) this.#json.gap(gap);
    else this.say(formatGap(gap));
  }

  /** Dealt with, although it is not shown now or ever. */
  skip({ seq, payload }: Frame): void {
    this.#nextSeq = seq + 1;
    this.#take(this.#nextSeq, payload.length);
  }

  /** A line of sbx itself, at its place among the output. */
  say(line: string): void {
    this.#output.write(2, Buffer.from(`${line}${this.rawTerminal ? '\r\n' : '\n'}`));
  }

  /** A line of sbx itself that is worth saying once, wherever it comes from. */
  remark(line: string): void {
    if (this.#remarks.has(line)) return;
    this.#remarks.add(line);
    this.say(line);
  }

  /** A line on stdout that is not of the run's stream: as text, or for those who read JSON. */
  print(text: string, object: object): void {
    if (this.#json) this.#json.line(object);
    else this.#output.write(1, Buffer.from(`${text}\n`));
  }

  sayError(error: unknown): void {
    if (error instanceof SbxError) {
      const { code, message, help } = error;
      this.#json?.line({ type: 'error', code, message, ...(help === undefined ? {} : { help }) });
    }
    this.say(formatError(error));
  }

  /** While a question is on the terminal nothing may be drawn over it. */
  hold(): void {
    this.#output.hold();
  }

  release(): void {
    this.#output.release();
  }

  /** At our end. */
  releaseAll(): void {
    this.#output.releaseAll();
  }

  /** Resolves when everything is out, or has nowhere to go, and the daemon has been told. */
  async flush(): Promise<void> {
    await this.#output.flush();
    if (this.#takenMessages > 0) this.#tell();
  }

  #take(seq: number, bytes: number): void {
    this.#takenSeq = Math.max(this.#takenSeq, seq);
    this.#takenBytes += bytes + frameHeaderBytes;
    this.#takenMessages++;
    if (this.#takenBytes >= limits.ackEveryBytes || this.#takenMessages >= limits.ackEveryMessages) this.#tell();
  }

  #tell(): void {
    this.#takenBytes = 0;
    this.#takenMessages = 0;
    this.#acknowledge(this.#takenSeq);
  }
}
