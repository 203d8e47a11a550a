/**
 * The policy of one request: the layers of its workspace with the rules that came with it in their place, after the
 * request was refused what the policy locks.
 */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Flags, Mode } from '../../client/protocol/messages.ts';
import { parseFlags } from '../decide/flags.ts';
import { boundLayers, mergePolicies } from '../decide/merge-policies.ts';
import { findBypassObjection, isLooser } from '../decide/mode-choice.ts';
import { withPresets } from '../decide/network-presets.ts';
import { type ParsedPolicy, type Policy, showOrigin } from '../decide/policy.ts';
import type { ProjectGrant } from '../decide/project-grants.ts';
import type { RuleList } from '../decide/rule.ts';
import { loadNetworkPresets } from '../platform/network-presets.ts';
import type { LayerChoice, PolicyLayer, PolicyLayers } from './policy-layers.ts';

/** What of a request its policy depends on. */
export interface PolicyRequest {
  readonly cwd: string;
  readonly workspace: string | undefined;
  /** Home of the account that commands run as. */
  readonly home: string;
  readonly flags?: Flags | undefined;
  readonly sessionFlags?: Flags | undefined;
  readonly sessionGrants?: readonly string[] | undefined;
}

export interface EffectivePolicy {
  readonly policy: Policy;
  /** The files that were looked at, the highest first. */
  readonly layers: readonly PolicyLayer[];
  /** Flags and session. */
  readonly given: readonly ParsedPolicy[];
  /** Grants of the project that wait for trust. */
  readonly waiting: readonly ProjectGrant[];
}

/** @throws {SbxError} `bad-rule`, `bad-policy`, `locked-by-policy` */
export function findPolicy(layers: PolicyLayers, request: PolicyRequest): EffectivePolicy {
  const { cwd, flags = {}, home, sessionFlags = {}, sessionGrants = [], workspace } = request;
  const read = layers.read(workspace, chooseLayers(flags, sessionFlags));
  for (const given of [flags, sessionFlags]) refuseLockedFlags(given, read);
  const given = [
    ...readFlags(layers, flags, cwd, home, 'flags'),
    ...readFlags(layers, sessionFlags, cwd, home, 'session'),
    ...(sessionGrants.length === 0 ? [] : [parseRemembered({ allow: sessionGrants }, cwd, 'session')]),
  ];
  const policy = mergeRemembered(inOrder(read, given));
  return { policy, layers: read, given, waiting: read.flatMap((layer) => layer.waiting) };
}

/** A session brings the same rules with every request; compiled once, they also merge into the same policy as before. */
const compiled = new Map<string, ParsedPolicy>();
const maxCompiled = 16;
/** Longer lists are rare, and they would be what fills the memory. UTF-16 code units. */
const maxCompiledLength = 65_536;

function parseRemembered(
  { allow, ask, deny }: { readonly [list in RuleList]?: readonly string[] | undefined },
  anchor: string,
  layer: 'flags' | 'session',
): ParsedPolicy {
  const key = JSON.stringify([layer, anchor, allow, ask, deny]);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const parsed = parseFlags({ allow, ask, deny }, anchor, layer);
  if (key.length > maxCompiledLength) return parsed;
  const [oldest] = compiled.keys();
  if (compiled.size >= maxCompiled && oldest !== undefined) compiled.delete(oldest);
  compiled.set(key, parsed);
  return parsed;
}

/** Most requests bring no rules of their own, and then the files of a workspace come to the same policy as before. */
const merged: { layers: readonly ParsedPolicy[]; policy: Policy }[] = [];
const maxMerged = 8;

function mergeAll(layers: readonly ParsedPolicy[]): Policy {
  const policy = mergePolicies(layers);
  return { ...policy, network: withPresets(policy.network, loadNetworkPresets()) };
}

function mergeRemembered(layers: readonly ParsedPolicy[]): Policy {
  const at = merged.findIndex(
    (known) => known.layers.length === layers.length && known.layers.every((layer, index) => layer === layers[index]),
  );
  const found = at < 0 ? { layers, policy: mergeAll(layers) } : merged[at];
  if (found === undefined) return mergeAll(layers);
  if (at >= 0) merged.splice(at, 1);
  merged.unshift(found);
  merged.length = Math.min(merged.length, maxMerged);
  return found.policy;
}

/** The same with everything that waits for trust. */
export function withTrust({ layers, given }: EffectivePolicy): Policy {
  return mergeAll(
    inOrder(
      layers.map((layer) => ({ ...layer, parsed: layer.whole })),
      given,
    ),
  );
}

/** Managed policy stands above what came with the request, everything else below it. */
function inOrder(layers: readonly PolicyLayer[], given: readonly ParsedPolicy[]): readonly ParsedPolicy[] {
  const found = layers.filter(({ state }) => state !== 'absent');
  const parsed = (managed: boolean): readonly ParsedPolicy[] =>
    found.filter(({ layer }) => (layer === 'managed') === managed).map((layer) => layer.parsed);
  return [...parsed(true), ...given, ...parsed(false)];
}

function chooseLayers(flags: Flags, sessionFlags: Flags): LayerChoice {
  return { profile: flags.profile ?? sessionFlags.profile, import: flags.import ?? sessionFlags.import };
}

/** @throws {SbxError} `bad-rule`, `bad-policy` */
export function readFlags(
  layers: PolicyLayers,
  flags: Flags,
  cwd: string,
  home: string,
  layer: 'flags' | 'session',
): readonly ParsedPolicy[] {
  const { policyFile } = flags;
  const hasRules = [flags.allow, flags.ask, flags.deny].some((list) => list !== undefined && list.length > 0);
  const own = hasRules ? [parseRemembered(flags, cwd, layer)] : [];
  if (policyFile === undefined) return own;
  const parsed = layers.open(policyFile, layer, home);
  if (parsed === undefined) {
    throw new SbxError('bad-policy', `the policy file \`${policyFile}\` does not exist`, {
      help: 'name a file with --policy, or leave the option out',
    });
  }
  const [problem] = parsed.problems;
  if (problem) {
    throw new SbxError('bad-policy', `${showOrigin(problem.origin)}: ${problem.message}`, { help: problem.help });
  }
  return [...own, parsed];
}

/** The lock on flags that holds, if any: one layer is enough. */
export function findFlagLock(layers: readonly PolicyLayer[]): ParsedPolicy['settings']['lockFlags'] {
  const bound = boundLayers(layers.map(({ parsed }) => parsed));
  return bound.map(({ settings }) => settings.lockFlags).find((lock) => lock?.value === true);
}

/** @throws {SbxError} `locked-by-policy` */
export function refuseLockedFlags(flags: Flags, layers: readonly PolicyLayer[]): void {
  const widens =
    (flags.allow?.length ?? 0) > 0 ||
    flags.policyFile !== undefined ||
    flags.profile !== undefined ||
    // Without the imported settings their restrictions are gone, too.
    flags.import !== undefined;
  const lock = widens ? findFlagLock(layers) : undefined;
  if (lock === undefined) return;
  throw new SbxError('locked-by-policy', 'the policy forbids grants on the command line (`lockFlags`)', {
    help: `the lock is at ${showOrigin(lock.origin)}; put the rule into a policy file`,
  });
}

/**
 * A client that asks for a mode is there to be told that it cannot have it.
 * @throws {SbxError} `locked-by-policy`
 */
export function refuseMode(policy: Policy, mode: Mode | undefined, mayBypass: boolean): void {
  if (mode === undefined) return;
  const objection = mode === 'bypass' ? findBypassObjection(policy, mayBypass) : undefined;
  if (objection !== undefined) {
    throw new SbxError('locked-by-policy', objection.message.replace(/; .*$/, ''), {
      help: mayBypass
        ? `the lock is at ${showOrigin(objection.origin)}`
        : 'switch the sandbox on, or choose another mode',
    });
  }
  const lock = policy.settings.lockFlags;
  const usual = policy.settings.defaultMode?.value ?? 'manual';
  if (lock?.value !== true || !isLooser(mode, usual)) return;
  throw new SbxError('locked-by-policy', `the policy forbids a looser mode than \`${usual}\` (\`lockFlags\`)`, {
    help: `the lock is at ${showOrigin(lock.origin)}`,
  });
}
