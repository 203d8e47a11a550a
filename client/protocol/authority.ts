/**
 * The one grammar of hosts and `host:port`, for policies, the command line and every way a command can ask for a
 * connection. Two spellings of a host have one canonical text, so a rule that names one meets the other; what could be read
 * in two ways is no host at all.
 */
import { parseAddress, showAddress } from './ip-address.ts';

export interface Authority {
  /** Canonical. */
  readonly host: string;
  readonly port: number | undefined;
}

/** Longer than any name: 253 octets, and a dot of the root. Source: RFC 1035 2.3.4. */
const maxWritten = 254;

/**
 * Canonical: lower case, A-labels, no final dot; an address as the standard library prints it, without brackets.
 *
 * Numbers mean the address that `inet_aton` and so `connect` of most programs takes them for: `0x7f.1`, `2130706433` and
 * `0177.0.0.1` are 127.0.0.1. Source: inet_aton(3), WHATWG URL "host parsing", UTS #46.
 *
 * @param text an IPv6 address stands without brackets
 */
export function parseHost(text: string): string | undefined {
  if (text === '' || text.length > maxWritten) return undefined;
  if (text.includes(':')) {
    const address = parseAddress(text);
    return address === undefined ? undefined : showAddress(address);
  }
  if (isPlainName(text)) return text;
  // What the URL parser drops, decodes or takes for the end of a host is refused before it gets there.
  if (!/^(?:[\w.-]|[^\x00-\x7f])+$/.test(text) || !URL.canParse(`http://${text}/`)) return undefined;
  const host = new URL(`http://${text}/`).hostname.replace(/\.$/, '');
  return parseAddress(host) !== undefined || isName(host) ? host : undefined;
}

/** Underscores are in names that people use. A name that begins with a dash is one that no resolver looks up. */
function isName(host: string): boolean {
  return (
    host.length <= 253 && !host.startsWith('-') && host.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label))
  );
}

/** Canonical beyond doubt, as most are: nothing to decode, and a last label that begins like no number. */
function isPlainName(text: string): boolean {
  return /^(?:[a-z0-9_-]+\.)*[a-z][a-z0-9_-]*$/.test(text) && !text.includes('xn--') && isName(text);
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`; nothing before or after it. */
export function parseAuthority(text: string): Authority | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([1-9]\d{0,4}))?$/.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && port > 65_535) return undefined;
  // In brackets there is IPv6 only: `[127.0.0.1]` is nothing.
  const host =
    bracketed === undefined ? parseHost(plain ?? '') : bracketed.includes(':') ? parseHost(bracketed) : undefined;
  return host === undefined ? undefined : { host, port };
}

/** With brackets where they are needed. */
export function showAuthority(host: string, port?: number): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? shown : `${shown}:${port}`;
}
