/**
 * The grammar of `--listen HOST:PORT` and what a host name stands for. One spelling per address: `127.1`, `0x7f.1` and
 * the like mean an address to some resolvers and a name to others, so they are refused rather than guessed at.
 */
import { lookup as lookupName } from 'node:dns/promises';
import net from 'node:net';
import { SbxError } from '../../client/protocol/errors.ts';
import { isLoopbackAddress } from '../../client/protocol/loopback.ts';
import { showText } from '../../client/protocol/visible.ts';

export interface ListenAddress {
  /** IP address without brackets, or a host name in small letters. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface ResolvedAddress {
  /** The address to bind. Bound by number, so that the name cannot mean another one by then. */
  readonly ip: string;
  /** Every address that the name has stays on this machine. */
  readonly isLoopback: boolean;
}

export type Lookup = (host: string) => Promise<readonly string[]>;

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name whose last label is a number is read as an IPv4 address. Source: WHATWG URL "ends in a number checker" */
const numeric = /^([0-9]+|0x[0-9a-f]*)$/;

/** In small letters; undefined when it is none. Source: RFC 1123 2.1 */
export function findHostName(text: string): string | undefined {
  const name = text.toLowerCase();
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((part) => label.test(part)) || numeric.test(labels.at(-1) ?? '')) {
    return undefined;
  }
  return name;
}

/** A port in decimal without leading zeros; undefined when it is none. */
export function findPort(text: string): number | undefined {
  if (!/^(0|[1-9][0-9]{0,4})$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** A host as it stands before a colon: `127.0.0.1`, `[::1]` or a name. Undefined when it is none of these. */
export function findHost(text: string): string | undefined {
  if (text.startsWith('[')) {
    const inner = text.endsWith(']') ? text.slice(1, -1) : '';
    // A zone names an interface of one machine; no other side could be told to use it.
    return net.isIPv6(inner) && !inner.includes('%') ? inner.toLowerCase() : undefined;
  }
  return net.isIPv4(text) ? text : findHostName(text);
}

/** @throws {SbxError} `bad-listen` */
export function parseListenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':');
  const host = colon < 0 ? undefined : findHost(text.slice(0, colon));
  const port = colon < 0 ? undefined : findPort(text.slice(colon + 1));
  if (host !== undefined && port !== undefined) return { host, port };
  const what = colon >= 0 && host === undefined ? 'no host that can be listened on' : 'no port from 0 to 65535';
  throw new SbxError('bad-listen', `\`--listen ${showText(text)}\` has ${what}`, {
    help: 'write --listen 127.0.0.1:7474, [::1]:7474 or localhost:7474; 0.0.0.0 and [::] are all addresses',
  });
}

/** As it stands in a URL. */
export function formatAddress(ip: string, port: number): string {
  return net.isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}

const lookupAll: Lookup = async (host) => (await lookupName(host, { all: true })).map(({ address }) => address);

/** @throws {SbxError} `bad-listen` when the name has no address, or `localhost` is not this machine */
export async function resolveListenAddress(host: string, lookup: Lookup = lookupAll): Promise<ResolvedAddress> {
  if (net.isIP(host) !== 0) return { ip: host, isLoopback: isLoopbackAddress(host) };
  let addresses: readonly string[] = [];
  let cause: unknown;
  try {
    addresses = await lookup(host);
  } catch (error) {
    cause = error;
  }
  // Containers often know `localhost` as ::1 too and have no IPv6.
  const ip = addresses.find(net.isIPv4) ?? addresses[0];
  if (ip === undefined) {
    throw new SbxError('bad-listen', `the host \`${host}\` has no address`, {
      help: 'name an IP address of this machine',
      cause,
    });
  }
  const isLoopback = addresses.every(isLoopbackAddress);
  if (!isLoopback && (host === 'localhost' || host.endsWith('.localhost'))) {
    throw new SbxError('bad-listen', `\`${host}\` leads away from this machine here`, {
      help: 'write 127.0.0.1, and look at /etc/hosts',
    });
  }
  return { ip, isLoopback };
}
