/** What the layers as a whole add to a decision that their rules made: the note about trust, and the denial while managed policy is broken. */
import type { Decision } from '../../client/protocol/decision.ts';
import { type Policy, type PolicyProblem, showOrigin } from '../decide/policy.ts';
import { type EffectivePolicy, withTrust } from './effective-policy.ts';

export function describeProblem({ message, origin }: PolicyProblem): string {
  return `${showOrigin(origin)}: ${message}`;
}

/** What no trust was given to is worth a word where it would have changed the answer (RULES S5). */
export function noteTrust(
  decision: Decision,
  effective: EffectivePolicy,
  judge: (policy: Policy) => Decision,
): Decision {
  if (decision.effect === 'allow' || effective.waiting.length === 0) return decision;
  if (judge(withTrust(effective)).effect !== 'allow') return decision;
  return { ...decision, notes: ["the project's own rules would allow it; `sbx trust` shows them", ...decision.notes] };
}

/** While managed policy cannot be read, nothing is decided as if it were not there (RULES O36). */
export function denyBroken(decision: Decision, problem: PolicyProblem): Decision {
  const message = `managed policy is broken, so nothing runs: ${describeProblem(problem)}`;
  const help = problem.help ?? 'ask the administrator of this machine to correct it';
  return {
    ...decision,
    effect: 'deny',
    reasons: [{ kind: 'policy-error', effect: 'deny', message, origin: problem.origin, help }],
    commands: decision.commands.map((verdict) => ({ ...verdict, effect: 'deny' })),
    suggestions: [],
  };
}
