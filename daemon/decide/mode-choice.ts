/**
 * Which mode a decision is made in, and whether auto-allow is on: what the client asks for, within what the policy allows
 * (RULES S1, S9, O11). A limit never loosens: a tighter wish stays as it is.
 */
import type { Mode } from '../../client/protocol/messages.ts';
import { type Policy, type PolicyNote, type Setting, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

/**
 * How much each lets through. `plan` and `dont-ask` are each tighter than the other in one way (one never auto-allows, the
 * other never asks), so neither may take the other's place.
 */
const freedom: Readonly<Record<Mode, number>> = { plan: 0, 'dont-ask': 0, manual: 1, 'accept-edits': 2, bypass: 3 };

export function isLooser(mode: Mode, than: Mode): boolean {
  return mode !== than && freedom[mode] >= freedom[than];
}

export function tightest(limits: readonly (Setting<Mode> | undefined)[]): Setting<Mode> | undefined {
  let result: Setting<Mode> | undefined;
  for (const limit of limits) {
    if (limit !== undefined && (result === undefined || isLooser(result.value, limit.value))) result = limit;
  }
  return result;
}

export interface ChosenMode {
  readonly mode: Mode;
  /** Why it is not the mode that was asked for. */
  readonly notes: readonly PolicyNote[];
}

/** @param mayBypass false for root outside the sandbox: nothing at all would be left between a mistake and the machine. */
export function chooseMode(policy: Policy, asked: Mode | undefined, mayBypass = true): ChosenMode {
  const notes: PolicyNote[] = [];
  let mode = asked ?? policy.settings.defaultMode?.value ?? 'manual';
  const limit = asked === undefined ? policy.modeLimit : policy.hardModeLimit;
  if (limit !== undefined && isLooser(mode, limit.value)) {
    notes.push({
      message: `the mode ${quoteText(limit.value)} takes the place of ${quoteText(mode)}`,
      origin: limit.origin,
    });
    mode = limit.value;
  }
  const objection = mode === 'bypass' ? findBypassObjection(policy, mayBypass) : undefined;
  if (objection === undefined) return { mode, notes };
  return { mode: 'manual', notes: [...notes, objection] };
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
