/** The steps of a connection over a policy as it stands at each of them, for the gate of a run. */
import type { SbxError } from '../../client/protocol/errors.ts';
import type { Destination, NetworkDecision } from '../decide/network-decision.ts';
import { watchOwnAddresses } from './addresses.ts';
import { type CheckOptions, checkTarget } from './checked-target.ts';
import { dialTarget } from './dial.ts';
import { type Resolve, rememberAnswers, resolveBySystem } from './resolve.ts';
import type { GateInput } from './run-gate.ts';
import { type ProxyEnvironment, readUpstreamProxy, type UpstreamProxy } from './upstream-proxy.ts';

/** How this daemon reaches the world, the same for all runs. */
export interface Dialler {
  readonly upstream: UpstreamProxy | undefined;
  readonly resolve: Resolve;
  readonly isOwn: (address: string) => boolean;
}

export function openDialler(environment: ProxyEnvironment): Dialler {
  return {
    upstream: readUpstreamOrRefuse(environment),
    resolve: rememberAnswers(resolveBySystem),
    isOwn: watchOwnAddresses(),
  };
}

/** To connect without a proxy that is meant to be used would be a guess; all else of the daemon works without one. */
function readUpstreamOrRefuse(environment: ProxyEnvironment): UpstreamProxy | undefined {
  try {
    return readUpstreamProxy(environment);
  } catch (error) {
    const { message, help } = error as SbxError;
    const refusal = { code: 'unreachable', message, ...(help === undefined ? {} : { howToAllow: help }) } as const;
    return { isProxied: () => true, connect: async () => refusal, describe: () => [`none: ${message}`] };
  }
}

/** What the policy says at this moment. */
export interface NetworkAnswers {
  readonly decide: (destination: Destination) => NetworkDecision;
  readonly judge: CheckOptions['judge'];
  readonly hostPorts: readonly number[];
}

/** @param answers throws when the policy cannot be had. */
export function openTargets(
  answers: () => NetworkAnswers,
  { isOwn, resolve, upstream }: Dialler,
): Pick<GateInput, 'check' | 'decide' | 'dial'> {
  const isProxied = upstream?.isProxied ?? (() => false);
  return {
    decide: (destination) => answers().decide(destination),
    check: (destination, named, signal) => {
      const { hostPorts, judge } = answers();
      return checkTarget(destination, { resolve, judge, hostPorts, named, isOwn, isProxied }, signal);
    },
    dial: (target, signal) => dialTarget(target, { upstream, signal }),
  };
}
