/** What is said of a destination: which entry decided, where it stands, and what would change the answer. */
import { showAuthority } from '../../client/protocol/authority.ts';
import type { Destination, NetworkDecision, Restricted } from './network-decision.ts';
import { type NetworkEntry, type NetworkPolicy, webPorts } from './network-policy.ts';
import { showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

type Explained = Omit<NetworkDecision, 'speaks'>;

export function explainRestriction({ effect, entry, unseen }: Restricted, destination: Destination): Explained {
  const shown = show(destination);
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
    effect,
    entry,
    message,
    rule: showRule(entry),
    // An allow does not outweigh the entry.
    allowedBy: undefined,
    howToAllow: entry.origin.layer === 'managed' ? 'the administrator of this machine decides it' : help,
  };
}

export function explainAllow(entry: NetworkEntry, destination: Destination): Explained {
  const message = `${show(destination)} is allowed by ${quoteText(entry.text)}`;
  return { effect: 'allow', entry, message, rule: showRule(entry), allowedBy: undefined, howToAllow: undefined };
}

/** The loopback of the machine is not the sandbox's: ports of it are granted one by one. */
export function explainOwn({ hostPorts }: NetworkPolicy, destination: Destination): Explained {
  const { port } = destination;
  const shown = show(destination);
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

/** @param about entries for the host, none of which allows it as it is wanted */
export function explainUnnamed(
  { default: { value, origin } }: NetworkPolicy,
  about: readonly NetworkEntry[],
  destination: Destination,
): Explained {
  const { host, port, request } = destination;
  const shown = show(destination);
  const near = about.find(({ list }) => list === 'allow');
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

function show({ host, port }: Destination): string {
  return quoteText(narrowest(host, port));
}

/** Without a port where that means the same. */
function narrowest(host: string, port: number): string {
  return showAuthority(host, webPorts.includes(port) ? undefined : port);
}

function showRule({ text, origin, preset }: NetworkEntry): string {
  return `${quoteText(text)} (${preset === undefined ? '' : `preset ${preset}, `}${showOrigin(origin)})`;
}
