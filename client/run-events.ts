/**
 * What an iterator over a run yields: the events of the wire with their number, output with its text, and gaps. Text is
 * whole: a character that was cut between two frames belongs to the event in which it ends.
 */
import type { Gap, RunEvent } from './protocol/events.ts';
import type { Frame } from './protocol/frames.ts';

type Numbered<Event> = Event extends unknown ? Readonly<Event> & { readonly seq: number } : never;

export type OutputStream = 'stdout' | 'stderr' | 'pty';

/** Output that the daemon no longer held when this client came for it. */
export interface GapEvent {
  readonly type: 'gap';
  /** First event number that is missing, and the next one that is not. */
  readonly seq: number;
  readonly toSeq: number;
  /** Absent when only the daemon's side of it is known. */
  readonly bytes?: number;
}

/** How many bytes at the end are the beginning of a character that goes on in the next frame. Source: RFC 3629 */
function countUnfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80 || byte >= 0xf5) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** Bytes of an unfinished character, and where in the stream the next ones are expected. */
interface Carry {
  readonly bytes: Buffer;
  readonly end: number;
}

const nothing = Buffer.alloc(0);

export class OutputEvent {
  readonly type = 'output';
  readonly seq: number;
  readonly stream: OutputStream;
  /** Bytes of this stream before these. */
  readonly offset: number;
  readonly bytes: Buffer;
  readonly #carried: Carry | undefined;

  constructor(frame: Frame, stream: OutputStream, carried: Carry | undefined) {
    this.seq = frame.seq;
    this.stream = stream;
    this.offset = frame.offset;
    this.bytes = frame.payload;
    this.#carried = carried;
  }

  get #whole(): Buffer {
    const carried = this.#carried;
    return carried && carried.bytes.length > 0 && carried.end === this.offset
      ? Buffer.concat([carried.bytes, this.bytes])
      : this.bytes;
  }

  /**
   * The bytes as UTF-8, without a character that goes on in the next event and with one that began in the last. An
   * unfinished character at the very end of a stream is in `bytes` only.
   */
  get text(): string {
    const whole = this.#whole;
    const text = whole.toString('utf8', 0, whole.length - countUnfinished(whole));
    const isCut = this.#carried && this.#carried.bytes.length > 0 && this.#carried.end !== this.offset;
    return isCut ? `\ufffd${text}` : text;
  }

  /** What the next event of this stream has to know. */
  get carry(): Carry {
    const whole = this.#whole;
    const unfinished = countUnfinished(whole);
    return {
      // A copy: a view would keep the whole frame alive.
      bytes: unfinished === 0 ? nothing : Buffer.from(whole.subarray(whole.length - unfinished)),
      end: this.offset + this.bytes.length,
    };
  }
}

export type RunStreamEvent = Numbered<RunEvent> | OutputEvent | GapEvent;

/** Makes events of what the wire brought, in order. */
export class EventMaker {
  readonly #carry = new Map<OutputStream, Carry>();

  output(frame: Frame): OutputEvent {
    const stream = frame.stream as OutputStream;
    const event = new OutputEvent(frame, stream, this.#carry.get(stream));
    this.#carry.set(stream, event.carry);
    return event;
  }

  gap({ fromSeq, toSeq, bytes }: Pick<Gap, 'fromSeq' | 'toSeq' | 'bytes'>): GapEvent {
    return { type: 'gap', seq: fromSeq, toSeq, ...(bytes === undefined ? {} : { bytes }) };
  }
}
