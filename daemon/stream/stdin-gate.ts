/**
 * Carries a client's stdin into a command and acknowledges what the command took. At most one window of bytes waits
 * here whatever the command does; a client that ignores the window is told so.
 */
import type { Writable } from 'node:stream';
import { limits } from '../../client/protocol/limits.ts';

export class StdinGate {
  readonly #acknowledge: (bytes: number) => void;
  #target: Writable | undefined;
  #waiting: Buffer[] = [];
  #received = 0;
  #taken = 0;
  #ended = false;
  #closed = false;

  constructor(acknowledge: (bytes: number) => void) {
    this.#acknowledge = acknowledge;
  }

  /** Bytes that the command has taken. */
  get takenBytes(): number {
    return this.#closed ? this.#received : this.#taken;
  }

  /** Bytes that have come, taken or not: where a writer goes on. */
  get receivedBytes(): number {
    return this.#received;
  }

  /** False when the bytes are out of order or over the window: a fault of the client. */
  receive(offset: number, payload: Buffer): boolean {
    if (this.#closed) return true;
    if (this.#ended || offset !== this.#received) return false;
    if (this.#received + payload.length - this.#taken > limits.stdinWindowBytes) return false;
    this.#received += payload.length;
    if (this.#target) this.#write(payload);
    // The frame's memory belongs to the socket's read buffer.
    else this.#waiting.push(Buffer.from(payload));
    return true;
  }

  /** No more will come: the command sees the end of its input after what is waiting. */
  end(): void {
    this.#ended = true;
    if (this.#target && !this.#closed) this.#target.end();
  }

  attach(target: Writable): void {
    this.#target = target;
    // EPIPE: the command closed its input or ended; what still comes has nowhere to go.
    target.on('error', () => this.#close());
    target.on('close', () => this.#close());
    for (const payload of this.#waiting) this.#write(payload);
    this.#waiting = [];
    if (this.#ended) target.end();
  }

  #write(payload: Buffer): void {
    this.#target?.write(payload, () => {
      this.#taken += payload.length;
      this.#acknowledge(this.#taken);
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    // Lets a client that waits for room go on to its end.
    this.#acknowledge(this.#received);
  }
}
