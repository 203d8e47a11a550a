/** What a policy is: one layer as it was read, and the layers merged as decisions use them. Every entry keeps its place. */
import type { Origin } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { FileEntry } from './file-list.ts';
import type { Limits, PolicyLimits } from './limits.ts';
import { emptyNetwork, type NetworkPolicy, type ParsedNetwork } from './network-policy.ts';
import type { Rule } from './rule.ts';

/** An error of a policy file, with its place. */
export interface PolicyProblem {
  readonly message: string;
  readonly help: string | undefined;
  readonly origin: Origin;
}

/** A remark: something that is accepted and has no effect. */
export interface PolicyNote {
  readonly message: string;
  readonly help?: string | undefined;
  /** For who looks at the policy, not for every decision: the file was not written for sbx. */
  readonly quiet?: true;
  readonly origin: Origin;
}

/** A command that a rule must, or must not, match (RULES O4). */
export interface RuleExample {
  readonly rule: Rule;
  readonly command: string;
  readonly expected: boolean;
  readonly origin: Origin;
}

export interface Setting<T> {
  readonly value: T;
  readonly origin: Origin;
}

/** `planned`: the mode is dont-ask, and plan holds as well. */
export type ModeLimit = Setting<Mode> & { readonly planned?: true };

interface SettingValues {
  readonly defaultMode: Mode;
  readonly autoAllow: boolean;
  /** No grants and no answers by flag. */
  readonly lockFlags: boolean;
  /** The mode bypass is refused. */
  readonly disableBypass: boolean;
  /** Grants of other layers than managed policy have no effect. */
  readonly managedRulesOnly: boolean;
  /** The same for hosts alone. */
  readonly managedDomainsOnly: boolean;
  /** Auto-allow is as managed policy says; off where it says nothing. */
  readonly lockAutoAllow: boolean;
  /** A client may switch the sandbox off. */
  readonly allowUnsandboxed: boolean;
  /** An interactive shell may be opened. */
  readonly allowShell: boolean;
  /** Commands may make user namespaces of their own. */
  readonly userNamespaces: boolean;
  readonly profile: string;
  /** Whether the settings of another agent are read as well. */
  readonly import: boolean;
  readonly idleMinutes: number;
  /** Of a file of saved answers: the folder that they are for. */
  readonly workspace: string;
}

/** What a layer says; a key that is absent says nothing. */
export type Settings = { readonly [K in keyof SettingValues]?: Setting<SettingValues[K]> };

/** One file, or the rules of one command line. */
export interface ParsedPolicy {
  readonly layer: Origin['layer'];
  /** Undefined for what is no file. */
  readonly file: string | undefined;
  readonly rules: readonly Rule[];
  readonly examples: readonly RuleExample[];
  readonly settings: Settings;
  readonly limits: Limits;
  /** Additional directories, absolute. */
  readonly directories: readonly Setting<string>[];
  /** Names of variables that commands get. */
  readonly env: readonly Setting<string>[];
  /** Paths for the sandbox. */
  readonly files: readonly FileEntry[];
  readonly network: ParsedNetwork;
  /** The default mode may not be looser than this: what is left of a mode in a layer that may not choose one. */
  readonly modeLimit: ModeLimit | undefined;
  /** Auto-allow is off, whatever other layers say. */
  readonly autoAllowOff: Origin | undefined;
  readonly problems: readonly PolicyProblem[];
  readonly notes: readonly PolicyNote[];
}

/** The layers as one. */
export interface Policy {
  readonly allow: readonly Rule[];
  readonly ask: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly settings: Settings;
  readonly limits: PolicyLimits;
  /** The tightest limit, if any. A mode that managed policy chooses is one, for clients too. */
  readonly modeLimit: ModeLimit | undefined;
  /** A limit for the clients' choice as well as for the default. */
  readonly hardModeLimit: ModeLimit | undefined;
  /** Nobody can switch auto-allow on, and why. */
  readonly autoAllowOff: Origin | undefined;
  readonly allowUnsandboxed: boolean;
  readonly allowShell: boolean;
  readonly userNamespaces: boolean;
  /** Absolute. */
  readonly additionalDirectories: readonly string[];
  /** Names of variables that commands get although they would be withheld. */
  readonly env: readonly Setting<string>[];
  readonly files: readonly FileEntry[];
  readonly network: NetworkPolicy;
  readonly problems: readonly PolicyProblem[];
  readonly notes: readonly PolicyNote[];
}

/** What is left of a policy for a command that runs outside the sandbox: grants that count on it do not hold (RULES O12). */
export function outsideSandbox(policy: Policy): Policy {
  return { ...policy, allow: policy.allow.filter((rule) => rule.sandbox !== 'required') };
}

/** `file:line:column`, or the layer's name where there is no file. */
export function showOrigin(origin: Origin): string {
  if (origin.file === undefined) return origin.layer === 'flags' ? 'command line' : origin.layer;
  return [origin.file, origin.line, origin.column].filter((part) => part !== undefined).join(':');
}

export function showNote({ message, origin }: PolicyNote): string {
  return `${showOrigin(origin)}: ${message}`;
}

export function emptyLayer(layer: Origin['layer'], file?: string): ParsedPolicy {
  return {
    layer,
    file,
    rules: [],
    examples: [],
    settings: {},
    limits: {},
    directories: [],
    env: [],
    files: [],
    network: emptyNetwork,
    modeLimit: undefined,
    autoAllowOff: undefined,
    problems: [],
    notes: [],
  };
}
