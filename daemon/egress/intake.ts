/**
 * The reading side of a socket, handed from one reader to the next without losing a byte: what comes while nobody reads is
 * held, and beyond a bound the peer has to wait. No reader sees bytes that belong to the next.
 */
import type { Socket } from 'node:net';

export interface Reader {
  /** Undefined when all of it was taken and more is wanted; else this reader is done, and these bytes are the next one's. */
  readonly take: (bytes: Buffer) => Buffer | undefined;
  /** No more will come: the peer said so, or (`broken`) the connection is gone. Not called after this reader was done. */
  readonly end: (broken: boolean) => void;
}

const nothing = Buffer.alloc(0);

export class Intake {
  readonly socket: Socket;
  readonly #maxHeldBytes: number;
  #held: Buffer = nothing;
  #reader: Reader | undefined;
  #state: 'open' | 'ended' | 'broken' = 'open';
  #isHolding = false;

  constructor(socket: Socket, maxHeldBytes: number) {
    this.socket = socket;
    this.#maxHeldBytes = maxHeldBytes;
    // A connection that breaks is told by 'close', which always follows.
    socket.on('error', () => {});
    socket.on('end', () => this.#confirmEnd());
    socket.on('close', () => this.#finish('broken'));
    socket.on('data', (bytes: Buffer) => this.#offer(bytes));
    if (socket.destroyed) this.#state = 'broken';
  }

  /** Whether the peer can send no more. */
  get isOver(): boolean {
    return this.#state !== 'open';
  }

  get isBroken(): boolean {
    return this.#state === 'broken';
  }

  /** Bytes that nobody has read yet. */
  get held(): Buffer {
    return this.#held;
  }

  /** From here on `reader` gets the bytes, those held first and at once. */
  read(reader: Reader): void {
    this.#reader = reader;
    const held = this.#held;
    this.#held = nothing;
    if (held.length > 0) this.#offer(held);
    if (this.#isHolding && this.#held.length <= this.#maxHeldBytes) {
      this.#isHolding = false;
      this.socket.resume();
    }
    if (this.#state !== 'open') this.#end();
  }

  /** Takes the bytes from the reader; they are held. */
  stop(): void {
    this.#reader = undefined;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isHolding) this.socket.resume();
  }

  #offer(bytes: Buffer): void {
    const reader = this.#reader;
    const rest = reader === undefined ? bytes : reader.take(bytes);
    if (rest === undefined) return;
    // It may already have handed over to the next one, which then left nothing for it to read.
    if (this.#reader === reader) this.#reader = undefined;
    if (rest.length === 0) return;
    this.#held = this.#held.length === 0 ? rest : Buffer.concat([this.#held, rest]);
    if (this.#held.length <= this.#maxHeldBytes || this.#isHolding) return;
    this.#isHolding = true;
    this.socket.pause();
  }

  /**
   * libuv tells a reset right behind the last bytes as an orderly end (`uv__stream_io`, the case of POLLHUP after a partial
   * read). Writing nothing finds it: the kernel still holds the error. A write that is waiting finds it as well.
   */
  #confirmEnd(): void {
    const { socket } = this;
    if (!socket.writable || socket.writableLength > 0 || 'encrypted' in socket) {
      this.#finish('ended');
      return;
    }
    socket.write(nothing, (error) => {
      if (!error) this.#finish('ended');
    });
  }

  #finish(state: 'ended' | 'broken'): void {
    if (this.#state === 'broken') return;
    this.#state = state;
    this.#end();
  }

  #end(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.end(this.#state === 'broken');
  }
}
