/** Entries of `network` that do not do what their author most likely wanted. A lint changes no decision. */
import { parseHost } from '../../client/protocol/authority.ts';
import { isRangeWithin } from '../../client/protocol/ip-address.ts';
import { isLoopbackHost } from '../../client/protocol/loopback.ts';
import { labelsOf, matchesLabels } from './host-pattern.ts';
import type { NetworkEntry, NetworkPolicy } from './network-policy.ts';
import { showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

export type NetworkLintId = 'broad-grant' | 'never-matches' | 'shadowed' | 'repeated' | 'unseen-request';

type Report = (id: NetworkLintId, entry: NetworkEntry, message: string, help: string) => void;

export function lintNetwork({ entries }: NetworkPolicy, report: Report): void {
  // Rules are looked at as rules, and what could not be read has its own remark.
  const own = entries.filter((entry) => entry.fromRule !== true && entry.preset === undefined && entry.unread !== true);
  own.forEach((entry, index) => {
    lintEntry(entry, report);
    const above = own.find((other) => other.list === 'deny' && entry.list !== 'deny' && covers(other, entry));
    if (above !== undefined) {
      const by = `${quoteText(above.text)} (deny, ${showOrigin(above.origin)})`;
      report('shadowed', entry, `never decides: ${by} does`, 'remove one of the two');
      return;
    }
    const twin = own.slice(0, index).find((other) => other.list === entry.list && isSame(other, entry));
    if (twin === undefined) return;
    report('repeated', entry, `adds nothing to ${quoteText(twin.text)} (${showOrigin(twin.origin)})`, 'remove it');
  });
}

function lintEntry(entry: NetworkEntry, report: Report): void {
  const { host, list } = entry;
  if (list === 'allow' && isBroad(entry)) {
    report('broad-grant', entry, 'allows almost every host', 'name the hosts, as in `*.example.com`');
  }
  if (list === 'allow' && host.kind === 'name' && isLoopbackHost(parseHost(host.pattern.text) ?? '')) {
    report('never-matches', entry, 'is this machine itself', 'name the port in `network.hostPorts`');
  }
  const limited = entry.methods !== undefined || entry.paths !== undefined;
  if (!limited) return;
  const seesNothing =
    entry.speaks === 'tls' || (entry.speaks === undefined && entry.ports?.every((port) => port === 443));
  if (list === 'allow' && seesNothing === true) {
    const help = 'leave methods and paths out, or name a port of plain HTTP';
    report('never-matches', entry, 'grants nothing: methods and paths cannot be seen inside TLS', help);
  } else if (list === 'allow' && entry.ports === undefined && entry.speaks === undefined) {
    const help = 'give it `"ports": [80]` if that is meant, or leave methods and paths out';
    report('unseen-request', entry, 'holds for plain HTTP alone: methods and paths cannot be seen inside TLS', help);
  } else if (list !== 'allow' && entry.ports?.includes(80) !== true && entry.speaks !== 'http') {
    const help = 'give it the ports of plain HTTP, or leave methods and paths out';
    report('unseen-request', entry, 'asks about every connection inside TLS, where it cannot see more', help);
  }
}

/** Everything, a whole top level domain, or more addresses than any block that is given to somebody. */
function isBroad({ host }: NetworkEntry): boolean {
  if (host.kind === 'every') return true;
  if (host.kind === 'range') return host.range.prefix < (host.range.family === 4 ? 8 : 16);
  const { below, labels } = host.pattern;
  return labels === undefined || (below && labels.length === 1) || labels.every((label) => /^\*+$/.test(label));
}

function isSame(a: NetworkEntry, b: NetworkEntry): boolean {
  const limits = (entry: NetworkEntry): string =>
    JSON.stringify([entry.ports, entry.methods, entry.paths?.map(({ text }) => text), entry.speaks]);
  return a.text === b.text && limits(a) === limits(b);
}

/** Whether a deny leaves nothing of the other. Errs towards no. */
function covers(wide: NetworkEntry, narrow: NetworkEntry): boolean {
  if (wide.methods !== undefined || wide.paths !== undefined) return false;
  const ports = wide.ports;
  if (ports !== undefined) {
    const narrowPorts = narrow.ports ?? (narrow.list === 'allow' ? [80, 443] : undefined);
    if (narrowPorts?.every((port) => ports.includes(port)) !== true) return false;
  }
  if (wide.host.kind === 'every') return true;
  if (wide.host.kind === 'range') {
    return narrow.host.kind === 'range' && isRangeWithin(narrow.host.range, wide.host.range);
  }
  if (narrow.host.kind !== 'name') return false;
  const { below, labels } = narrow.host.pattern;
  if (labels === undefined || labels.some((label) => label.includes('*'))) return false;
  // One label below stands for every deeper one.
  return matchesLabels(wide.host.pattern, labelsOf(`${below ? 'x.' : ''}${labels.join('.')}`));
}
