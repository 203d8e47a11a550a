/**
 * `WebFetch(domain:HOST)`: compares whole labels, never characters, so that `example.*` cannot be met by
 * `example.evil.com` and `*.example.com` not by `notexample.com`; and a host in every spelling by the one that is
 * written (RULES W1–W3).
 */
import { parseHost } from '../../client/protocol/authority.ts';
import { type AddressRange, isWithin, parseAddress, parseRange } from '../../client/protocol/ip-address.ts';

export interface HostPattern {
  readonly text: string;
  /** Labels from the left; undefined stands for every host. */
  readonly labels: readonly string[] | undefined;
  /** Began with `*.`: any depth below. */
  readonly below: boolean;
  /** `10.0.0.0/8`: addresses, and no name. */
  readonly range?: AddressRange;
}

/** @returns the pattern, or one phrase that says what is wrong. */
export function parseHostPattern(source: string): HostPattern | string {
  const text = source.trim().toLowerCase().replace(/\.$/, '');
  if (text === '*') return { text, labels: undefined, below: false };
  const range = text.includes('/') ? parseRange(text) : undefined;
  if (range !== undefined) return { text, labels: [], below: false, range };
  // Without brackets its last group could be a port.
  if (text.includes(':') && !text.startsWith('[')) return 'an IPv6 address stands in brackets';
  const below = text.startsWith('*.');
  const name = below ? text.slice(2) : text;
  const host = name.includes('*') ? name : findHost(name);
  if (host === undefined) return findMistake(name);
  if (host.includes('*') && !/^[a-z0-9_.*-]+$/.test(host)) {
    return `a name with a star inside is written in ASCII letters`;
  }
  const labels = host.includes(':') ? [host] : host.split('.');
  if (labels.includes('')) return emptyLabel;
  if (below && isAddress(host)) return 'there is no host below an address';
  return { text: below ? `*.${host}` : host, labels, below };
}

const emptyLabel = 'a host name has an empty label';

function findMistake(name: string): string {
  const labels = name.split('.');
  if (labels.includes('')) return emptyLabel;
  const wrong = labels.find((label) => !/^[a-z0-9_-]+$/.test(label) && !/[^\x00-\x7f]/.test(label));
  return wrong === undefined ? `${name} is no host name` : `${wrong} is no part of a host name`;
}

/** Canonical; brackets may stand around IPv6. */
function findHost(text: string): string | undefined {
  const bracketed = /^\[([^[\]]*:[^[\]]*)\]$/.exec(text)?.[1];
  return bracketed === undefined ? parseHost(text) : parseHost(bracketed);
}

function isAddress(host: string): boolean {
  return parseAddress(host) !== undefined;
}

export function matchesHost(pattern: HostPattern | undefined, host: string): boolean {
  return pattern?.labels === undefined || matchesLabels(pattern, labelsOf(findHost(host.trim()) ?? host.trim()));
}

/** @param host canonical */
export function labelsOf(host: string): readonly string[] {
  return host.includes(':') ? [host] : host.toLowerCase().replace(/\.$/, '').split('.');
}

/** @param labels of a canonical host */
export function matchesLabels(pattern: HostPattern, labels: readonly string[]): boolean {
  if (pattern.labels === undefined) return true;
  if (pattern.range !== undefined) {
    const address = parseAddress(labels.join('.'));
    return address !== undefined && isWithin(address, pattern.range);
  }
  const extra = labels.length - pattern.labels.length;
  if (pattern.below ? extra < 1 : extra !== 0) return false;
  return pattern.labels.every((label, index) => matchesLabel(label, labels[index + extra] ?? ''));
}

function matchesLabel(pattern: string, label: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === label;
  const first = pieces[0] ?? '';
  const last = pieces[pieces.length - 1] ?? '';
  if (label.length < first.length + last.length || !label.startsWith(first) || !label.endsWith(last)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = label.indexOf(piece, at);
    if (found < 0 || found + piece.length > label.length - last.length) return false;
    at = found + piece.length;
  }
  return true;
}
