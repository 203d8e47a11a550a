/** The merged policy as data for people and clients: layers with their state, every entry with its place (`policy.show`). */

import { limitNames } from '../../client/protocol/limit-names.ts';
import type { PolicyReport } from '../../client/protocol/policy-report.ts';
import { restricts } from '../decide/file-list.ts';
import { findIdleLimits, resolveLimits } from '../decide/limits.ts';
import { boundLayers } from '../decide/merge-policies.ts';
import { listNetworkGrants } from '../decide/network-grants.ts';
import type { NetworkPolicy } from '../decide/network-policy.ts';
import type { ParsedPolicy, Setting } from '../decide/policy.ts';
import { builtInLimits } from './built-in-limits.ts';
import type { EffectivePolicy } from './effective-policy.ts';
import type { PolicyLayer } from './policy-layers.ts';

type ReportedLayer = PolicyReport['layers'][number];
type Ignored = PolicyReport['ignored'][number];

export function reportPolicy(effective: EffectivePolicy, workspace: string | undefined): PolicyReport {
  const { policy, layers, given } = effective;
  const managed = layers.filter(({ layer }) => layer === 'managed');
  const others = layers.filter(({ layer }) => layer !== 'managed');
  const merged = [...managed, ...others].filter(({ state }) => state !== 'absent').map(({ parsed }) => parsed);
  const lock = policy.settings.managedRulesOnly ?? policy.settings.managedDomainsOnly;
  const bound = boundLayers([...managed.map(({ parsed }) => parsed), ...given, ...others.map(({ parsed }) => parsed)]);
  const limits = resolveLimits(policy.limits, [], builtInLimits, true);
  return {
    ...(workspace === undefined ? {} : { workspace }),
    layers: [
      ...managed.map((layer) => reportFile(layer, lock)),
      ...given.map(reportGiven),
      ...others.map((layer) => reportFile(layer, lock)),
    ],
    settings: [
      ...Object.entries(policy.settings).map(([key, setting]) => ({
        key,
        value: (setting as Setting<string | number | boolean>).value,
        origin: setting.origin,
      })),
      ...limitNames.flatMap((name) => {
        const limit = limits[name];
        return limit === undefined ? [] : [{ key: `limits.${name}`, ...limit }];
      }),
    ],
    rules: [...policy.deny, ...policy.ask, ...policy.allow].map((rule) => ({
      list: rule.list,
      rule: rule.text,
      origin: rule.origin,
      ...(rule.reason === undefined ? {} : { reason: rule.reason }),
      unless: rule.unless.map((each) => each.text),
      ...(rule.sandbox === undefined ? {} : { sandbox: rule.sandbox }),
    })),
    files: policy.files.map(({ list, origin, text }) => ({ list, path: text, origin })),
    network: reportNetwork(policy.network),
    additionalDirectories: bound.flatMap((layer) =>
      layer.directories.map(({ value, origin }) => ({ path: value, origin })),
    ),
    env: policy.env.map(({ value, origin }) => ({ name: value, origin })),
    ignored: [
      ...layers.flatMap(reportWaiting),
      ...lockedOut([...given, ...merged], lock),
      ...layers.flatMap(reportWeakening),
      ...[...policy.notes, ...findIdleLimits(bound, limits)].map(({ message, origin }) => ({
        what: message,
        because: '',
        origin,
      })),
    ],
    problems: policy.problems.map(({ message, help, origin }) => ({
      message,
      ...(help === undefined ? {} : { help }),
      origin,
    })),
  };
}

function reportNetwork({ default: unnamed, entries, hostPorts, presets }: NetworkPolicy): PolicyReport['network'] {
  const order = ['deny', 'ask', 'allow'] as const;
  return {
    default: unnamed,
    entries: order.flatMap((list) =>
      entries
        .filter((entry) => entry.list === list && entry.fromRule !== true)
        .map(({ text, origin, reason, preset }) => ({
          list,
          entry: text,
          origin,
          ...(reason === undefined ? {} : { reason }),
          ...(preset === undefined ? {} : { preset }),
        })),
    ),
    presets: presets.map(({ value, origin }) => ({ name: value, origin })),
    hostPorts: hostPorts.map(({ value, origin }) => ({ port: value, origin })),
  };
}

function reportFile(
  { layer, file, state, because, foreign, imported, parsed }: PolicyLayer,
  lock: Setting<boolean> | undefined,
): ReportedLayer {
  const locked = lock?.value === true && state === 'used' && layer !== 'managed' && hasGrants(parsed);
  return {
    layer,
    file,
    imported,
    state: locked ? 'locked-out' : state,
    ...(foreign.length === 0 ? {} : { foreign: [...foreign] }),
    ...(because === undefined ? {} : { because }),
  };
}

function reportGiven({ layer, file }: ParsedPolicy): ReportedLayer {
  return { layer, ...(file === undefined ? {} : { file }), imported: false, state: 'used' };
}

function hasGrants({ directories, env, files, network, rules }: ParsedPolicy): boolean {
  return (
    directories.length > 0 ||
    env.length > 0 ||
    listNetworkGrants(network).length > 0 ||
    files.some((entry) => !restricts(entry)) ||
    rules.some((rule) => rule.list === 'allow')
  );
}

function reportWaiting({ waiting }: PolicyLayer): readonly Ignored[] {
  return waiting.map(({ what, origin }) => ({
    what,
    because: 'the project is not trusted with it: sbx trust',
    origin,
  }));
}

function lockedOut(parsed: readonly ParsedPolicy[], lock: Setting<boolean> | undefined): readonly Ignored[] {
  if (lock?.value !== true) return [];
  const layers = boundLayers([...parsed]);
  const bound = new Set(layers.flatMap((layer) => layer.rules));
  const kept = new Set(layers.flatMap(({ network }) => listNetworkGrants(network)).map(({ origin }) => origin));
  const hosts = parsed
    .flatMap(({ network }) => listNetworkGrants(network))
    .filter(({ origin }) => !kept.has(origin))
    .map(({ what, origin }) => ({ what, because: 'managed policy alone may grant', origin }));
  const rules = parsed
    .flatMap((layer) => layer.rules)
    .filter((rule) => rule.list === 'allow' && !bound.has(rule))
    .map((rule) => ({
      what: `allow \`${rule.text}\``,
      because: 'managed policy alone may grant',
      origin: rule.origin,
    }));
  return [...rules, ...hosts];
}

function reportWeakening({ layer, file, weakening }: PolicyLayer): readonly Ignored[] {
  return weakening.map((key) => ({
    what: `\`${key}\``,
    because: 'it would weaken the sandbox',
    origin: { layer, file },
  }));
}
