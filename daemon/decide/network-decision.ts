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
import type { NetworkEntry, NetworkPolicy, Speaks } from './network-policy.ts';
import { showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

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

const webPorts: readonly number[] = [80, 443];
export function decideDestination(network: NetworkPolicy, destination: Destination): NetworkDecision {
  const { host, port } = destination;
  const address = parseAddress(host);
  const labels = labelsOf(host);
  const about = network.entries.filter((entry) => meetsHost(entry, labels, address));
  const allows = about.filter((entry) => entry.list === 'allow' && grants(entry, destination));
  const isOwn = isLoopbackHost(host);
  const speaks = isOwn ? 'any' : chooseSpeaks(allows, port);
  const shown = quoteText(narrowest(host, port));
  const granted = isOwn ? decideOwn(network, shown, port) : decideGrant(network, about, allows[0], destination);
  const restricted = judgeRestrictions(about, destination, speaks);
  // An ask never makes of a refusal a question.
  if (restricted === undefined || (restricted.effect === 'ask' && granted.effect === 'deny')) {
    return { ...granted, speaks };
  }
  const { effect, entry } = restricted;
  return { effect, entry, speaks, ...explainRestriction(restricted, shown, host, port) };
}

type Undecided = Omit<NetworkDecision, 'speaks'>;

function decideGrant(
  network: NetworkPolicy,
  about: readonly NetworkEntry[],
  allow: NetworkEntry | undefined,
  destination: Destination,
): Undecided {
  const shown = quoteText(narrowest(destination.host, destination.port));
  if (allow === undefined) {
    return decideUnnamed(
      network,
      shown,
      about.find(({ list }) => list === 'allow'),
      destination,
    );
  }
  const message = `${shown} is allowed by ${quoteText(allow.text)}`;
  return {
    effect: 'allow',
    entry: allow,
    message,
    rule: showRule(allow),
    allowedBy: undefined,
    howToAllow: undefined,
  };
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

interface Restricted {
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

type Explained = Pick<NetworkDecision, 'message' | 'rule' | 'allowedBy' | 'howToAllow'>;

function explainRestriction(
  { effect, entry, unseen }: Restricted,
  shown: string,
  host: string,
  port: number,
): Explained {
  const text = quoteText(entry.text);
  const because = entry.reason === undefined ? '' : `: ${entry.reason}`;
  const verb = effect === 'deny' ? 'is denied by' : 'meets the ask entry';
  const message = unseen
    ? `${shown} could meet ${text}, whose methods and paths cannot be seen on this connection`
    : `${shown} ${verb} ${text}${because}`;
  const place = showOrigin(entry.origin);
  const help = unseen
    ? `give the entry at ${place} the ports of plain HTTP, or remove its methods and paths`
    : `remove or narrow the entry at ${place}`;
  return {
    message,
    rule: showRule(entry),
    allowedBy: effect === 'ask' && entry.unread !== true ? narrowest(host, port) : undefined,
    howToAllow: entry.origin.layer === 'managed' ? 'the administrator of this machine decides it' : help,
  };
}

/** The loopback of the machine is not the sandbox's: ports of it are granted one by one. */
function decideOwn({ hostPorts }: NetworkPolicy, shown: string, port: number): Undecided {
  const common = { entry: undefined, allowedBy: undefined } as const;
  const granted = hostPorts.find(({ value }) => value === port);
  if (granted !== undefined) {
    const rule = `\`hostPorts\` ${port} (${showOrigin(granted.origin)})`;
    return { ...common, effect: 'allow', message: `${shown} is allowed by ${rule}`, rule, howToAllow: undefined };
  }
  return {
    ...common,
    effect: 'deny',
    message: `${shown} is this machine itself, of which no port is open to commands that \`network.hostPorts\` does not name`,
    rule: undefined,
    howToAllow: `add ${port} to \`network.hostPorts\` of your policy`,
  };
}

function decideUnnamed(
  { default: { value, origin } }: NetworkPolicy,
  shown: string,
  near: NetworkEntry | undefined,
  { host, port, request }: Destination,
): Undecided {
  const locked = value === 'deny' && origin.layer === 'managed';
  const entry = narrowest(host, port);
  const reasons = near === undefined ? undefined : explainNear(near, port, request);
  return {
    effect: value,
    entry: undefined,
    message: reasons === undefined ? `no entry allows ${shown}` : `no entry allows ${shown}: ${reasons}`,
    rule: value === 'deny' && origin.file !== undefined ? `\`network.default\` (${showOrigin(origin)})` : undefined,
    allowedBy: locked ? undefined : entry,
    howToAllow: locked
      ? 'managed policy alone may allow hosts'
      : `sbx run --net ${entry}, or add ${quoteText(JSON.stringify(entry))} to \`network.allow\` of your policy`,
  };
}

/** Why an entry for the host did not do. */
function explainNear(near: NetworkEntry, port: number, request: Destination['request']): string {
  const ports = near.ports ?? webPorts;
  const text = quoteText(near.text);
  if (!ports.includes(port)) return `${text} is for port ${ports.join(' and ')}`;
  if (request !== undefined) return `${text} covers other methods or paths`;
  return `${text} depends on methods or paths, which cannot be seen on this connection`;
}

/** Without a port where that means the same. */
function narrowest(host: string, port: number): string {
  return showAuthority(host, webPorts.includes(port) ? undefined : port);
}

export function showRule({ text, origin, preset }: NetworkEntry): string {
  return `${quoteText(text)} (${preset === undefined ? '' : `preset ${preset}, `}${showOrigin(origin)})`;
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
  const ranges = network.entries.flatMap((entry) =>
    entry.host.kind === 'range' ? [{ entry, range: entry.host.range }] : [],
  );
  const restricted = ranges.find(
    ({ entry, range }) =>
      entry.list !== 'allow' &&
      entry.ports?.includes(port) !== false &&
      addresses.some((each) => isWithin(each, range)),
  );
  const named = ranges.find(
    ({ entry, range }) =>
      entry.list === 'allow' &&
      (entry.ports ?? webPorts).includes(port) &&
      block.some((outer) => isRangeWithin(range, outer)) &&
      addresses[0] !== undefined &&
      isWithin(addresses[0], range),
  );
  return { restricted: restricted?.entry, named: named?.entry };
}
