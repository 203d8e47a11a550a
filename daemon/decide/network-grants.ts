/** What a project's block `network` would grant, each as a grant of its own that trust is given to (RULES S3). */
import type { NetworkEntry, ParsedNetwork } from './network-policy.ts';
import { withoutNetworkGrants } from './network-policy.ts';
import type { ProjectGrant } from './project-grants.ts';
import { quoteText } from './quote-text.ts';

export function listNetworkGrants({ entries, presets, hostPorts }: ParsedNetwork): readonly ProjectGrant[] {
  return [
    ...entries
      .filter(({ list }) => list === 'allow')
      .map((entry) => ({
        what: `connect to ${quoteText(entry.text)}`,
        identity: identityOfHost(entry),
        origin: entry.origin,
      })),
    ...presets
      .filter(({ value }) => value !== 'none')
      .map(({ value, origin }) => ({
        what: `connect to the hosts of the preset ${quoteText(value)}`,
        identity: identityOf('preset', value),
        origin,
      })),
    ...hostPorts.map(({ value, origin }) => ({
      what: `connect to port ${value} of this machine`,
      identity: identityOf('hostPort', value),
      origin,
    })),
  ];
}

/** @param kept identities of trusted grants */
export function keepNetwork(network: ParsedNetwork, kept: ReadonlySet<string>): ParsedNetwork {
  return {
    ...withoutNetworkGrants(network),
    entries: network.entries.filter((entry) => entry.list !== 'allow' || kept.has(identityOfHost(entry))),
    presets: network.presets.filter(({ value }) => value === 'none' || kept.has(identityOf('preset', value))),
    hostPorts: network.hostPorts.filter(({ value }) => kept.has(identityOf('hostPort', value))),
  };
}

function identityOf(kind: string, value: string | number): string {
  return JSON.stringify([kind, value]);
}

function identityOfHost({ text, ports, methods, paths, speaks }: NetworkEntry): string {
  const limits = [ports ?? null, methods ?? null, paths?.map((path) => path.text) ?? null, speaks ?? null];
  return JSON.stringify(['connect', text, ...limits]);
}
