/**
 * Which mode a decision is made in, and whether auto-allow is on: what the client asks for, within what the policy allows
 * (RULES S1, S9, O11). A limit never loosens: a tighter wish stays as it is.
 */
import type { Mode } from '../../client/protocol/messages.ts';
import { type ModeLimit, type Policy, type PolicyNote, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

/**
 * How much each lets through. `plan` and `dont-ask` are each tighter than the other in one way (one never auto-allows, the
 * other never asks), so neither may take the other's place: where both hold, nothing is asked and nothing is auto-allowed.
 */
const freedom: Readonly<Record<Mode, number>> = { plan: 0, 'dont-ask': 0, manual: 1, 'accept-edits': 2, bypass: 3 };

export function isLooser(mode: Mode, than: Mode): boolean {
  return mode !== than && freedom[mode] >= freedom[than];
}

export function tightest(limits: readonly (ModeLimit | undefined)[]): ModeLimit | undefined {
  let result: ModeLimit | undefined;
  for (const limit of limits) if (limit !== undefined) result = result === undefined ? limit : tighter(result, limit);
  return result;
}

function tighter(a: ModeLimit, b: ModeLimit): ModeLimit {
  if (freedom[a.value] !== freedom[b.value]) return freedom[a.value] < freedom[b.value] ? a : b;
  if (a.value === b.value) return a.planned ? a : b.planned ? b : a;
  return { ...(a.value === 'dont-ask' ? a : b), planned: true };
}

export interface ChosenMode {
  readonly mode: Mode;
  /** Why it is not the mode that was asked for. */
  readonly notes: readonly PolicyNote[];
  /** A plan is made: auto-allow has no effect (RULES O11). */
  readonly planned: boolean;
}

/** @param mayBypass false for root outside the sandbox: nothing at all would be left between a mistake and the machine. */
export function chooseMode(policy: Policy, asked: Mode | undefined, mayBypass = true): ChosenMode {
  const notes: PolicyNote[] = [];
  const first = asked ?? policy.settings.defaultMode?.value ?? 'manual';
  // Before the limits: one that is tighter than bypass and looser than manual would bring back more than manual.
  const objection = first === 'bypass' ? findBypassObjection(policy, mayBypass) : undefined;
  if (objection !== undefined) notes.push(objection);
  const wished = objection === undefined ? first : 'manual';
  const limit = asked === undefined ? policy.modeLimit : policy.hardModeLimit;
  const wish: ModeLimit = { value: wished, origin: limit?.origin ?? { layer: 'flags' } };
  const { value: mode, planned } = limit === undefined ? wish : tighter(wish, limit);
  if (limit !== undefined && mode !== wished) {
    notes.push({
      message: `the mode ${quoteText(mode)} takes the place of ${quoteText(wished)}`,
      origin: limit.origin,
    });
  }
  return { mode, notes, planned: planned === true || mode === 'plan' };
}

/** Why the mode bypass cannot be had. */
export function findBypassObjection(policy: Policy, mayBypass: boolean): PolicyNote | undefined {
  const disabled = policy.settings.disableBypass;
  if (disabled?.value === true) {
    return {
      message: 'the mode `bypass` is disabled (`disableBypass`); `manual` takes its place',
      origin: disabled.origin,
    };
  }
  if (mayBypass) return undefined;
  return {
    message: 'root has no mode `bypass` outside the sandbox; `manual` takes its place',
    origin: policy.settings.defaultMode?.origin ?? { layer: 'built-in' },
  };
}

/** Undefined stands for a client that leaves it to the policy. */
export function chooseAutoAllow(policy: Policy, asked: boolean | undefined): boolean {
  if (policy.autoAllowOff !== undefined || policy.problems.length > 0) return false;
  return asked ?? policy.settings.autoAllow?.value ?? true;
}

/** Where auto-allow was switched off, for a person who wonders. */
export function whyNoAutoAllow(policy: Policy): string | undefined {
  return policy.autoAllowOff === undefined ? undefined : `auto-allow is off (${showOrigin(policy.autoAllowOff)})`;
}
