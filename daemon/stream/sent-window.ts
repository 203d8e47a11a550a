/** What one viewer has been sent and has not acknowledged: bounded in bytes and in messages. */
import { Fifo } from './fifo.ts';

interface Sent {
  /** Number after the message: acknowledged when the client has dealt with everything below it. */
  readonly endSeq: number;
  readonly bytes: number;
}

export class SentWindow {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  readonly #largestBytes: number;
  readonly #sent = new Fifo<Sent>();
  #bytes = 0;

  /** `largestBytes`: of an output frame. Only an event may be larger than what is left, and only when nothing else waits. */
  constructor(options: { maxBytes: number; maxMessages: number; largestBytes: number }) {
    this.#maxBytes = options.maxBytes;
    this.#maxMessages = options.maxMessages;
    this.#largestBytes = options.largestBytes;
  }

  get hasRoom(): boolean {
    if (this.#sent.length === 0) return true;
    return this.#bytes + this.#largestBytes <= this.#maxBytes && this.#sent.length < this.#maxMessages;
  }

  add(endSeq: number, bytes: number): void {
    this.#sent.push({ endSeq, bytes });
    this.#bytes += bytes;
  }

  acknowledge(seq: number): void {
    for (let sent = this.#sent.first; sent && sent.endSeq <= seq; sent = this.#sent.first) {
      this.#sent.shift();
      this.#bytes -= sent.bytes;
    }
  }
}
