/** `NO_PROXY`: hosts that are reached without the upstream proxy. Source: curl(1) "NO_PROXY", Go x/net/http/httpproxy. */
import { parseHost } from '../../client/protocol/authority.ts';
import { type AddressRange, isWithin, parseAddress, parseRange } from '../../client/protocol/ip-address.ts';

export interface NoProxyEntry {
  /** As written. */
  readonly text: string;
  readonly host:
    | 'every'
    | { readonly name: string; readonly only: 'below' | 'both' }
    | { readonly range: AddressRange };
  readonly port: number | undefined;
}

/** Entries part with commas or blanks; what is no host exempts nothing. */
export function parseNoProxy(value: string): readonly NoProxyEntry[] {
  return value
    .split(/[\s,]+/)
    .filter((text) => text !== '')
    .flatMap((text) => parseEntry(text) ?? []);
}

function parseEntry(text: string): NoProxyEntry | undefined {
  if (text === '*') return { text, host: 'every', port: undefined };
  const bare = parseRange(text);
  if (bare !== undefined) return { text, host: { range: bare }, port: undefined };
  const [, place = text, digits] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  const host = parseHost(place.replace(/^\[(.*)\]$/, '$1').replace(/^\*?\./, ''));
  if (host === undefined) return undefined;
  const range = parseRange(host);
  if (range !== undefined) return { text, host: { range }, port };
  return { text, host: { name: host, only: place.startsWith('*.') ? 'below' : 'both' }, port };
}

/** @param host canonical */
export function matchesNoProxy(entries: readonly NoProxyEntry[], host: string, port: number): boolean {
  const address = parseAddress(host);
  return entries.some((entry) => {
    if (entry.port !== undefined && entry.port !== port) return false;
    if (entry.host === 'every') return true;
    if ('range' in entry.host) return address !== undefined && isWithin(address, entry.host.range);
    return host.endsWith(`.${entry.host.name}`) || (entry.host.only === 'both' && host === entry.host.name);
  });
}
