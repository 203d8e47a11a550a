/**
 * How layers become one policy: rules unite, a scalar comes from the highest layer that has it, and a restriction of any
 * layer holds against all (RULES E3, S1). Locks take grants away from the layers that they bind (RULES S6, S9).
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { restricts } from './file-list.ts';
import { mergeLimits } from './limits.ts';
import { tightest } from './mode-choice.ts';
import { mergeNetwork, withoutNetworkGrants } from './network-policy.ts';
import type { ParsedPolicy, Policy, PolicyNote, Setting, Settings } from './policy.ts';
import type { Rule } from './rule.ts';

/** What a layer that may grant nothing is still good for (RULES O36, S3): its restrictions and its locks. */
export function withoutGrants(parsed: ParsedPolicy): ParsedPolicy {
  const { defaultMode, autoAllow, allowUnsandboxed, allowShell, userNamespaces, ...settings } = parsed.settings;
  return {
    ...parsed,
    rules: parsed.rules.filter((rule) => rule.list !== 'allow'),
    settings: {
      ...settings,
      ...(allowUnsandboxed?.value === false ? { allowUnsandboxed } : {}),
      ...(allowShell?.value === false ? { allowShell } : {}),
      ...(userNamespaces?.value === false ? { userNamespaces } : {}),
    },
    directories: [],
    env: [],
    files: parsed.files.filter(restricts),
    network: withoutNetworkGrants(parsed.network),
    modeLimit: tightest([parsed.modeLimit, defaultMode]),
    autoAllowOff: parsed.autoAllowOff ?? (autoAllow?.value === false ? autoAllow.origin : undefined),
  };
}

/** A repository may never set these, trusted or not (RULES S8). */
function withoutPrivileges(parsed: ParsedPolicy): ParsedPolicy {
  if (parsed.layer !== 'project' && parsed.layer !== 'project-local') return parsed;
  const {
    allowUnsandboxed,
    defaultMode,
    profile,
    import: imports,
    idleMinutes,
    userNamespaces,
    ...settings
  } = parsed.settings;
  const notes: PolicyNote[] = [];
  const refuse = (setting: Setting<unknown> | undefined, name: string): void => {
    if (setting === undefined) return;
    notes.push({
      message: `${name} is ignored: a project may not set it`,
      help: 'remove it, or set it in your own policy',
      origin: setting.origin,
    });
  };
  if (allowUnsandboxed?.value === true) refuse(allowUnsandboxed, '`allowUnsandboxed`');
  if (userNamespaces?.value === true) refuse(userNamespaces, '`userNamespaces`');
  if (defaultMode?.value === 'bypass') refuse(defaultMode, 'the mode `bypass`');
  refuse(profile, '`profile`');
  refuse(imports, '`import`');
  refuse(idleMinutes, '`idleMinutes`');
  const { network } = parsed;
  if (network.default?.value === 'ask') refuse(network.default, '`"default": "ask"`');
  const leaving = parsed.rules.filter((rule) => rule.sandbox === 'off');
  for (const { origin, text } of leaving) refuse({ value: text, origin }, '`"sandbox": "off"`');
  const unprotected = parsed.files.filter(({ list }) => list === 'unprotect');
  for (const { origin, text } of unprotected) refuse({ value: text, origin }, '`unprotect`');
  return {
    ...parsed,
    settings: {
      ...settings,
      ...(allowUnsandboxed?.value === false ? { allowUnsandboxed } : {}),
      ...(userNamespaces?.value === false ? { userNamespaces } : {}),
      ...(defaultMode === undefined || defaultMode.value === 'bypass' ? {} : { defaultMode }),
    },
    rules: parsed.rules.filter((rule) => !leaving.includes(rule)),
    files: parsed.files.filter((entry) => !unprotected.includes(entry)),
    network: network.default?.value === 'ask' ? { ...network, default: undefined } : network,
    notes: [...parsed.notes, ...notes],
  };
}

const managedOnly = ['managedRulesOnly', 'managedDomainsOnly', 'lockAutoAllow'] as const;

/** Locks that bind every other layer are for managed policy alone. */
function withoutForeignLocks(parsed: ParsedPolicy): ParsedPolicy {
  if (parsed.layer === 'managed') return parsed;
  const found = managedOnly.filter((name) => parsed.settings[name]?.value === true);
  if (found.length === 0) return parsed;
  const settings = Object.fromEntries(
    Object.entries(parsed.settings).filter(([name]) => !found.some((each) => each === name)),
  ) as Settings;
  const notes = found.map((name) => ({
    message: `\`${name}\` has an effect in managed policy only`,
    help: 'remove it, or move it to `/etc/sbx/policy.json`',
    origin: parsed.settings[name]?.origin ?? { layer: parsed.layer },
  }));
  return { ...parsed, settings, notes: [...parsed.notes, ...notes] };
}

/** @returns the layers as far as each of them may speak. */
export function boundLayers(layers: readonly ParsedPolicy[]): readonly ParsedPolicy[] {
  const sound = layers
    .map((layer) => (layer.problems.length > 0 ? withoutGrants(layer) : layer))
    .map(withoutPrivileges)
    .map(withoutForeignLocks);
  const rulesOnly = sound.some((layer) => layer.settings.managedRulesOnly?.value === true);
  const domainsOnly = rulesOnly || sound.some((layer) => layer.settings.managedDomainsOnly?.value === true);
  if (!domainsOnly) return sound;
  return sound.map((layer) => {
    if (layer.layer === 'managed') return layer;
    const keeps = (rule: Rule): boolean => rule.list !== 'allow' || !(rulesOnly || rule.tool === 'WebFetch');
    return {
      ...layer,
      rules: layer.rules.filter(keeps),
      directories: rulesOnly ? [] : layer.directories,
      env: rulesOnly ? [] : layer.env,
      files: rulesOnly ? layer.files.filter(restricts) : layer.files,
      network: withoutNetworkGrants(layer.network),
    };
  });
}

/** @param layers the highest first. */
export function mergePolicies(layers: readonly ParsedPolicy[]): Policy {
  const bound = boundLayers(layers);
  const rules = bound.flatMap((layer) => layer.rules);
  const list = (name: Rule['list']): readonly Rule[] => rules.filter((rule) => rule.list === name);
  const managed = bound.filter((layer) => layer.layer === 'managed');
  const settings = mergeSettings(bound);
  const hardModeLimit = tightest(managed.flatMap(({ settings: own, modeLimit }) => [own.defaultMode, modeLimit]));
  return {
    allow: list('allow'),
    ask: list('ask'),
    deny: list('deny'),
    settings,
    limits: mergeLimits(bound, settings.managedRulesOnly?.value === true),
    modeLimit: tightest([hardModeLimit, ...bound.map((layer) => layer.modeLimit)]),
    hardModeLimit,
    autoAllowOff: findAutoAllowOff(bound, managed, settings),
    // One layer that forbids them is enough: neither is something that a higher layer could need back.
    allowUnsandboxed: settings.allowUnsandboxed?.value === true,
    allowShell: settings.allowShell?.value !== false,
    userNamespaces: settings.userNamespaces?.value === true,
    additionalDirectories: [...new Set(bound.flatMap((layer) => layer.directories.map(({ value }) => value)))],
    env: bound.flatMap((layer) => layer.env),
    files: bound.flatMap((layer) => layer.files),
    network: mergeNetwork(bound, rules, settings.managedDomainsOnly),
    problems: bound.flatMap((layer) => layer.problems),
    notes: bound.flatMap((layer) => layer.notes),
  };
}

/** For these one layer is enough, whichever: the value that restricts. */
const restricting = {
  lockFlags: true,
  disableBypass: true,
  managedRulesOnly: true,
  managedDomainsOnly: true,
  lockAutoAllow: true,
  allowUnsandboxed: false,
  allowShell: false,
  userNamespaces: false,
} as const;

function mergeSettings(layers: readonly ParsedPolicy[]): Settings {
  const merged: Record<string, Setting<unknown>> = {};
  for (const { settings } of layers) {
    for (const [name, setting] of Object.entries(settings)) {
      const restricts = Object.hasOwn(restricting, name) ? restricting[name as keyof typeof restricting] : undefined;
      if (merged[name] === undefined || (setting.value === restricts && merged[name].value !== restricts)) {
        merged[name] = setting;
      }
    }
  }
  return merged as Settings;
}

function findAutoAllowOff(
  layers: readonly ParsedPolicy[],
  managed: readonly ParsedPolicy[],
  settings: Settings,
): Origin | undefined {
  const byManaged = managed.find(({ settings: own }) => own.autoAllow !== undefined)?.settings.autoAllow;
  if (byManaged?.value === false) return byManaged.origin;
  if (byManaged === undefined && settings.lockAutoAllow?.value === true) return settings.lockAutoAllow.origin;
  const limited = layers.find((layer) => layer.autoAllowOff !== undefined)?.autoAllowOff;
  return limited ?? layers.find((layer) => layer.problems.length > 0)?.problems[0]?.origin;
}

export const emptyPolicy: Policy = mergePolicies([]);
