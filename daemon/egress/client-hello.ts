/**
 * Reads the ClientHello that a TLS connection begins with, whole and by the letter of RFC 8446 §4.1.2 and §5.1, over any
 * number of records. What it says is what the client asks of the server in the open: where ECH hides another name, this is the
 * outer one. It says which host the client names, never what a server behind that name makes of the rest.
 */

export interface ClientHello {
  /** As the client wrote it; undefined when it names no host. */
  readonly sni: string | undefined;
}

/** `more`: what is there is good so far. `malformed`: no client that means it sends this. */
export type HelloAnswer = ClientHello | 'more' | 'malformed';

const handshakeRecord = 22;
const clientHelloMessage = 1;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const maxRecordBytes = 16384;
/** Clients use one or two; records of one byte each would be read from the start with every byte that comes. */
const maxRecords = 32;
const serverNameExtension = 0;
const hostNameType = 0;

/** @param bytes all that the client has sent so far. */
export function readClientHello(bytes: Buffer, maxHelloBytes: number): HelloAnswer {
  const message = joinRecords(bytes, maxHelloBytes);
  return typeof message === 'string' ? message : parseHello(message.subarray(messageHeaderBytes));
}

/** The handshake message out of its records. */
function joinRecords(bytes: Buffer, maxHelloBytes: number): Buffer | 'more' | 'malformed' {
  const parts: Buffer[] = [];
  let have = 0;
  let wanted = messageHeaderBytes;
  let at = 0;
  while (have < wanted) {
    if (bytes.length > at && bytes[at] !== handshakeRecord) return 'malformed';
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return 'malformed';
    if (bytes.length < at + recordHeaderBytes) return 'more';
    const length = bytes.readUInt16BE(at + 3);
    // RFC 8446 §5.1: no fragment of a handshake message is empty.
    if (length === 0 || length > maxRecordBytes || parts.length === maxRecords) return 'malformed';
    at += recordHeaderBytes;
    const part = bytes.subarray(at, at + length);
    parts.push(part);
    have += part.length;
    at += length;
    if (have >= messageHeaderBytes && wanted === messageHeaderBytes) {
      const start = parts.length === 1 ? part : Buffer.concat(parts);
      if (start[0] !== clientHelloMessage) return 'malformed';
      wanted = messageHeaderBytes + start.readUIntBE(1, 3);
      if (wanted > maxHelloBytes) return 'malformed';
    } else if (parts[0]?.[0] !== clientHelloMessage && have > 0) return 'malformed';
    if (part.length < length) return have > wanted ? 'malformed' : 'more';
  }
  // A second message in the same record would be read by the server and not by us.
  return have === wanted ? Buffer.concat(parts) : 'malformed';
}

function parseHello(body: Buffer): ClientHello | 'malformed' {
  const hello = new Fields(body);
  hello.skip(2 + 32);
  hello.skipVector(1);
  const suites = hello.vector(2);
  const compressions = hello.vector(1);
  if (suites === undefined || suites.length < 2 || suites.length % 2 === 1) return 'malformed';
  if (compressions === undefined || compressions.length === 0) return 'malformed';
  if (hello.isAtEnd) return { sni: undefined };
  const extensions = hello.vector(2);
  return extensions === undefined || !hello.isAtEnd ? 'malformed' : findServerName(new Fields(extensions));
}

function findServerName(extensions: Fields): ClientHello | 'malformed' {
  const seen = new Set<number>();
  let sni: string | undefined;
  while (!extensions.isAtEnd) {
    const kind = extensions.number(2);
    const data = extensions.vector(2);
    // RFC 8446 §4.2: each at most once. Of two names a server could take the other one.
    if (kind === undefined || data === undefined || seen.has(kind)) return 'malformed';
    seen.add(kind);
    if (kind !== serverNameExtension) continue;
    sni = parseServerName(data);
    if (sni === undefined) return 'malformed';
  }
  return { sni };
}

/** RFC 6066 §3: a list of names, of which there is one per type, and only one type. */
function parseServerName(data: Buffer): string | undefined {
  const extension = new Fields(data);
  const list = extension.vector(2);
  if (list === undefined || !extension.isAtEnd) return undefined;
  const entry = new Fields(list);
  const type = entry.number(1);
  const name = entry.vector(2);
  if (type !== hostNameType || name === undefined || !entry.isAtEnd) return undefined;
  return /^[\x21-\x7e]{1,255}$/.test(name.toString('latin1')) ? name.toString('latin1') : undefined;
}

/** Reads numbers and length-prefixed vectors; past the end it gives undefined, and is never at the end again. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
  }

  number(size: 1 | 2): number | undefined {
    if (this.#at + size > this.#bytes.length) {
      this.#at = Number.POSITIVE_INFINITY;
      return undefined;
    }
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  vector(lengthSize: 1 | 2): Buffer | undefined {
    const length = this.number(lengthSize);
    if (length === undefined || this.#at + length > this.#bytes.length) {
      this.#at = Number.POSITIVE_INFINITY;
      return undefined;
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  skipVector(lengthSize: 1 | 2): void {
    this.vector(lengthSize);
  }
}
