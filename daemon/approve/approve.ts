/**
 * The approve stage: the only place that turns a plan into an `ApprovedPlan`, which is all that the sandbox launches.
 * Either the decision allows it, or a person answered the very question that was shown.
 */
import type { Decision } from '../../client/protocol/decision.ts';
import type { ApprovedPlan, CommandPlan } from '../sandbox/model.ts';
import type { Answer } from './approvals.ts';

/**
 * A person who was asked about a protected file and said yes means that it is written; in every other case its pin holds.
 */
function isAskedAboutProtection({ commands, reasons }: Decision): boolean {
  return [...reasons, ...commands.flatMap((each) => each.reasons)].some(({ kind }) => kind === 'protected-path');
}

/** Undefined when the command must not run. INVARIANT(approved-plan): no other code makes an `ApprovedPlan`. */
export function approvePlan(
  plan: CommandPlan,
  decision: Decision,
  answer: Answer | undefined,
): ApprovedPlan | undefined {
  if (decision.effect === 'deny') return undefined;
  if (decision.effect === 'ask' && (answer === undefined || answer.answer === 'no')) return undefined;
  const lifts = decision.effect === 'ask' && isAskedAboutProtection(decision);
  return (lifts ? plan : { ...plan, unprotect: [] }) as ApprovedPlan;
}
