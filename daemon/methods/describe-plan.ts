/**
 * `sbx plan`: the sandbox that a command would get, and why each part is as it is. It looks at the machine as a session
 * would and makes nothing.
 */

import { type LimitName, limitWords, showLimit } from '../../client/protocol/limit-names.ts';
import type { Config } from '../config.ts';
import type { NetworkPolicy } from '../decide/network-policy.ts';
import { type Setting, showOrigin } from '../decide/policy.ts';
import type { DecisionRequest } from '../evaluate.ts';
import type { Engine } from '../offline.ts';
import { loadSessionData } from '../platform/session-data.ts';
import { findWithheld } from '../request/environment.ts';
import type { HostFacts } from '../sandbox/plan/facts.ts';
import type { SessionPlan } from '../sandbox/plan/plan.ts';
import { fallbackCacheFolder, insideCacheFolder } from '../sandbox/plan/tool-caches.ts';
import { isWithin } from '../sandbox/plan/within.ts';
import { planWithoutMaking } from '../sandbox/session.ts';
import { buildEnvironment, findGranted } from './run-environment.ts';
import { describeInput, findSandboxAccount } from './sandbox-input.ts';

export interface PlannedPlace {
  readonly path: string;
  readonly because: string;
}

export interface PlanReport {
  readonly command: string;
  readonly decision: { readonly effect: 'allow' | 'ask' | 'deny'; readonly message: string };
  readonly account: { readonly name: string; readonly uid: number; readonly home: string; readonly because: string };
  readonly workspace?: string;
  readonly cwd: string;
  readonly writable: readonly PlannedPlace[];
  /** Inside of what is writable. */
  readonly readOnly: readonly PlannedPlace[];
  /** `shown`: what of the folder is readable all the same. */
  readonly hidden: readonly (PlannedPlace & { readonly shown: readonly string[] })[];
  /** Hidden as soon as they are made. */
  readonly hiddenWhenMade: readonly string[];
  readonly network: PlannedNetwork;
  readonly unixSockets: 'allowed' | 'blocked';
  readonly userNamespaces: 'closed' | 'open';
  readonly limits: readonly {
    readonly name: string;
    readonly what: string;
    readonly value: string;
    readonly because: string;
  }[];
  /** Names only. */
  readonly environment: {
    readonly passed: readonly string[];
    readonly set: readonly string[];
    readonly withheld: readonly { readonly name: string; readonly because: string }[];
  };
  readonly notHeld: readonly string[];
  readonly warnings: readonly string[];
}

export interface PlannedNetwork {
  /** `none`: only the loopback of the session. */
  readonly access: 'none' | 'filtered';
  /** What decides about hosts, restrictions first; the hosts of a preset are one. */
  readonly hosts: readonly {
    readonly effect: 'allow' | 'ask' | 'deny';
    readonly what: string;
    readonly because: string;
  }[];
}

export interface PlanWish {
  readonly request: Omit<DecisionRequest, 'home'>;
  readonly env: Readonly<Record<string, string>>;
  readonly grantEnv: readonly string[];
}

/** @throws {SbxError} `bad-workspace`, `bad-policy`, `bad-environment` and those of a decision */
export async function describePlan(engine: Engine, config: Config, wish: PlanWish): Promise<PlanReport> {
  const { command, cwd, workspace } = wish.request;
  const found = await findSandboxAccount(workspace, config);
  const { account } = found;
  const { decision, files, grantedEnv, limits } = engine.decide({ ...wish.request, home: account.home });
  const cache = account.home === '/nonexistent' ? undefined : config.cacheDirectory;
  const { facts, plan } = await planWithoutMaking(
    describeInput(
      workspace,
      found,
      { cache: cache === undefined ? undefined : { source: cache, slot: 0 }, staged: undefined },
      { files, limits, config },
    ),
  );
  const caller = { env: wish.env, grants: [...wish.grantEnv, ...findGranted(grantedEnv, wish.env)] };
  const cacheFolder = cache === undefined ? fallbackCacheFolder : insideCacheFolder;
  const env = buildEnvironment(caller, { account, cacheFolder, term: undefined, shell: false }, config);
  const passed = [...env.keys()].filter((name) => wish.env[name] !== undefined && wish.env[name] === env.get(name));
  return {
    command,
    decision: { effect: decision.effect, message: decision.reasons[0]?.message ?? decision.description },
    account: {
      ...{ name: account.name, uid: account.uid, home: account.home },
      because: account.uid === config.uid ? 'who runs sbx' : 'who owns the workspace',
    },
    ...(workspace === undefined ? {} : { workspace }),
    cwd,
    writable: listWritable(plan, facts),
    readOnly: listReadOnly(plan, facts),
    ...listHidden(facts),
    network: planNetwork(plan, engine.networkOf({ ...wish.request, home: account.home })),
    unixSockets: plan.unixSockets,
    userNamespaces: plan.userNamespaces,
    limits: Object.entries(limits).map(([name, limit]) => {
      const { origin, value } = limit as Setting<number>;
      const because = origin.layer === 'built-in' ? 'the default' : showOrigin(origin);
      return { name, what: limitWords[name as LimitName][0], value: showLimit(name as LimitName, value), because };
    }),
    environment: {
      passed: passed.sort(),
      set: [...env.keys()].filter((name) => !passed.includes(name)).sort(),
      withheld: findWithheld(caller, loadSessionData().environment),
    },
    notHeld: facts.remarks,
    warnings: plan.warnings,
  };
}

function planNetwork(plan: SessionPlan, network: NetworkPolicy): PlannedNetwork {
  if (plan.network === undefined) return { access: 'none', hosts: [] };
  const written = network.entries.filter(({ preset }) => preset === undefined);
  const order = ['deny', 'ask', 'allow'] as const;
  return {
    access: 'filtered',
    hosts: [
      ...order.flatMap((effect) =>
        written
          .filter(({ list }) => list === effect)
          .map(({ origin, text }) => ({ effect, what: text, because: showOrigin(origin) })),
      ),
      ...network.presets.map(({ origin, value }) => {
        const count = network.entries.filter(({ preset }) => preset === value).length;
        return { effect: 'allow' as const, what: `preset ${value}, ${count} hosts`, because: showOrigin(origin) };
      }),
      ...network.hostPorts.map(({ origin, value }) => ({
        effect: 'allow' as const,
        what: `port ${value} of this machine`,
        because: showOrigin(origin),
      })),
      { effect: network.default.value, what: 'other hosts', because: showOrigin(network.default.origin) },
    ],
  };
}

function listWritable(plan: SessionPlan, facts: HostFacts): PlannedPlace[] {
  const because = (target: string): string =>
    target === plan.workspace ? 'the workspace' : (facts.because.get(target) ?? 'the policy');
  return [
    ...plan.writable.map(({ target }) => ({ path: target, because: because(target) })),
    ...(plan.caches?.places ?? []).map(({ target, below }) => ({
      path: target,
      because: `a cache of tools, kept for this workspace alone${below === undefined ? '' : `, over ${below}`}`,
    })),
    ...plan.freshFolders.map((folder) => ({ path: folder, because: 'the session’s own, gone with it' })),
  ];
}

const repositoryReason = 'a command that may change it gets a private copy, of which the safe part is merged back';

function listReadOnly(plan: SessionPlan, facts: HostFacts): PlannedPlace[] {
  const protectedPaths = new Map(loadSessionData().protectedPaths.map((each) => [each.path, each.because]));
  const targets = plan.writable.map(({ target }) => target);
  const because = (pin: string): string => {
    const inTarget = targets.filter((target) => isWithin(target, pin)).map((target) => pin.slice(target.length + 1));
    // protected names are so at any depth
    const name = [...protectedPaths.keys()].find((each) =>
      inTarget.some((inside) => `/${inside}`.toLowerCase().endsWith(`/${each.toLowerCase()}`)),
    );
    const own = facts.because.get(pin);
    if (own !== undefined) return own;
    return name === undefined ? 'a later git would run what it names' : `protected: ${protectedPaths.get(name)}`;
  };
  return [
    ...plan.gitFolders.map((folder) => ({ path: folder, because: repositoryReason })),
    ...plan.pins.map((pin) => ({ path: pin, because: because(pin) })),
  ];
}

function listHidden(facts: HostFacts): Pick<PlanReport, 'hidden' | 'hiddenWhenMade'> {
  const present = facts.hidden.filter(({ kind }) => kind !== 'absent');
  return {
    hidden: present
      .map(({ because, except, path }) => ({
        ...{ path, shown: except },
        because: because ?? 'another path of a file that is hidden',
      }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    hiddenWhenMade: facts.hidden
      .filter(({ kind }) => kind === 'absent')
      .map(({ path }) => path)
      .sort(),
  };
}
