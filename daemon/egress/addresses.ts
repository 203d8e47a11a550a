/**
 * What an address is, before anything connects to it: whoever owns a name decides what it resolves to, so a name that is
 * allowed must never lead to this machine, its network or the metadata of its cloud.
 */
import { networkInterfaces } from 'node:os';
import {
  type AddressRange,
  type IpAddress,
  isWithin,
  parseAddress,
  parseRange,
  showAddress,
} from '../../client/protocol/ip-address.ts';

interface AddressClass {
  /** In a sentence: `… is CLASS`. */
  readonly what: string;
  /** `named`: an allow entry has to name the address, or a range that lies within one of `ranges`. */
  readonly reach: 'never' | 'named';
  readonly ranges: readonly AddressRange[];
}

function define(what: string, reach: AddressClass['reach'], ...ranges: readonly string[]): AddressClass {
  return { what, reach, ranges: ranges.flatMap((text) => parseRange(text) ?? []) };
}

/** The first that holds counts. Source: the IANA registries of special-purpose addresses (RFC 6890), and as noted. */
const classes: readonly AddressClass[] = [
  // In public, private and link-local blocks, as each cloud documents it: AWS (EC2, ECS, EKS), Google, Azure, Oracle, Alibaba.
  define(
    'the metadata service of a cloud',
    'never',
    ...['169.254.169.254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::254', 'fd00:ec2::23'],
    ...['fd20:ce::254', '168.63.129.16', '192.0.0.192', '100.100.100.200'],
  ),
  // RFC 1122 3.2.1.3, RFC 4291 2.5.3. Linux takes 0.0.0.0 and :: for the loopback.
  define('the loopback of this machine', 'never', '127.0.0.0/8', '::1', '0.0.0.0/8', '::'),
  // RFC 3927, RFC 4291 2.5.6, RFC 3879 (site-local, deprecated).
  define('a link-local address', 'never', '169.254.0.0/16', 'fe80::/10', 'fec0::/10'),
  // RFC 5771, RFC 4291 2.7, RFC 919.
  define('no address of a single host', 'never', '224.0.0.0/4', 'ff00::/8', '255.255.255.255'),
  // They carry an IPv4 address to relays that nobody should use any more: RFC 4291 2.5.5.1, RFC 7526, RFC 4380.
  define('an IPv4 address in a tunnel', 'never', '::/96', '2002::/16', '192.88.99.0/24', '2001::/32'),
  // RFC 1918, RFC 4193.
  define('a private address', 'named', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'),
  // RFC 6598; overlay networks use it too.
  define('an address of shared address space', 'named', '100.64.0.0/10'),
  // RFC 8215: where in it an IPv4 address is, only its network knows.
  define('an address of a local translator', 'named', '64:ff9b:1::/48'),
  // RFC 6890, RFC 2544, RFC 5737, RFC 3849, RFC 9637, RFC 6666, RFC 4843, RFC 7343, RFC 9602, RFC 1112.
  define(
    'a reserved address',
    'named',
    ...['192.0.0.0/24', '198.18.0.0/15', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'],
    ...['2001:db8::/32', '3fff::/20', '100::/64', '2001:10::/28', '2001:20::/28', '5f00::/16'],
  ),
];

/** RFC 6052: the translator of an IPv6-only network dials the IPv4 address in the last 32 bits. */
const translated = parseRange('64:ff9b::/96');

export interface ClassifiedAddress {
  readonly text: string;
  /** The address, and the one that is dialled in the end. */
  readonly addresses: readonly IpAddress[];
  /** The same as texts. */
  readonly spellings: readonly string[];
  readonly reach: 'public' | 'named' | 'never';
  readonly what: string;
  /** Blocks of the same class. */
  readonly block: readonly AddressRange[];
}

/** @returns undefined for a text that is no address, which nothing may dial. */
export function classifyAddress(text: string, isOwn: (address: string) => boolean): ClassifiedAddress | undefined {
  const known = remembered.get(text) ?? classify(text);
  if (known === undefined) return undefined;
  if (remembered.size >= maxRemembered) remembered.clear();
  remembered.set(text, known);
  if (known.reach === 'never' || !known.spellings.some(isOwn)) return known;
  return { ...known, reach: 'never', what: 'an address of this machine', block: [] };
}

/** What an address is never changes, but for whether it is this machine's own. */
const remembered = new Map<string, ClassifiedAddress>();
const maxRemembered = 1024;

function classify(text: string): ClassifiedAddress | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  const addresses = [address, ...findCarried(address)];
  const base = { text: showAddress(address), addresses, spellings: addresses.map(showAddress) };
  const found = classes.find(({ ranges }) => addresses.some((each) => ranges.some((range) => isWithin(each, range))));
  if (found === undefined) return { ...base, reach: 'public', what: 'a public address', block: [] };
  return { ...base, reach: found.reach, what: found.what, block: found.ranges };
}

function findCarried(address: IpAddress): readonly IpAddress[] {
  if (translated === undefined || !isWithin(address, translated)) return [];
  return [{ family: 4, bits: address.bits & 0xffffffffn }];
}

/** How long a look at the interfaces holds; it is a few system calls, and connections come by the thousand. */
const freshMs = 1000;

/** Whether an address is one of this machine's interfaces, as they are now. */
export function watchOwnAddresses(
  list: typeof networkInterfaces = networkInterfaces,
  now: () => number = () => performance.now(),
): (address: string) => boolean {
  let known: ReadonlySet<string> = new Set();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return (address) => {
    if (now() - lookedAt > freshMs) {
      const found = Object.values(list()).flatMap((each) => each ?? []);
      known = new Set(
        found.flatMap((each) => {
          const parsed = parseAddress(each.address.replace(/%.*$/, ''));
          return parsed === undefined ? [] : [showAddress(parsed)];
        }),
      );
      lookedAt = now();
    }
    return known.has(address);
  };
}
