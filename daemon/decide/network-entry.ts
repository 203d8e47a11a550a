/**
 * One entry of `network.allow`, `ask` or `deny` as it is written: `host`, `*.host`, `host:port`, `[v6]:port`, an address, a
 * CIDR range, `*`, or an object that says more. What is written in two ways that could mean the same, means the same.
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { parseRange } from '../../client/protocol/ip-address.ts';
import { parseHostPattern } from './host-pattern.ts';
import { parseRequestPath, type RequestPath } from './network-path.ts';
import { type HostMatch, hostMatch, type NetworkEntry, type Speaks } from './network-policy.ts';
import { quoteText } from './quote-text.ts';
import type { RuleList } from './rule.ts';

export interface EntryObject {
  readonly host: string;
  readonly ports?: readonly number[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly speaks?: Speaks | undefined;
  readonly reason?: string | undefined;
}

export interface EntryMistake {
  readonly message: string;
  readonly help: string;
}

export function isMistake(parsed: NetworkEntry | EntryMistake): parsed is EntryMistake {
  return !('list' in parsed);
}

export function parseNetworkEntry(
  written: string | EntryObject,
  source: { readonly list: RuleList; readonly origin: Origin },
): NetworkEntry | EntryMistake {
  const object = typeof written === 'string' ? { host: written } : written;
  const place = parsePlace(object.host);
  if ('message' in place) return place;
  if (place.port !== undefined && object.ports !== undefined) {
    return { message: 'has a port twice', help: 'leave the one behind the host out' };
  }
  const paths: RequestPath[] = [];
  for (const text of object.paths ?? []) {
    const path = parseRequestPath(text);
    if (typeof path === 'string') return { message: `${quoteText(text)}: ${path}`, help: 'write it as `/v1/**`' };
    paths.push(path);
  }
  const wrongMethod = object.methods?.find((method) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method));
  if (wrongMethod !== undefined) {
    return { message: `${quoteText(wrongMethod)} is no method`, help: 'write methods as in `GET`' };
  }
  const ports = place.port === undefined ? object.ports : [place.port];
  return {
    ...source,
    text: typeof written === 'string' ? written : describeObject(written),
    reason: object.reason,
    host: place.host,
    ports,
    methods: object.methods,
    paths: object.paths === undefined ? undefined : paths,
    speaks: object.speaks,
    unless: [],
  };
}

interface Place {
  readonly host: HostMatch;
  readonly port: number | undefined;
}

function parsePlace(text: string): Place | EntryMistake {
  const written = text.trim();
  const range = parseRange(written);
  // An address without brackets whose last group could be a port is not guessed at.
  if (range !== undefined && (written.includes('/') || !written.includes(':'))) {
    return { host: { kind: 'range', range }, port: undefined };
  }
  const [, bare = written, digits] = /^(.*):(\d+)$/.exec(written) ?? [];
  if (range !== undefined || bare.replace(/^\[.*\]$/, '').includes(':'))
    return explainColon(written, range !== undefined);
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) {
    return { message: `${port} is no port`, help: 'ports are 1 to 65535' };
  }
  if (bare.includes('/') && parseRange(bare) === undefined) return explainSlash(bare);
  const pattern = parseHostPattern(bare);
  if (typeof pattern === 'string') return { message: pattern, help: entryHelp };
  return { host: hostMatch(pattern), port };
}

const entryHelp = 'write it as `example.com`, `*.example.com`, `example.com:8443`, `[2001:db8::1]:443` or `10.0.0.0/8`';

function explainColon(text: string, isAddress: boolean): EntryMistake {
  if (/:\/\//.test(text)) return explainSlash(text);
  if (isAddress) return { message: 'an IPv6 address stands in brackets', help: `write ${quoteText(`[${text}]`)}` };
  return { message: 'what follows the colon is no port', help: entryHelp };
}

/** Of an address of the web the host is meant. */
function explainSlash(text: string): EntryMistake {
  const meant = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').replace(/[/?#].*$/s, '');
  if (/^[\d.]+$|^\[?[0-9a-f:]*:[0-9a-f:]*\]?$/i.test(meant)) {
    return { message: 'is no range of addresses', help: 'write it as `10.0.0.0/8` or `fd00::/8`' };
  }
  return {
    message: 'an entry names a host, not an address of the web',
    help: `write ${quoteText(meant === '' ? 'example.com' : meant)}; methods and paths go into an object`,
  };
}

function describeObject({ host, ports, methods, paths, speaks }: EntryObject): string {
  const at =
    ports === undefined ? host : ports.length === 1 ? `${host}:${ports[0]}` : `${host} ports ${ports.join(', ')}`;
  const parts = [at, methods?.join('|'), paths?.join(' '), speaks === undefined ? undefined : `as ${speaks}`];
  return parts.filter((part) => part !== undefined && part !== '').join(' ');
}
