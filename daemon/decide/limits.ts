/**
 * Which limit holds for a run. The strictest that any policy file or request names; the built-in one where nobody who
 * may grant named any. So a limit that is added, wherever, never gives a run more than another file or the caller left
 * it, and a repository can lower a limit and never raise one (RULES S10).
 */
import type { Origin } from '../../client/protocol/decision.ts';
import { type LimitName, limitNames, limitWords, showLimit } from '../../client/protocol/limit-names.ts';
import { type ParsedPolicy, type PolicyNote, type Setting, showOrigin } from './policy.ts';

export type Limits = { readonly [K in LimitName]?: Setting<number> };

/** What the files of a policy say. */
export interface PolicyLimits {
  /** Of layers that may give a run more than the built-in limits do. */
  readonly granted: Limits;
  /** Of all others. */
  readonly lowered: Limits;
}

/** What a session or a request wants for its runs. */
export interface RequestedLimits {
  readonly layer: 'flags' | 'session';
  readonly values: { readonly [K in LimitName]?: number | undefined };
}

export function strictest(all: readonly Limits[]): Limits {
  const found: Partial<Record<LimitName, Setting<number>>> = {};
  for (const limits of all) {
    for (const name of limitNames) {
      const limit = limits[name];
      const known = found[name];
      if (limit !== undefined && (known === undefined || limit.value < known.value)) found[name] = limit;
    }
  }
  return found;
}

/** A project restricts; of files with a mistake only the restrictions count. */
const mayGrant = (policy: ParsedPolicy): boolean =>
  policy.layer !== 'project' && policy.layer !== 'project-local' && policy.problems.length === 0;

/** @param managedAlone only managed policy may grant anything. */
export function mergeLimits(layers: readonly ParsedPolicy[], managedAlone: boolean): PolicyLimits {
  const grants = (policy: ParsedPolicy): boolean => mayGrant(policy) && (!managedAlone || policy.layer === 'managed');
  return {
    granted: strictest(layers.filter(grants).map(({ limits }) => limits)),
    lowered: strictest(layers.filter((policy) => !grants(policy)).map(({ limits }) => limits)),
  };
}

/** @param mayRaise whether a request may ask for more than the built-in limits; never for more than a file leaves. */
export function resolveLimits(
  policy: PolicyLimits,
  requests: readonly RequestedLimits[],
  builtIn: { readonly [K in LimitName]?: number },
  mayRaise: boolean,
): Limits {
  const requested = strictest(requests.map(({ layer, values }) => asLimits(values, { layer })));
  const named = mayRaise ? strictest([policy.granted, requested]) : policy.granted;
  const usual = asLimits(builtIn, { layer: 'built-in' });
  const unnamed = Object.fromEntries(Object.entries(usual).filter(([name]) => named[name as LimitName] === undefined));
  return strictest([policy.lowered, named, requested, unnamed]);
}

/** Limits of a project above what holds without them: a project raises none. */
export function findIdleLimits(layers: readonly ParsedPolicy[], holding: Limits): readonly PolicyNote[] {
  return layers
    .filter(({ layer }) => layer === 'project' || layer === 'project-local')
    .flatMap(({ limits }) =>
      limitNames.flatMap((name) => {
        const limit = limits[name];
        const lower = holding[name];
        if (limit === undefined || lower === undefined || limit.value <= lower.value) return [];
        const place = lower.origin.layer === 'built-in' ? 'the default' : showOrigin(lower.origin);
        const message = `\`${name}\` is ${showLimit(name, limit.value)}, but ${showLimit(name, lower.value)} holds (${place})`;
        return [{ message, help: 'remove it; a project may lower a limit, not raise it', origin: limit.origin }];
      }),
    );
}

function asLimits(values: { readonly [K in LimitName]?: number | undefined }, origin: Origin): Limits {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, { value, origin }]])),
  );
}

/** Which limit, its value, and where it was set. */
export function describeLimit(name: LimitName, { value, origin }: Setting<number>): string {
  const [what, option] = limitWords[name];
  const place =
    origin.file !== undefined
      ? `\`${name}\`, ${showOrigin(origin)}`
      : origin.layer === 'flags'
        ? (option ?? name)
        : origin.layer === 'session'
          ? 'set for the session'
          : 'the default';
  return `${what}, ${showLimit(name, value)} (${place})`;
}

export function howToRaise(name: LimitName, { origin }: Setting<number>): string {
  const [, option] = limitWords[name];
  if (origin.layer === 'managed') return 'the administrator of this machine set it, and can raise it';
  if (origin.file !== undefined) return `raise \`sandbox.limits.${name}\` there`;
  if (origin.layer === 'flags') return option === undefined ? 'ask for more' : `give a larger ${option}`;
  if (origin.layer === 'session') return 'ask for more with session.update';
  const inPolicy = `set \`sandbox.limits.${name}\` in your policy`;
  return option === undefined ? inPolicy : `give ${option}, or ${inPolicy}`;
}
