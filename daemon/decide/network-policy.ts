/**
 * What a policy says about the network: entries with their places, and how the layers become one. A deny or an ask of any
 * layer holds; what grants counts as far as its layer may grant (RULES W12).
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { type AddressRange, parseRange } from '../../client/protocol/ip-address.ts';
import type { HostPattern } from './host-pattern.ts';
import type { RequestPath } from './network-path.ts';
import type { Setting } from './policy.ts';
import type { HostRule, Rule, RuleList } from './rule.ts';

/** What a connection has to say first: a ClientHello for the host, requests to the host, or anything. */
export type Speaks = 'tls' | 'http' | 'any';

export const presetNames = ['registries', 'code-hosts', 'models'] as const;
export type PresetName = (typeof presetNames)[number];

/** Of an allow that names no port. */
export const webPorts: readonly number[] = [80, 443];

/** Which hosts an entry is about. */
export type HostMatch =
  | { readonly kind: 'every' }
  | { readonly kind: 'name'; readonly pattern: HostPattern }
  /** Addresses that a command names itself; of a host's name they are never true. */
  | { readonly kind: 'range'; readonly range: AddressRange };

export interface NetworkEntry {
  readonly list: RuleList;
  /** As written; of an object what it says in one line. */
  readonly text: string;
  readonly origin: Origin;
  readonly reason: string | undefined;
  readonly host: HostMatch;
  /** Undefined: 80 and 443 for an allow, every port for an ask and a deny. */
  readonly ports: readonly number[] | undefined;
  readonly methods: readonly string[] | undefined;
  readonly paths: readonly RequestPath[] | undefined;
  readonly speaks: Speaks | undefined;
  /** Hosts that the entry leaves out. */
  readonly unless: readonly HostPattern[];
  /** The list of hosts that it comes from. */
  readonly preset?: PresetName;
  /** It is a `WebFetch` rule of the permissions. */
  readonly fromRule?: true;
  /** Stands for a restriction that could not be read. */
  readonly unread?: true;
}

/** Of one layer. */
export interface ParsedNetwork {
  readonly entries: readonly NetworkEntry[];
  readonly presets: readonly Setting<PresetName | 'none'>[];
  readonly default: Setting<'ask' | 'deny'> | undefined;
  readonly hostPorts: readonly Setting<number>[];
}

/** Of all layers. */
export interface NetworkPolicy {
  readonly entries: readonly NetworkEntry[];
  /** `withPresets` puts their hosts among `entries`. */
  readonly presets: readonly Setting<PresetName>[];
  /** For a host that no entry names. */
  readonly default: Setting<'ask' | 'deny'>;
  /** Ports of the machine's own loopback that commands may connect to. */
  readonly hostPorts: readonly Setting<number>[];
}

export const emptyNetwork: ParsedNetwork = { entries: [], presets: [], default: undefined, hostPorts: [] };

export function withoutNetworkGrants(network: ParsedNetwork): ParsedNetwork {
  return {
    entries: network.entries.filter(({ list }) => list !== 'allow'),
    presets: network.presets.filter(({ value }) => value === 'none'),
    default: network.default?.value === 'deny' ? network.default : undefined,
    hostPorts: [],
  };
}

/** What is read of a layer here. */
interface Layer {
  readonly layer: Origin['layer'];
  readonly network: ParsedNetwork;
}

/**
 * @param layers the highest first, as far as each may speak
 * @param rules of all of them: those for hosts hold for connections too (RULES W4)
 * @param lock allowed hosts of managed policy alone have an effect, so there is nothing to ask about
 */
export function mergeNetwork(
  layers: readonly Layer[],
  rules: readonly Rule[],
  lock: Setting<boolean> | undefined,
): NetworkPolicy {
  return {
    entries: [...layers.flatMap(({ network }) => network.entries), ...rules.flatMap(asEntry)],
    presets: choosePresets(layers),
    default: lock?.value === true ? { value: 'deny', origin: lock.origin } : chooseDefault(layers),
    hostPorts: layers.flatMap(({ network }) => network.hostPorts),
  };
}

/** `none` switches off what lower layers chose. */
function choosePresets(layers: readonly Layer[]): readonly Setting<PresetName>[] {
  const chosen: Setting<PresetName>[] = [];
  for (const { network } of layers) {
    for (const { value, origin } of network.presets) {
      if (value !== 'none' && !chosen.some((known) => known.value === value)) chosen.push({ value, origin });
    }
    if (network.presets.some(({ value }) => value === 'none')) break;
  }
  return chosen;
}

/** One `deny` is enough; the profile speaks where nobody else does. */
function chooseDefault(layers: readonly Layer[]): Setting<'ask' | 'deny'> {
  const own = layers.filter(({ layer }) => layer !== 'built-in').flatMap(({ network }) => network.default ?? []);
  const builtIn = layers.filter(({ layer }) => layer === 'built-in').flatMap(({ network }) => network.default ?? []);
  const chosen = own.find(({ value }) => value === 'deny') ?? own[0] ?? builtIn.find(({ value }) => value === 'deny');
  return chosen ?? builtIn[0] ?? { value: 'ask', origin: { layer: 'built-in' } };
}

/** A pattern without a star that is an address means the address. */
export function hostMatch(pattern: HostPattern): HostMatch {
  if (pattern.labels === undefined) return { kind: 'every' };
  const range = pattern.range ?? (pattern.below ? undefined : parseRange(pattern.text));
  return range === undefined ? { kind: 'name', pattern } : { kind: 'range', range };
}

function asEntry(rule: Rule): readonly NetworkEntry[] {
  if (rule.tool !== 'WebFetch') return [];
  const { list, text, origin, reason, pattern, port, unread } = rule;
  const unless = readExemptions(rule);
  if (unless === 'every') return [];
  return [
    {
      list,
      text,
      origin,
      reason,
      host: pattern === undefined ? { kind: 'every' } : hostMatch(pattern),
      ports: port === undefined ? undefined : [port],
      methods: undefined,
      paths: undefined,
      speaks: undefined,
      unless,
      fromRule: true,
      ...(unread === true ? { unread } : {}),
    },
  ];
}

/** What narrows a grant counts when it could; what exempts from an ask when it does for certain (RULES O4). */
function readExemptions({ list, unless }: HostRule): readonly HostPattern[] | 'every' {
  const found: HostPattern[] = [];
  for (const each of unless) {
    // Which command connects is not known, and neither is the port.
    const isCertain = each.tool === 'WebFetch' && each.port === undefined;
    if (list !== 'allow' && !isCertain) continue;
    if (each.tool !== 'WebFetch' || each.pattern?.labels === undefined) return 'every';
    found.push(each.pattern);
  }
  return found;
}

/** What a session's network namespace has to lead out of: the ports that entries name, and those of the machine's own. */
export interface NetworkPorts {
  readonly ports: readonly number[];
  readonly hostPorts: readonly number[];
}

/** Each is taken in every session: a policy that names more is one that means ranges, which listeners cannot be. */
const maxPorts = 64;

export function listPorts({ entries, hostPorts }: NetworkPolicy): NetworkPorts {
  const named = entries.filter(({ list }) => list !== 'deny').flatMap(({ ports }) => ports ?? []);
  return {
    ports: [...new Set(named)].sort((a, b) => a - b).slice(0, maxPorts),
    hostPorts: [...new Set(hostPorts.map(({ value }) => value))].sort((a, b) => a - b).slice(0, maxPorts),
  };
}
