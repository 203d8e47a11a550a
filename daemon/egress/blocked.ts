/**
 * Says why a command failed that wanted the network where nothing told the daemon: the run has none, or the command
 * connected to an address that no name stands for, which leads nowhere inside. Inferred from its words and from what name
 * resolution and connect print. It explains a failure; it never decides anything.
 */
import type { Violation } from '../../client/protocol/events.ts';

/** What libc, curl, git, npm, Node, Python, Go and Java print when a name or a route is missing. */
const resolverFailures: readonly RegExp[] = [
  /[Cc]ould not resolve (?:host|hostname|proxy)[: ]+'?([^\s'":]+)/,
  /unable to resolve host address ['‘`]?([^\s'’`]+)/,
  /getaddrinfo (?:ENOTFOUND|EAI_AGAIN|EAI_FAIL) ([^\s'",]+)/,
  /lookup ([^\s:]+)(?: on [^\s]+)?: (?:no such host|server misbehaving|dial udp|Temporary failure)/,
  /UnknownHostException: ([^\s]+)/,
  /(?:ssh|connect).*[Cc]ould not resolve hostname ([^\s:]+)/,
  /(?:Temporary failure in name resolution|Name or service not known|nodename nor servname provided|Temporary failure resolving '([^']+)')/,
  /(?:Network is unreachable|ENETUNREACH)(?: ([0-9a-f.:]+))?/,
];

const loopback = new Set(['localhost', '127.0.0.1', '::1', '[::1]', '0.0.0.0']);

/** Of connect alone; a lookup that failed was the daemon's own answer. */
const unreachable =
  /(?:Network is unreachable|ENETUNREACH|No route to host|[Cc]ould(?: not|n't) connect to server)|connect (?:to|ECONNREFUSED)/;
const numeric =
  /(?:^|[\s/@[(])((?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){1,6}:[0-9a-f]{1,4})(?=$|[\s/:\]),;])/g;

export interface FailedRun {
  /** The end of what the command wrote to its error output or terminal. */
  readonly errorTail: string;
  /** Hosts that its words name, from the analysis. */
  readonly hosts: readonly string[];
}

/** For a run without a network. Undefined when nothing suggests that it was wanted. */
export function findMissedNetwork(run: FailedRun): Violation | undefined {
  const matches = resolverFailures.map((pattern) => pattern.exec(run.errorTail)).filter((match) => match !== null);
  const named = matches.map((match) => match[1]).find((host) => host !== undefined);
  const wanted = run.hosts.find((host) => !loopback.has(host));
  if (matches.length === 0 && wanted === undefined) return undefined;
  const target = named ?? wanted ?? 'the network';
  return {
    kind: 'network',
    target,
    access: 'connect',
    message: `this run has no network, so \`${target}\` cannot be reached; only servers started in the same session answer`,
    howToAllow: 'run it without --offline',
  };
}

/** For a run with one, of whose connections the daemon saw all but those to bare addresses. */
export function findMissedAddress({ errorTail }: FailedRun): Violation | undefined {
  if (!unreachable.test(errorTail)) return undefined;
  const target = [...errorTail.matchAll(numeric)].map((match) => match[1] ?? '').find((each) => !isLocal(each));
  if (target === undefined) return undefined;
  return {
    kind: 'network',
    target,
    access: 'connect',
    message: `an address such as \`${target}\` leads nowhere inside: programs reach hosts by name, or addresses through the proxy of their environment`,
    howToAllow: `use the name of the host, or allow the address and let the program use the proxy: sbx run --net ${target.includes(':') ? `[${target}]` : target}`,
  };
}

/** What curl, Node, Go, Python and psql print of a port of loopback where nobody listens. */
const refusedPorts: readonly RegExp[] = [
  /(?:localhost|127\.0\.0\.1|\[?::1\]?)"?(?: \([0-9.:a-f]+\))?(?:,? port |:)(\d{1,5})\b/g,
  /port (\d{1,5}) failed: Connection refused/g,
];

/**
 * Loopback inside is the session's own: a service that the person started outside does not answer there.
 * @param isListening whether the machine has a listener on the port
 */
export function findMissedHostPort(
  { errorTail }: FailedRun,
  isListening: (port: number) => boolean,
): Violation | undefined {
  if (!/refused|[Cc]ould(?: not|n't) connect|ECONNREFUSED|Failed to connect/.test(errorTail)) return undefined;
  const ports = refusedPorts.flatMap((pattern) => [...errorTail.matchAll(pattern)].map((match) => Number(match[1])));
  const port = [...new Set(ports)].slice(0, maxPortsLookedAt).find(isListening);
  if (port === undefined) return undefined;
  return {
    kind: 'network',
    target: `localhost:${port}`,
    access: 'connect',
    message: `\`localhost\` inside is the session's own, and what listens on port ${port} of this machine is outside of it`,
    howToAllow: `add ${port} to \`network.hostPorts\` of your policy`,
  };
}

const maxPortsLookedAt = 8;

function isLocal(address: string): boolean {
  return loopback.has(address) || address.startsWith('127.');
}
