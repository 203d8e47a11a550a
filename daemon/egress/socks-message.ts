/** The two messages that a SOCKS5 client sends before its connection is one to the host (RFC 1928 §3, §4). */

export type SocksGreeting = { readonly methods: readonly number[]; readonly length: number };

export interface SocksRequest {
  readonly command: number;
  /** Dotted IPv4, colon-separated IPv6, or the name's bytes as they came; undefined: a kind of address that is not known. */
  readonly host: string | undefined;
  readonly port: number;
  /** How many bytes the message has. */
  readonly length: number;
}

const version = 5;

export const noAuthentication = 0;
export const connectCommand = 1;

/** `more`: what is there is good so far. */
export function readSocksGreeting(bytes: Buffer): SocksGreeting | 'more' | 'malformed' {
  if (bytes.length > 0 && bytes[0] !== version) return 'malformed';
  if (bytes.length < 2) return 'more';
  const count = bytes[1] as number;
  if (count === 0) return 'malformed';
  const length = 2 + count;
  return bytes.length < length ? 'more' : { methods: [...bytes.subarray(2, length)], length };
}

export function readSocksRequest(bytes: Buffer): SocksRequest | 'more' | 'malformed' {
  if (bytes.length > 0 && bytes[0] !== version) return 'malformed';
  if (bytes.length > 2 && bytes[2] !== 0) return 'malformed';
  if (bytes.length < 5) return 'more';
  const command = bytes[1] as number;
  const kind = bytes[3] as number;
  const start = kind === 3 ? 5 : 4;
  const size = hostBytes(kind, bytes[4] as number);
  if (size === undefined) return { command, host: undefined, port: 0, length: bytes.length };
  const length = start + size + 2;
  if (bytes.length < length) return 'more';
  const address = bytes.subarray(start, start + size);
  return { command, host: hostText(kind, address), port: bytes.readUInt16BE(start + size), length };
}

/** The address it was bound to is always given as 0.0.0.0:0; the true one would tell a command about the machine. */
export function socksReply(code: number): Buffer {
  return Buffer.from([version, code, 0, 1, 0, 0, 0, 0, 0, 0]);
}

/** 255: none of the client's methods is understood. */
export function socksMethod(method: number): Buffer {
  return Buffer.from([version, method]);
}

function hostBytes(kind: number, firstByte: number): number | undefined {
  if (kind === 1) return 4;
  if (kind === 3) return firstByte;
  return kind === 4 ? 16 : undefined;
}

function hostText(kind: number, address: Buffer): string {
  if (kind === 1) return address.join('.');
  if (kind === 3) return address.toString('latin1');
  return Array.from({ length: 8 }, (_, at) => address.readUInt16BE(at * 2).toString(16)).join(':');
}
