/**
 * stdin of one run across connections: bytes are numbered from the start of the run and kept until the command has taken
 * them, so that after a cut they go on where the daemon's count ends. Never further ahead than the protocol's window.
 */
import { SbxError } from './protocol/errors.ts';
import { limits } from './protocol/limits.ts';

/** Anything that bytes can be read from; text is sent as UTF-8. */
export type InputSource = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

export interface InputLink {
  readonly send: (offset: number, payload: Buffer) => void;
  readonly close: () => void;
}

interface Chunk {
  readonly offset: number;
  readonly bytes: Buffer;
  /** Its last byte is on its way. */
  readonly sent: () => void;
  readonly refuse: (error: SbxError) => void;
}

/** A copy, which the caller may not change any more. */
function copyBytes(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data, 'utf8') : Buffer.from(data);
}

export class RunInput {
  /** Bytes that another writer of this run had sent before; unknown until the daemon has said it. */
  #base: number | undefined;
  #accepted = 0;
  #sent = 0;
  #taken = 0;
  #chunks: Chunk[] = [];
  /** Index of the first chunk that is not, or not wholly, on its way. */
  #unsent = 0;
  #closeAsked = false;
  #link: InputLink | undefined;
  #running = false;
  #closing = false;
  #lastByte = 0x0a;
  #over: SbxError | undefined;
  #source: AsyncIterator<string | Uint8Array> | Iterator<string | Uint8Array> | undefined;

  /** `continues`: the run was there before, and so perhaps was its input. */
  constructor(continues: boolean) {
    this.#base = continues ? undefined : 0;
  }

  /** The last byte that was written; a line feed before the first. */
  get lastByte(): number {
    return this.#lastByte;
  }

  /** Resolves when the bytes are on their way. @throws {SbxError} `run-ended`, or why the run is lost */
  write(data: string | Uint8Array): Promise<void> {
    const bytes = copyBytes(data);
    const written = new Promise<void>((resolve, reject) => {
      if (this.#over) reject(this.#over);
      else if (this.#closing) reject(new SbxError('run-ended', 'the input of this run was closed'));
      else if (bytes.length === 0) resolve();
      else this.#accept(bytes, resolve, reject);
    });
    // A caller who does not wait for it does not want to hear of it.
    written.catch(() => undefined);
    return written;
  }

  #accept(bytes: Buffer, sent: () => void, refuse: (error: SbxError) => void): void {
    this.#lastByte = bytes.at(-1) ?? this.#lastByte;
    for (let at = 0; at < bytes.length; at += limits.maxPayloadBytes) {
      const payload = bytes.subarray(at, at + limits.maxPayloadBytes);
      const isLast = at + payload.length === bytes.length;
      const ignore = () => undefined;
      this.#chunks.push({
        offset: this.#accepted,
        bytes: payload,
        sent: isLast ? sent : ignore,
        refuse: isLast ? refuse : ignore,
      });
      this.#accepted += payload.length;
    }
    this.#flush();
  }

  /** Writes all of it and then ends the input. @throws what the source throws */
  async writeAll(source: InputSource, end: () => void): Promise<void> {
    if (typeof source === 'string' || source instanceof Uint8Array) {
      void this.write(source);
      end();
      return;
    }
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    while (!this.#over) {
      const { value, done } = await this.#source.next();
      if (this.#over) return;
      if (done) break;
      try {
        await this.write(value);
      } catch {
        return;
      }
    }
    if (!this.#over) end();
  }

  close(): void {
    this.#closing = true;
    this.#flush();
  }

  /** The command runs: nothing is read from a caller's stream for one that is refused. */
  start(): void {
    this.#running = true;
    this.#flush();
  }

  /** On a new connection. `received`: bytes that the daemon has, from the start of the run. */
  resume(received: number, link: InputLink): void {
    this.#base ??= received;
    const sent = Math.max(0, received - this.#base);
    this.#sent = sent;
    const unsent = this.#chunks.findIndex(({ offset, bytes }) => offset + bytes.length > sent);
    this.#unsent = unsent < 0 ? this.#chunks.length : unsent;
    this.#closeAsked = false;
    this.#link = link;
    this.#flush();
  }

  pause(): void {
    this.#link = undefined;
  }

  /** `bytes`: taken by the command since the start of the run. */
  acknowledge(bytes: number): void {
    this.#taken = Math.max(this.#taken, bytes - (this.#base ?? bytes));
    const kept = this.#chunks.findIndex(({ offset, bytes }) => offset + bytes.length > this.#taken);
    const done = this.#chunks.splice(0, kept < 0 ? this.#chunks.length : kept);
    for (const { sent } of done) sent();
    this.#unsent = Math.max(0, this.#unsent - done.length);
    this.#flush();
  }

  stop(error: SbxError): void {
    if (this.#over) return;
    this.#over = error;
    this.#link = undefined;
    for (const chunk of this.#chunks) chunk.refuse(error);
    this.#chunks = [];
    void Promise.resolve(this.#source?.return?.()).catch(() => undefined);
  }

  #flush(): void {
    const link = this.#link;
    if (!link || !this.#running || this.#over) return;
    for (let chunk = this.#chunks[this.#unsent]; chunk; chunk = this.#chunks[++this.#unsent]) {
      const { offset, bytes, sent } = chunk;
      const end = offset + bytes.length;
      if (end - this.#taken > limits.stdinWindowBytes) return;
      // The daemon may have the beginning of it.
      const from = Math.max(offset, this.#sent);
      link.send((this.#base ?? 0) + from, bytes.subarray(from - offset));
      this.#sent = end;
      sent();
    }
    if (!this.#closing || this.#closeAsked || this.#sent < this.#accepted) return;
    this.#closeAsked = true;
    link.close();
  }
}
