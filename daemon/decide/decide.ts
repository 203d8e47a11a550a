/**
 * The decide stage: rules and findings become one answer with its reasons. Deny first, then what is never approved by
 * itself, then ask, then allow, then the mode; every simple command and every file it writes is judged on its own, and
 * the worst verdict is the answer (RULES E1–E7, §15). Pure and total: a defect in here is an ask, never an allow.
 */
import type { CommandVerdict, Decision, DecisionEffect, Reason } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { Analysis, Facts } from '../analyse/model.ts';
import { type JudgedScript, judgeScript } from './judge-script.ts';
import { judgeUnparsable } from './judge-unparsable.ts';
import { chooseMode } from './mode-choice.ts';
import { type Policy, showNote, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { suggestRules } from './suggest.ts';

/** What a decision depends on besides the command and the policy. */
export interface DecideContext {
  /** The mode that was asked for; without it the policy's default mode, then `manual`. */
  readonly mode: Mode | undefined;
  /** Auto-allow as the client chose it (RULES O11). It has no effect while a policy file has errors (O36). */
  readonly autoAllow: boolean;
  /** False for root outside the sandbox (RULES §11). */
  readonly mayBypass?: boolean;
  readonly facts: Facts;
}

export function decide(analysis: Analysis, policy: Policy, context: DecideContext): Decision {
  const { mode, notes, planned } = chooseMode(policy, context.mode, context.mayBypass);
  // While a plan is made the sandbox is no reason to run something: a rule or a person says so, or it only reads (RULES O11).
  const within = planned ? { ...context, autoAllow: false } : context;
  const loud = [...policy.notes.filter(({ quiet }) => quiet !== true), ...notes];
  const remarks = [...policy.problems.map(showProblem), ...loud.map(showNote)];
  try {
    return decideIn(mode, analysis, policy, within, remarks);
  } catch (error) {
    const message = `the command could not be judged, which is a defect of sbx: ${String(error)}`;
    const effect = refuse('ask', mode);
    return {
      effect,
      reasons: [{ kind: 'unparsable', effect, message }],
      commands: [],
      suggestions: [],
      description: analysis.description,
      risk: { level: 'high', why: 'it could not be judged' },
      notes: remarks,
    };
  }
}

function decideIn(
  mode: Mode,
  analysis: Analysis,
  policy: Policy,
  context: DecideContext,
  notes: readonly string[],
): Decision {
  const judged = judge(mode, analysis, policy, context);
  const worst = effectOf(judged);
  const effect = refuse(worst, mode);
  const proves = (rules: Policy['allow']): boolean => {
    const wider = { ...policy, allow: [...policy.allow, ...rules] };
    return effectOf(judge(mode, analysis, wider, context)) === 'allow';
  };
  const suggestions =
    worst === 'ask' && judged.needs !== undefined ? suggestRules(judged.needs, proves, context.facts.cwd) : [];
  const reasons = allReasons(judged)
    .filter((reason) => reason.effect === worst)
    .map((reason) => ({ ...reason, effect }));
  const [first] = reasons;
  const [offer] = suggestions;
  if (first !== undefined && offer !== undefined) {
    first.help ??= `allow ${offer.rules.map((rule) => quoteText(rule)).join(' and ')}`;
  }
  if (worst === 'ask') {
    reasons.push(...circumstances(effect, mode, policy));
  }
  return {
    effect,
    reasons,
    commands: judged.verdicts.map((verdict) => refuseVerdict(verdict, mode)),
    suggestions,
    description: analysis.description,
    risk: analysis.risk,
    notes: [...notes],
  };
}

function judge(mode: Mode, analysis: Analysis, policy: Policy, { autoAllow, facts }: DecideContext): JudgedScript {
  const { script } = analysis;
  if (script.kind === 'unparsable') return { verdicts: [], whole: judgeUnparsable(script, policy), needs: undefined };
  const mayAutoAllow = policy.problems.length === 0 && policy.autoAllowOff === undefined;
  return judgeScript(analysis, policy, { mode, autoAllow: autoAllow && mayAutoAllow, facts });
}

function allReasons({ verdicts, whole }: JudgedScript): readonly Reason[] {
  return [...whole, ...verdicts.flatMap((verdict) => verdict.reasons)];
}

function effectOf(judged: JudgedScript): DecisionEffect {
  const effects = new Set(allReasons(judged).map((reason) => reason.effect));
  return effects.has('deny') ? 'deny' : effects.has('ask') ? 'ask' : 'allow';
}

/** In dont-ask nobody answers: what would be asked is denied (RULES §11). */
function refuse(effect: DecisionEffect, mode: Mode): DecisionEffect {
  return effect === 'ask' && mode === 'dont-ask' ? 'deny' : effect;
}

function refuseVerdict(verdict: CommandVerdict, mode: Mode): CommandVerdict {
  const effect = refuse(verdict.effect, mode);
  if (effect === verdict.effect) return verdict;
  return { ...verdict, effect, reasons: verdict.reasons.map((reason) => ({ ...reason, effect })) };
}

/** What else made the answer a question or a refusal. */
function circumstances(effect: DecisionEffect, mode: Mode, policy: Policy): readonly Reason[] {
  const problems = policy.problems.map(
    (problem): Reason => ({
      kind: 'policy-error',
      effect,
      message: `${showProblem(problem)}; until it is corrected this file allows nothing`,
      origin: problem.origin,
      ...(problem.help === undefined ? {} : { help: problem.help }),
    }),
  );
  if (effect !== 'deny' || mode !== 'dont-ask') return problems;
  return [{ kind: 'mode', effect, message: 'the mode dont-ask refuses what would be asked about' }, ...problems];
}

function showProblem(problem: Policy['problems'][number]): string {
  return `${showOrigin(problem.origin)}: ${problem.message}`;
}
