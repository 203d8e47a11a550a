/**
 * Whether a command may connect to a host: deny before ask before allow, and what the policy says of hosts that no entry
 * names. A restriction is read every possible way, a grant never wider than it says (RULES W5). Where a method or path
 * cannot be seen, because it is inside TLS, an allow that depends on it grants nothing and a restriction asks.
 */
import { parseHost, showAuthority } from '../../client/protocol/authority.ts';
import {
  type AddressRange,
  type IpAddress,
  isRangeWithin,
  isWithin,
  parseAddress,
} from '../../client/protocol/ip-address.ts';
import { isLoopbackHost } from '../../client/protocol/loopback.ts';
import { labelsOf, matchesLabels } from './host-pattern.ts';
import { grantsRequestPath, restrictsRequestPath } from './network-path.ts';
import { type NetworkEntry, type NetworkPolicy, type Speaks, webPorts } from './network-policy.ts';
import { explainAllow, explainOwn, explainRestriction, explainUnnamed } from './network-reasons.ts';

export interface Destination {
  /** Canonical: of `parseHost`. */
  readonly host: string;
  readonly port: number;
  /** Of plain HTTP; absent for a connection as such. */
  readonly request?: { readonly method: string /** Its query may follow. */; readonly path: string };
}

export interface NetworkDecision {
  readonly effect: 'allow' | 'ask' | 'deny';
  /** Undefined where none is about the host. */
  readonly entry: NetworkEntry | undefined;
  /** One phrase, lower case, no final period. */
  readonly message: string;
  /** The deciding entry as written, with its place. */
  readonly rule: string | undefined;
  /** What the connection has to speak, if it is made. */
  readonly speaks: Speaks;
  /** The narrowest entry of `network.allow` that would allow it; undefined where no allow helps. */
  readonly allowedBy: string | undefined;
  /** For a person, where the answer was not allow. */
  readonly howToAllow: string | undefined;
}

export function decideDestination(network: NetworkPolicy, destination: Destination): NetworkDecision {
  const known = remembered.get(network) ?? { about: new Map(), decisions: new Map() };
  remembered.set(network, known);
  const { host, port, request } = destination;
  const decideNow = (): NetworkDecision => {
    const about = remember(known.about, host, () => entriesAbout(network, host));
    return decideAmong(network, about, destination);
  };
  return request === undefined ? remember(known.decisions, showAuthority(host, port), decideNow) : decideNow();
}

function entriesAbout(network: NetworkPolicy, host: string): readonly NetworkEntry[] {
  const address = parseAddress(host);
  const labels = labelsOf(host);
  return network.entries.filter((entry) => meetsHost(entry, labels, address));
}

function decideAmong(
  network: NetworkPolicy,
  about: readonly NetworkEntry[],
  destination: Destination,
): NetworkDecision {
  const { host, port } = destination;
  const allows = about.filter((entry) => entry.list === 'allow' && grants(entry, destination));
  const isOwn = isLoopbackHost(host);
  const speaks = isOwn ? 'any' : chooseSpeaks(allows, port);
  const granted = isOwn
    ? explainOwn(network, destination)
    : allows[0] === undefined
      ? explainUnnamed(network, about, destination)
      : explainAllow(allows[0], destination);
  const restricted = judgeRestrictions(about, destination, speaks);
  // An ask never makes of a refusal a question.
  if (restricted === undefined || (restricted.effect === 'ask' && granted.effect === 'deny')) {
    return { ...granted, speaks };
  }
  return { ...explainRestriction(restricted, destination), speaks };
}

/** Connections come by the thousand, to a few hosts, and a policy stays the same object until it changes. */
interface Remembered {
  readonly about: Map<string, readonly NetworkEntry[]>;
  readonly decisions: Map<string, NetworkDecision>;
}

const remembered = new WeakMap<NetworkPolicy, Remembered>();
const maxRemembered = 1024;

function remember<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= maxRemembered) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}

/** Whether the entry is about the host, whatever the port. */
function meetsHost(entry: NetworkEntry, labels: readonly string[], address: IpAddress | undefined): boolean {
  if (entry.unless.some((pattern) => matchesLabels(pattern, labels))) return false;
  switch (entry.host.kind) {
    case 'every':
      return true;
    case 'range':
      return address !== undefined && isWithin(address, entry.host.range);
    case 'name':
      // A star in numbers is no way to grant addresses; a range is.
      if (address !== undefined && entry.list === 'allow' && entry.host.pattern.text.includes('*')) return false;
      return matchesLabels(entry.host.pattern, labels);
  }
}

function grants(entry: NetworkEntry, { port, request }: Destination): boolean {
  if (!(entry.ports ?? webPorts).includes(port)) return false;
  const { methods, paths } = entry;
  if (!isLimited(entry)) return true;
  // Each request of a connection that speaks HTTP is decided when it is seen.
  if (request === undefined) return speaksOf(entry, port) === 'http';
  return (methods?.includes(request.method) ?? true) && (paths === undefined || grantsRequestPath(paths, request.path));
}

function isLimited({ methods, paths }: NetworkEntry): boolean {
  return methods !== undefined || paths !== undefined;
}

/** Methods and paths are those of HTTP, but on the port of HTTPS. */
function speaksOf(entry: NetworkEntry, port: number): Speaks {
  if (entry.speaks !== undefined) return entry.speaks;
  if (port === 443) return 'tls';
  return port === 80 || isLimited(entry) ? 'http' : 'any';
}

/** Grants unite, and who looks at no request looks at none. */
function chooseSpeaks(allows: readonly NetworkEntry[], port: number): Speaks {
  const whole = allows.filter((entry) => !isLimited(entry));
  const counted = (whole.length > 0 ? whole : allows).map((entry) => speaksOf(entry, port));
  if (counted.includes('any')) return 'any';
  return counted[0] ?? (port === 443 ? 'tls' : port === 80 ? 'http' : 'any');
}

export interface Restricted {
  readonly effect: 'ask' | 'deny';
  readonly entry: NetworkEntry;
  /** The request that it is about cannot be seen. */
  readonly unseen: boolean;
}

function judgeRestrictions(
  about: readonly NetworkEntry[],
  destination: Destination,
  speaks: Speaks,
): Restricted | undefined {
  const meets = (list: 'ask' | 'deny') => (entry: NetworkEntry) =>
    entry.list === list ? restricts(entry, destination, speaks) : 'no';
  const find = (list: 'ask' | 'deny', match: 'yes' | 'maybe'): NetworkEntry | undefined =>
    about.find((entry) => meets(list)(entry) === match);
  const denied = find('deny', 'yes');
  if (denied !== undefined) return { effect: 'deny', entry: denied, unseen: false };
  const asked = find('ask', 'yes');
  if (asked !== undefined) return { effect: 'ask', entry: asked, unseen: false };
  const unseen = find('deny', 'maybe') ?? find('ask', 'maybe');
  return unseen === undefined ? undefined : { effect: 'ask', entry: unseen, unseen: true };
}

function restricts(entry: NetworkEntry, { port, request }: Destination, speaks: Speaks): 'no' | 'maybe' | 'yes' {
  const { methods, paths, ports } = entry;
  if (ports?.includes(port) === false) return 'no';
  if (!isLimited(entry)) return 'yes';
  if (request === undefined) return speaks === 'http' ? 'no' : 'maybe';
  const { method, path } = request;
  if (methods?.some((each) => each.toUpperCase() === method.toUpperCase()) === false) return 'no';
  return paths === undefined || restrictsRequestPath(paths, path) ? 'yes' : 'no';
}

/** A deny of the host as such, whatever the port: a command whose text names the host need not run to be told. */
export function findDeniedHost(network: NetworkPolicy, written: string): NetworkEntry | undefined {
  const host = parseHost(written.replace(/^\[(.*)\]$/, '$1'));
  if (host === undefined) return undefined;
  const address = parseAddress(host);
  const labels = labelsOf(host);
  return network.entries.find(
    (entry) =>
      entry.list === 'deny' && entry.ports === undefined && !isLimited(entry) && meetsHost(entry, labels, address),
  );
}

export interface AddressVerdict {
  /** A deny or an ask of addresses that the address of a name falls under. */
  readonly restricted: NetworkEntry | undefined;
  /** An allow names the address, alone or in a range that lies within `block`. */
  readonly named: NetworkEntry | undefined;
}

/** What the policy says of an address that is about to be dialled, as of any address that it carries inside (RULES W5). */
export function judgeAddress(
  network: NetworkPolicy,
  { addresses, port, block }: { addresses: readonly IpAddress[]; port: number; block: readonly AddressRange[] },
): AddressVerdict {
  let restricted: NetworkEntry | undefined;
  let named: NetworkEntry | undefined;
  for (const entry of network.entries) {
    if (entry.host.kind !== 'range') continue;
    const { range } = entry.host;
    if (entry.list !== 'allow') {
      const isMet = entry.ports?.includes(port) !== false && addresses.some((each) => isWithin(each, range));
      if (isMet && (restricted === undefined || entry.list === 'deny')) restricted = entry;
    } else if ((entry.ports ?? webPorts).includes(port) && block.some((outer) => isRangeWithin(range, outer))) {
      if (addresses[0] !== undefined && isWithin(addresses[0], range)) named = entry;
    }
  }
  return { restricted, named };
}
