/**
 * Says why a command failed when it wanted the network: this version's sandbox has none but the session's loopback.
 * Inferred, because nothing inside reports it: a failed run whose words name a host, or whose error output is what name
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

export interface FailedRun {
  /** The end of what the command wrote to its error output or terminal. */
  readonly errorTail: string;
  /** Hosts that its words name, from the analysis. */
  readonly hosts: readonly string[];
}

/** Undefined when nothing suggests that the network was wanted. */
export function findNetworkViolation(run: FailedRun): Violation | undefined {
  const matches = resolverFailures.map((pattern) => pattern.exec(run.errorTail)).filter((match) => match !== null);
  const named = matches.map((match) => match[1]).find((host) => host !== undefined);
  const wanted = run.hosts.find((host) => !loopback.has(host));
  if (matches.length === 0 && wanted === undefined) return undefined;
  const target = named ?? wanted ?? 'the network';
  return {
    kind: 'network',
    target,
    message: `this version of sbx has no network inside the sandbox, so \`${target}\` cannot be reached; only servers started in the same session answer`,
  };
}
