/** The policy as decisions use it, and how layers become one: rules unite, scalars come from the highest layer that has them. */
import type { Origin } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { Rule } from './rule.ts';

/** An error of a policy file, with its place. */
export interface PolicyProblem {
  readonly message: string;
  readonly help: string | undefined;
  readonly origin: Origin;
}

/** A command that a rule must, or must not, match (RULES O4). */
export interface RuleExample {
  readonly rule: Rule;
  readonly command: string;
  readonly expected: boolean;
  readonly origin: Origin;
}

/** One file, or the rules of one command line. */
export interface ParsedPolicy {
  readonly layer: Origin['layer'];
  readonly rules: readonly Rule[];
  readonly examples: readonly RuleExample[];
  readonly defaultMode: Mode | undefined;
  readonly autoAllow: boolean | undefined;
  readonly lockFlags: boolean;
  /** Absolute. */
  readonly additionalDirectories: readonly string[];
  readonly idleMinutes: number | undefined;
  readonly problems: readonly PolicyProblem[];
  readonly notes: readonly string[];
}

export interface Policy {
  readonly allow: readonly Rule[];
  readonly ask: readonly Rule[];
  readonly deny: readonly Rule[];
  readonly defaultMode: Mode | undefined;
  readonly autoAllow: boolean | undefined;
  readonly lockFlags: boolean;
  readonly additionalDirectories: readonly string[];
  readonly idleMinutes: number | undefined;
  readonly problems: readonly PolicyProblem[];
  readonly notes: readonly string[];
}

/** What a layer with errors is still good for: its well-formed restrictions and its lock (RULES O36). */
export function withoutGrants(parsed: ParsedPolicy): ParsedPolicy {
  return {
    ...parsed,
    rules: parsed.rules.filter((rule) => rule.list !== 'allow'),
    defaultMode: parsed.defaultMode === 'dont-ask' ? 'dont-ask' : undefined,
    autoAllow: false,
    additionalDirectories: [],
  };
}

/** @param layers the highest first. */
export function mergePolicies(layers: readonly ParsedPolicy[]): Policy {
  const sound = layers.map((layer) => (layer.problems.length > 0 ? withoutGrants(layer) : layer));
  const rules = sound.flatMap((layer) => layer.rules);
  const list = (name: Rule['list']): readonly Rule[] => rules.filter((rule) => rule.list === name);
  return {
    allow: list('allow'),
    ask: list('ask'),
    deny: list('deny'),
    defaultMode: first(sound.map((layer) => layer.defaultMode)),
    autoAllow: sound.some((layer) => layer.problems.length > 0) ? false : first(sound.map((layer) => layer.autoAllow)),
    lockFlags: sound.some((layer) => layer.lockFlags),
    additionalDirectories: [...new Set(sound.flatMap((layer) => layer.additionalDirectories))],
    idleMinutes: first(sound.map((layer) => layer.idleMinutes)),
    problems: sound.flatMap((layer) => layer.problems),
    notes: sound.flatMap((layer) => layer.notes),
  };
}

export const emptyPolicy: Policy = mergePolicies([]);

function first<T>(values: readonly (T | undefined)[]): T | undefined {
  return values.find((value) => value !== undefined);
}

/** `file:line:column`, or the layer's name where there is no file. */
export function showOrigin(origin: Origin): string {
  if (origin.file === undefined) return origin.layer === 'flags' ? 'command line' : origin.layer;
  return [origin.file, origin.line, origin.column].filter((part) => part !== undefined).join(':');
}

export function emptyLayer(layer: Origin['layer']): ParsedPolicy {
  return {
    layer,
    rules: [],
    examples: [],
    defaultMode: undefined,
    autoAllow: undefined,
    lockFlags: false,
    additionalDirectories: [],
    idleMinutes: undefined,
    problems: [],
    notes: [],
  };
}
