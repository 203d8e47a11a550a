/**
 * One viewer's way through a run's sequence: from memory, from a file, over a gap. It is sent every number once and in
 * order, at most a window ahead of what it acknowledged, and nothing while its connection is full; how slow it is is
 * nobody else's matter.
 */
import type { Gap } from '../../client/protocol/events.ts';
import { frameHeaderBytes } from '../../client/protocol/frames.ts';
import type { BlockReader } from './block.ts';
import type { KeptEvents } from './kept-events.ts';
import type { Offsets, Ring } from './ring.ts';
import { SentWindow } from './sent-window.ts';
import type { Spill } from './spill.ts';

/** One connection. */
export interface Sink {
  /** It is open and has less unsent than its high-water mark. */
  readonly canTake: boolean;
  /** A string goes as a text frame, a Buffer as a binary one. */
  readonly send: (message: string | Buffer) => void;
}

/** What a viewer sees of its run. */
export interface ViewedLog {
  readonly runId: string;
  readonly ring: Ring;
  readonly events: KeptEvents;
  readonly spill: Spill;
  /** Output from here on is held; of what lies before only the events are. */
  readonly heldFrom: { readonly seq: number; readonly total: number; readonly offsets: Offsets };
  readonly windowBytes: number;
  readonly windowMessages: number;
  readonly largestFrameBytes: number;
  /** It was woken, has acknowledged, or has read: what it needs and can take may be different now. */
  readonly changed: () => void;
  readonly detached: (viewer: Viewer) => void;
  /** A block could not be read. */
  readonly lose: (belowSeq: number) => void;
}

export class Viewer {
  readonly #log: ViewedLog;
  readonly #sink: Sink;
  readonly #window: SentWindow;
  /** The next number to send. */
  #cursor: number;
  #acked: number;
  /** Output bytes before the cursor; undefined when it came back with a number from a place that is not in memory. */
  #total: number | undefined;
  #block: BlockReader | undefined;
  #readingBytes = 0;
  #isStarted = false;
  #isDetached = false;
  #isSending = false;

  constructor(log: ViewedLog, sink: Sink, fromSeq: number) {
    this.#log = log;
    this.#sink = sink;
    this.#window = new SentWindow({
      maxBytes: log.windowBytes,
      maxMessages: log.windowMessages,
      largestBytes: log.largestFrameBytes,
    });
    this.#cursor = fromSeq;
    this.#acked = fromSeq;
    this.#total = this.#findTotal(fromSeq);
  }

  get ackedSeq(): number {
    return this.#acked;
  }

  get cursor(): number {
    return this.#cursor;
  }

  get total(): number | undefined {
    return this.#total;
  }

  /** Memory beside what all viewers share: the block it is in, or the one that is being read for it. */
  get blockBytes(): number {
    return this.#readingBytes + (this.#block?.bytes ?? 0);
  }

  get canTake(): boolean {
    return this.#isStarted && !this.#isDetached && this.#window.hasRoom && this.#sink.canTake;
  }

  /** Everything was sent and acknowledged. */
  get isCaughtUp(): boolean {
    return this.#acked === this.#log.ring.nextSeq;
  }

  /**
   * The sink may take more. Sends nothing before the first call; afterwards to be called whenever `canTake` of the sink
   * has become true, also for a viewer that has been sent everything: the command may be waiting for it.
   */
  wake(): void {
    if (this.#isDetached) return;
    this.#isStarted = true;
    this.follow();
    this.#log.changed();
  }

  /**
   * The client has dealt with everything below `seq`. False when that is more than it was sent, a fault of the client;
   * a number that goes back is ignored.
   */
  ack(seq: number): boolean {
    if (seq > this.#cursor) return false;
    if (seq <= this.#acked || this.#isDetached) return true;
    this.#acked = seq;
    this.#window.acknowledge(seq);
    this.follow();
    this.#log.changed();
    return true;
  }

  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#block = undefined;
    this.#log.detached(this);
  }

  /** Sends what can be sent, without telling the log. */
  follow(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#cursor < this.#log.ring.nextSeq && this.canTake) {
        if (!this.#sendNext()) return;
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** False: a file has to be read first. */
  #sendNext(): boolean {
    const { ring, events, heldFrom } = this.#log;
    const seq = this.#cursor;
    const entry = ring.get(seq);
    if (entry) {
      this.#block = undefined;
      this.#send(entry.message, seq + 1, entry.total + entry.payloadBytes);
      return true;
    }
    const event = events.next(seq);
    if (event?.seq === seq) {
      this.#send(event.text, seq + 1, event.total);
      return true;
    }
    if (this.#block && seq < this.#block.endSeq) {
      const record = this.#block.take(seq);
      if (record) {
        this.#send(record.frame, seq + 1, record.total + this.#payloadOf(record.frame));
        return true;
      }
    }
    this.#block = undefined;
    // What is being read may have given way meanwhile; it is still good.
    if (this.#readingBytes > 0) return false;
    if (seq < heldFrom.seq) {
      const end = event && event.seq < heldFrom.seq ? event : heldFrom;
      this.#sendGap(end.seq, end.total, end.offsets);
      return true;
    }
    this.#read(seq);
    return false;
  }

  #payloadOf(frame: Buffer): number {
    return frame.length - frameHeaderBytes;
  }

  #send(message: string | Buffer, endSeq: number, total: number): void {
    this.#cursor = endSeq;
    this.#total = total;
    this.#window.add(endSeq, message.length);
    this.#sink.send(message);
  }

  #sendGap(toSeq: number, total: number, offsets: Offsets): void {
    const gap: Gap = {
      runId: this.#log.runId,
      fromSeq: this.#cursor,
      toSeq,
      ...(this.#total === undefined ? {} : { bytes: total - this.#total }),
      offsets: { ...offsets },
    };
    this.#send(JSON.stringify({ jsonrpc: '2.0', method: 'run.gap', params: gap }), toSeq, total);
  }

  #read(seq: number): void {
    const place = this.#log.spill.find(seq);
    if (!place) return;
    this.#readingBytes = place.length;
    place.read().then(
      (block) => {
        this.#readingBytes = 0;
        if (this.#isDetached) return;
        this.#block = block;
        this.follow();
        this.#log.changed();
      },
      () => {
        this.#readingBytes = 0;
        this.#log.lose(place.endSeq);
        this.follow();
        this.#log.changed();
      },
    );
  }

  /** In the middle of a block it is found out when that is read. */
  #findTotal(seq: number): number | undefined {
    const { ring, events, spill } = this.#log;
    if (seq === 0) return 0;
    if (seq === ring.nextSeq) return ring.total;
    return (ring.get(seq) ?? events.find(seq))?.total ?? spill.startTotal(seq);
  }
}
