/**
 * A destination that may be dialled: resolved once, every address checked, and exactly these addresses dialled. Whoever
 * answers the second lookup of a name differently (DNS rebinding) is never asked a second time.
 */
import { parseHost, showAuthority } from '../../client/protocol/authority.ts';
import { parseAddress } from '../../client/protocol/ip-address.ts';
import { isLoopbackHost } from '../../client/protocol/loopback.ts';
import type { AddressVerdict, judgeAddress } from '../decide/network-decision.ts';
import { type ClassifiedAddress, classifyAddress } from './addresses.ts';
import type { Refusal } from './model.ts';
import type { Resolve } from './resolve.ts';

declare const checked: unique symbol;

export interface CheckedTarget {
  readonly [checked]: true;
  /** Canonical: lower case, A-labels, no final dot; an address as the standard library prints it. */
  readonly host: string;
  readonly port: number;
  /** In the order in which they are tried; none for a host that the upstream proxy resolves. */
  readonly addresses: readonly string[];
}

export interface CheckOptions {
  readonly resolve: Resolve;
  /** What the policy says of an address: `judgeAddress` of its network. */
  readonly judge: (query: Parameters<typeof judgeAddress>[1]) => AddressVerdict;
  /** Ports of this machine's loopback that the policy grants. */
  readonly hostPorts: readonly number[];
  /** A person, or the request, allowed this very host: an address that it is by itself is named by that. */
  readonly named: boolean;
  readonly isOwn: (address: string) => boolean;
  /** Whether the connection goes through the upstream proxy, which resolves names itself. */
  readonly isProxied: (host: string, port: number) => boolean;
  readonly timeoutMs?: number;
}

/** Far above any resolver that works, far below the patience of a person. */
const resolveTimeoutMs = 5000;
/** Behind a proxy there may be no resolver at all, and then nothing is lost. */
const proxiedTimeoutMs = 1000;

/** Never rejects. @param host canonical, as `parseHost` gives it */
export async function checkTarget(
  { host, port }: { readonly host: string; readonly port: number },
  options: CheckOptions,
  signal: AbortSignal,
): Promise<CheckedTarget | Refusal> {
  if (parseHost(host) !== host || !Number.isInteger(port) || port < 1 || port > 65_535) {
    return { code: 'bad-host', message: 'this is no host and port that anything could be connected to' };
  }
  const shown = showAuthority(host, port);
  if (isLoopbackHost(host)) return checkOwn(host, port, shown, options);
  const isAddress = parseAddress(host) !== undefined;
  const isProxied = options.isProxied(host, port);
  const timeoutMs = options.timeoutMs ?? (isProxied ? proxiedTimeoutMs : resolveTimeoutMs);
  const found = isAddress ? [host] : await resolveInTime(host, options.resolve, timeoutMs, signal);
  if (!Array.isArray(found)) {
    if (isProxied && !signal.aborted) return make(host, port, []);
    return { code: 'unresolved', message: `\`${host}\` cannot be resolved: ${found}` };
  }
  const judged = found.map((address) => judgeOne(address, host, port, isAddress, options));
  const passing = judged.filter((each) => typeof each === 'string');
  const refused = judged.find((each) => typeof each !== 'string');
  // The proxy may choose any of them.
  if (refused !== undefined && (passing.length === 0 || isProxied)) return refused;
  if (passing.length === 0) return { code: 'unresolved', message: `\`${shown}\` has no address` };
  if (isProxied) return make(host, port, []);
  return make(host, port, interleave([...new Set(passing)]));
}

/** The only maker. */
function make(host: string, port: number, addresses: readonly string[]): CheckedTarget {
  return { host, port, addresses } as CheckedTarget;
}

/** The granted ports of the host's own loopback, the only way to it. */
function checkOwn(
  host: string,
  port: number,
  shown: string,
  { hostPorts, judge }: CheckOptions,
): CheckedTarget | Refusal {
  if (!hostPorts.includes(port)) {
    return {
      code: 'forbidden-address',
      message: `\`${shown}\` is the loopback of this machine`,
      howToAllow: `add ${port} to \`network.hostPorts\` of your policy`,
    };
  }
  const addresses = parseAddress(host) === undefined ? ['127.0.0.1', '::1'] : [host];
  const verdicts = addresses.map((address) => ({
    address,
    denial: judge({ addresses: [parseAddress(address)].filter((each) => each !== undefined), port, block: [] })
      .restricted,
  }));
  const denial = verdicts.find((each) => each.denial?.list === 'deny')?.denial;
  const passing = verdicts.filter((each) => each.denial?.list !== 'deny').map(({ address }) => address);
  if (denial === undefined || passing.length > 0) return make(host, port, passing);
  return { code: 'denied', message: `\`${shown}\` is denied by \`${denial.text}\``, rule: denial.text };
}

/** @returns the address as it is dialled */
function judgeOne(
  address: string,
  host: string,
  port: number,
  isAddress: boolean,
  { isOwn, judge, named }: CheckOptions,
): string | Refusal {
  const found = classifyAddress(address, isOwn);
  if (found === undefined) return { code: 'forbidden-address', message: `\`${host}\` resolves to what is no address` };
  const { restricted, named: entry } = judge({ addresses: found.addresses, port, block: found.block });
  const subject = isAddress ? `\`${host}\`` : `\`${host}\` leads to ${found.text}, which`;
  // What a command names itself was decided as such, question included.
  if (restricted !== undefined && (!isAddress || restricted.list === 'deny')) {
    return {
      code: 'denied',
      message: `${subject} is ${restricted.list === 'deny' ? 'denied' : 'to be asked about'} by \`${restricted.text}\``,
      rule: restricted.text,
    };
  }
  if (found.reach === 'public' || (found.reach === 'named' && (entry !== undefined || (isAddress && named)))) {
    return found.text;
  }
  return { code: 'forbidden-address', message: `${subject} is ${found.what}`, ...explain(found, port) };
}

function explain({ reach, text, what }: ClassifiedAddress, port: number): Pick<Refusal, 'howToAllow'> {
  if (reach === 'named') {
    const entry = showAuthority(text, port === 80 || port === 443 ? undefined : port);
    return { howToAllow: `sbx run --net ${entry}, or add \`"${entry}"\` to \`network.allow\` of your policy` };
  }
  if (what !== 'an address of this machine') return {};
  return { howToAllow: `add ${port} to \`network.hostPorts\` of your policy and connect to localhost` };
}

/** @returns addresses, or in words why there are none. */
async function resolveInTime(
  name: string,
  resolve: Resolve,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly string[] | string> {
  let stop = (): void => {};
  const stopped = new Promise<string>((settle) => {
    const timer = setTimeout(() => settle(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = (): void => settle('the run has ended');
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([stopped, resolve(name)]);
  } catch (error) {
    return describeFailure(error);
  } finally {
    stop();
  }
}

function describeFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOTFOUND' || code === 'ENODATA') return 'there is no such name';
  if (code === 'EAI_AGAIN') return 'no name server answers';
  return typeof code === 'string' ? code : 'the lookup failed';
}

/** The families in turn, so that one which leads nowhere costs one attempt. Source: RFC 8305 4. */
function interleave(addresses: readonly string[]): readonly string[] {
  const first = addresses[0]?.includes(':') === true;
  const preferred = addresses.filter((address) => address.includes(':') === first);
  const others = addresses.filter((address) => address.includes(':') !== first);
  return preferred
    .flatMap((address, index) => [address, ...others.slice(index, index + 1)])
    .concat(others.slice(preferred.length));
}
