/**
 * Carries a client's stdin into a command and acknowledges what the command took. At most one window of bytes waits
 * here whatever the command does; a client that ignores the window is told so. Attack it stands against: input in
 * single bytes, each of which would cost hundreds while it waits.
 */
import type { Writable } from 'node:stream';
import { limits } from '../../client/protocol/limits.ts';

/** Payloads below this are joined while they wait. */
const smallBytes = 4 * 1024;
const slabBytes = 16 * 1024;

export class StdinGate {
  readonly #acknowledge: (bytes: number) => void;
  #target: Writable | undefined;
  /** Waits its turn; the slab's part is the newest. */
  #waiting: Buffer[] = [];
  #slab: { readonly bytes: Buffer; from: number; to: number } | undefined;
  #isWriting = false;
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
    if (payload.length === 0) return true;
    this.#received += payload.length;
    if (this.#target && !this.#isWriting) this.#write(payload);
    else this.#keep(payload);
    return true;
  }

  /** No more will come: the command sees the end of its input after what is waiting. */
  end(): void {
    this.#ended = true;
    this.#writeNext();
  }

  attach(target: Writable): void {
    this.#target = target;
    // EPIPE: the command closed its input or ended; what still comes has nowhere to go.
    target.on('error', () => this.#close());
    target.on('close', () => this.#close());
    this.#writeNext();
  }

  /** The frame's memory belongs to the socket's read buffer, so it is copied. */
  #keep(payload: Buffer): void {
    if (payload.length >= smallBytes) {
      this.#sealSlab();
      this.#waiting.push(Buffer.from(payload));
      return;
    }
    if (this.#slab && this.#slab.to + payload.length > slabBytes) {
      this.#sealSlab();
      this.#slab = undefined;
    }
    this.#slab ??= { bytes: Buffer.allocUnsafeSlow(slabBytes), from: 0, to: 0 };
    this.#slab.bytes.set(payload, this.#slab.to);
    this.#slab.to += payload.length;
  }

  #sealSlab(): void {
    const slab = this.#slab;
    if (!slab || slab.from === slab.to) return;
    this.#waiting.push(slab.bytes.subarray(slab.from, slab.to));
    slab.from = slab.to;
  }

  #writeNext(): void {
    if (!this.#target || this.#isWriting || this.#closed) return;
    if (this.#waiting.length === 0) this.#sealSlab();
    const next = this.#waiting.shift();
    if (next) this.#write(next);
    else if (this.#ended) this.#target.end();
  }

  #write(payload: Buffer): void {
    this.#isWriting = true;
    this.#target?.write(payload, () => {
      this.#isWriting = false;
      if (this.#closed) return;
      this.#taken += payload.length;
      this.#acknowledge(this.#taken);
      this.#writeNext();
    });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#slab = undefined;
    // Lets a client that waits for room go on to its end.
    this.#acknowledge(this.#received);
  }
}
