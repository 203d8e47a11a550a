/**
 * A client that checks what it is sent as it comes: numbers without a hole except those that a gap announces, bytes that
 * are those of their place in their stream, gaps that say exactly what is missing.
 */
import assert from 'node:assert/strict';
import { gapSchema, type RunEvent, runEventNotificationSchema } from '../../../client/protocol/events.ts';
import { decodeFrame, type Frame } from '../../../client/protocol/frames.ts';
import type { OutputStream, RunLog, Viewer } from '../../../daemon/stream/run-log.ts';

/** The byte that every test puts at this place of a stream. */
export function byteAt(stream: OutputStream, offset: number): number {
  return (offset * 31 + (offset >>> 8) * 7 + stream.length * 13) & 0xff;
}

export function outputFrom(stream: OutputStream, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = byteAt(stream, offset + index);
  return bytes;
}

const zero = { stdout: 0, stderr: 0, pty: 0 };

export class RecordingClient {
  /** The connection has room. */
  isOpen = true;
  nextSeq: number;
  readonly events: { seq: number; event: RunEvent }[] = [];
  readonly gaps: { fromSeq: number; toSeq: number; bytes: number | undefined }[] = [];
  received = 0;
  /** Where each stream is; undefined until it is known for a client that came in the middle. */
  offsets: Record<OutputStream, number> | undefined;
  viewer: Viewer;
  #unacknowledged: Frame[] = [];
  /** Called for each message: number and content must be the same for every client. */
  readonly #onMessage: (seq: number, content: string) => void;

  constructor(log: RunLog, fromSeq: number, options: { onMessage?: (seq: number, content: string) => void } = {}) {
    this.nextSeq = fromSeq;
    this.offsets = fromSeq === 0 ? { ...zero } : undefined;
    this.#onMessage = options.onMessage ?? (() => undefined);
    const client = this;
    this.viewer = log.attach(
      {
        get canTake() {
          return client.isOpen;
        },
        send: (message) => client.#receive(message),
      },
      fromSeq,
    );
  }

  /** The same client comes back on another connection. */
  reattach(log: RunLog): void {
    const client = this;
    this.viewer = log.attach(
      {
        get canTake() {
          return client.isOpen;
        },
        send: (message) => client.#receive(message),
      },
      this.nextSeq,
    );
  }

  ack(seq = this.nextSeq): boolean {
    this.checkUnacknowledged();
    this.#unacknowledged = this.#unacknowledged.filter((frame) => frame.seq >= seq);
    return this.viewer.ack(seq);
  }

  /** What was sent and not acknowledged may still wait in a socket: it must not have changed, even after a detach. */
  checkUnacknowledged(): void {
    for (const { stream, offset, payload } of this.#unacknowledged) {
      assert.deepEqual(
        payload,
        outputFrom(stream as OutputStream, offset, payload.length),
        'changed after it was sent',
      );
    }
  }

  #receive(message: string | Buffer): void {
    assert.ok(this.isOpen, 'sent to a full connection');
    if (typeof message !== 'string') {
      const frame = decodeFrame(message);
      assert.ok(frame && frame.stream !== 'stdin');
      this.#unacknowledged.push(frame);
      this.#onMessage(frame.seq, `${frame.stream} ${frame.offset} ${frame.payload.length}`);
      assert.equal(frame.seq, this.nextSeq++);
      assert.deepEqual(frame.payload, outputFrom(frame.stream, frame.offset, frame.payload.length));
      if (this.offsets) {
        assert.equal(frame.offset, this.offsets[frame.stream]);
        this.offsets[frame.stream] += frame.payload.length;
      }
      this.received += frame.payload.length;
      return;
    }
    const { method, params } = JSON.parse(message) as { method: string; params: unknown };
    if (method === 'run.event') {
      const { seq, event } = runEventNotificationSchema.parse(params);
      this.#onMessage(seq, message);
      assert.equal(seq, this.nextSeq++);
      this.events.push({ seq, event });
      return;
    }
    assert.equal(method, 'run.gap');
    const { fromSeq, toSeq, bytes, offsets } = gapSchema.parse(params);
    assert.equal(fromSeq, this.nextSeq);
    assert.ok(toSeq > fromSeq);
    if (this.offsets) {
      const sum = (at: typeof offsets): number => at.stdout + at.stderr + at.pty;
      assert.equal(bytes, sum(offsets) - sum(this.offsets));
    }
    this.gaps.push({ fromSeq, toSeq, bytes });
    this.nextSeq = toSeq;
    this.offsets = { ...offsets };
  }
}
