/**
 * Whether a request was meant for this daemon. Attack it stands against: DNS rebinding, where a web page's own host name
 * is made to lead here, so that the browser takes the page and the daemon for one place. Such a request carries the page's
 * name in `Host`; an IP address or `localhost` there cannot be a page's name.
 */
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import { findHost, findPort } from './listen-address.ts';

export interface HostFacts {
  readonly ip: string;
  /** As it was really bound. */
  readonly port: number;
  readonly isLoopback: boolean;
  readonly isEncrypted: boolean;
  /** Host names, with any port: a forwarded port has another number on the other side. */
  readonly names: readonly string[];
}

/** Each value that the request has under this name; Node itself keeps only one of several. */
export function headerValues(request: Pick<IncomingMessage, 'rawHeaders'>, name: string): string[] {
  const { rawHeaders } = request;
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}

function splitAuthority(text: string): { host: string; port: number | undefined } | undefined {
  const end = /:[0-9]*$/.exec(text);
  const host = findHost(end ? text.slice(0, end.index) : text);
  const port = end ? findPort(end[0].slice(1)) : undefined;
  return host === undefined || (end && port === undefined) ? undefined : { host, port };
}

function sameAddress(one: string, other: string): boolean {
  const family = net.isIP(one);
  if (family === 0 || net.isIP(other) === 0) return false;
  const list = new net.BlockList();
  list.addAddress(one, family === 6 ? 'ipv6' : 'ipv4');
  return list.check(other, net.isIPv6(other) ? 'ipv6' : 'ipv4');
}

/** @param hosts every `Host` header of the request; one is right, none and two are wrong. */
export function isOwnHost(hosts: readonly string[], facts: HostFacts): boolean {
  const [text] = hosts;
  const named = text !== undefined && hosts.length === 1 ? splitAuthority(text) : undefined;
  if (!named) return false;
  const { host } = named;
  if (facts.names.includes(host)) return true;
  if (!facts.isLoopback && net.isIP(host) !== 0) return true;
  if ((named.port ?? (facts.isEncrypted ? 443 : 80)) !== facts.port) return false;
  return host === 'localhost' || [facts.ip, '127.0.0.1', '::1'].some((own) => sameAddress(own, host));
}
