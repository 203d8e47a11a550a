/**
 * The decide stage: rules and findings become one answer with its reasons. Deny first, then what is never approved by
 * itself, then ask, then allow, then the mode; every simple command and every file it writes is judged on its own, and
 * the worst verdict is the answer (RULES E1–E7, §15). Pure and total: a defect in here is an ask, never an allow.
 */
import type { CommandVerdict, Decision, Reason } from '../../client/protocol/decision.ts';
import type { AnalysedCommand, Analysis, Finding } from '../analyse/model.ts';
import { viewCommand } from './command-view.ts';
import type { DecideContext } from './context.ts';
import { judgeGrants } from './judge-grants.ts';
import { judgeRestrictions } from './judge-restrictions.ts';
import { judgeUnparsable } from './judge-unparsable.ts';
import { findsHiddenNames } from './path-shape.ts';
import { type Policy, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { atCommand, findingReason } from './reasons.ts';
import { type Need, suggestRules } from './suggest.ts';

export function decide(analysis: Analysis, policy: Policy, context: DecideContext): Decision {
  try {
    return decideWith(analysis, policy, context, true);
  } catch (error) {
    const mode = context.mode ?? policy.defaultMode ?? 'manual';
    const effect = mode === 'dont-ask' ? 'deny' : 'ask';
    const message = `the command could not be judged, which is a defect of sbx: ${(error as Error).message}`;
    return {
      effect,
      reasons: [{ kind: 'unparsable', effect, message }],
      commands: [],
      suggestions: [],
      description: analysis.description,
      risk: { level: 'high', why: 'it could not be judged' },
      notes: [],
    };
  }
}

function decideWith(analysis: Analysis, policy: Policy, context: DecideContext, suggest: boolean): Decision {
  const mode = context.mode ?? policy.defaultMode ?? 'manual';
  const autoAllow = context.autoAllow && policy.problems.length === 0;
  const judged =
    analysis.script.kind === 'unparsable'
      ? { verdicts: [], whole: judgeUnparsable(analysis.script, policy), needs: undefined }
      : judgeScript(analysis, policy, { ...context, mode, autoAllow, hiddenNames: findsHiddenNames(analysis) });
  const all = [...judged.whole, ...judged.verdicts.flatMap((verdict) => verdict.reasons)];
  const asked = worst(all.map((reason) => reason.effect));
  const effect = asked === 'ask' && mode === 'dont-ask' ? 'deny' : asked;
  const reasons = orderReasons(all, asked);
  const suggestions =
    suggest && asked === 'ask' && judged.needs !== undefined
      ? suggestRules(
          judged.needs,
          (rules) => {
            const wider = { ...policy, allow: [...policy.allow, ...rules] };
            return decideWith(analysis, wider, { ...context, mode: 'manual' }, false).effect === 'allow';
          },
          context.facts.cwd,
        )
      : [];
  return {
    effect,
    reasons: finishReasons(reasons, asked, effect, policy, suggestions[0]?.rules),
    commands: mode === 'dont-ask' ? judged.verdicts.map(refuseAsked) : judged.verdicts,
    suggestions,
    description: analysis.description,
    risk: analysis.risk,
    notes: [...policy.problems.map(showProblem), ...policy.notes],
  };
}

type Settled = DecideContext & { readonly mode: NonNullable<DecideContext['mode']>; readonly hiddenNames: boolean };

function judgeScript(
  analysis: Analysis,
  policy: Policy,
  context: Settled,
): { verdicts: CommandVerdict[]; whole: readonly Reason[]; needs: readonly Need[] | undefined } {
  const needs: Need[] = [];
  let suggestible = true;
  let exact = analysis.commands.length > 0;
  const verdicts = analysis.commands.map((command) => {
    const own = analysis.findings.filter((finding) => finding.command === command.command.id);
    const verdict = judgeCommand(command, own, analysis, policy, context);
    if (verdict.need !== undefined) needs.push(verdict.need);
    suggestible &&= verdict.suggestible;
    exact &&= verdict.exact;
    return verdict.verdict;
  });
  const loose = judgeLoose(analysis, policy, context);
  const whole = analysis.findings
    .filter(
      (finding) =>
        finding.command === undefined || !analysis.commands.some((each) => each.command.id === finding.command),
    )
    .filter((finding) => finding.neverAutoApproved || !(exact && finding.class !== 'deception'))
    .filter((finding) => asksUnder(finding, context.autoAllow))
    .map((finding) => findingReason(finding, undefined));
  whole.unshift(...loose);
  if (verdicts.length === 0 && whole.length === 0) {
    const message = 'nothing in it runs a program or writes a file';
    return { verdicts, whole: [{ kind: 'read-only', effect: 'allow', message }], needs: undefined };
  }
  return { verdicts, whole, needs: suggestible ? needs : undefined };
}

/** Redirections of compound commands that hold no simple command are judged as one command without words. */
function judgeLoose(analysis: Analysis, policy: Policy, context: Settled): readonly Reason[] {
  const [first] = analysis.effects;
  if (first === undefined || analysis.script.kind === 'unparsable') return [];
  const span = { start: 0, end: analysis.script.text.length };
  const command: AnalysedCommand = {
    command: { ...span, id: 0, positions: [], assignments: [], words: [], redirections: [], pipedTo: undefined },
    cwd: undefined,
    changedDirectory: false,
    layers: [],
    program: undefined,
    known: true,
    readOnly: true,
    notReadOnlyBecause: undefined,
    callsFunction: undefined,
    effects: analysis.effects,
    unnamed: [],
    inner: [],
    description: '',
  };
  const { verdict } = judgeCommand(command, [], analysis, policy, context);
  return verdict.reasons.map(({ command: _, ...reason }) => reason);
}

interface Judged {
  readonly verdict: CommandVerdict;
  readonly need: Need | undefined;
  /** No rule that is added could make it run without a question. */
  readonly suggestible: boolean;
  readonly exact: boolean;
}

function judgeCommand(
  command: AnalysedCommand,
  findings: readonly Finding[],
  analysis: Analysis,
  policy: Policy,
  context: Settled,
): Judged {
  const { facts, mode, autoAllow } = context;
  const at = atCommand(command, analysis.script.text);
  const view = viewCommand(command, facts, context.hiddenNames);
  const { denied, asked } = judgeRestrictions(view, at, findings, policy, facts, autoAllow);
  const grant = judgeGrants(view, at, findings, policy, mode, facts);
  const finish = (effect: CommandVerdict['effect'], reasons: readonly Reason[]): Judged => ({
    verdict: {
      text: command.layers[0]?.text ?? analysis.script.text.slice(command.command.start, command.command.end),
      span: { start: command.command.start, end: command.command.end },
      effect,
      description: command.description,
      reasons: [...reasons],
    },
    need: effect === 'ask' ? { view, ...grant.needs } : undefined,
    suggestible: effect !== 'deny' && asked.length === 0 && grant.stopped.length === 0,
    exact: grant.exact,
  });
  if (denied.length > 0) return finish('deny', denied);
  if (grant.stopped.length > 0 || asked.length > 0) return finish('ask', [...grant.stopped, ...asked]);
  if (grant.missing.length === 0) return finish('allow', grant.covered);
  if (!autoAllow) return finish('ask', grant.missing);
  const held = findings.filter(
    (finding) => !(grant.exact && finding.class !== 'deception') && asksUnder(finding, true),
  );
  if (held.length > 0)
    return finish(
      'ask',
      held.map((finding) => findingReason(finding, at)),
    );
  const message = `nothing restricts ${at.subject}, and it runs inside the sandbox`;
  return finish('allow', [{ kind: 'auto-allow', effect: 'allow', message, command: at.command, span: at.span }]);
}

/** Under auto-allow only findings that the sandbox is no answer to still ask (RULES O11). */
function asksUnder(finding: Finding, autoAllow: boolean): boolean {
  return !autoAllow || finding.neverAutoApproved || finding.class === 'escape' || finding.class === 'deception';
}

const rank = { allow: 0, ask: 1, deny: 2 } as const;

function worst(effects: readonly CommandVerdict['effect'][]): CommandVerdict['effect'] {
  return effects.reduce<CommandVerdict['effect']>((a, b) => (rank[b] > rank[a] ? b : a), 'allow');
}

/** The deciding reasons, those about a command at fault first. */
function orderReasons(all: readonly Reason[], effect: CommandVerdict['effect']): Reason[] {
  return all.filter((reason) => reason.effect === effect);
}

function finishReasons(
  reasons: readonly Reason[],
  asked: CommandVerdict['effect'],
  effect: CommandVerdict['effect'],
  policy: Policy,
  suggested: readonly string[] | undefined,
): Reason[] {
  const result: Reason[] = reasons.map((reason) => ({ ...reason, effect }));
  const first = result[0];
  if (first !== undefined && asked === 'ask' && suggested !== undefined && first.help === undefined) {
    first.help = `allow ${suggested.map((rule) => quoteText(rule)).join(' and ')}`;
  }
  if (effect !== asked) {
    result.push({ kind: 'mode', effect, message: 'the mode dont-ask refuses what would be asked about' });
  }
  if (asked === 'ask') {
    for (const problem of policy.problems) {
      result.push({
        kind: 'policy-error',
        effect,
        message: `${showProblem(problem)}; until it is corrected this file allows nothing`,
        origin: problem.origin,
        ...(problem.help === undefined ? {} : { help: problem.help }),
      });
    }
  }
  return result;
}

function refuseAsked(verdict: CommandVerdict): CommandVerdict {
  if (verdict.effect !== 'ask') return verdict;
  return { ...verdict, effect: 'deny', reasons: verdict.reasons.map((reason) => ({ ...reason, effect: 'deny' })) };
}

function showProblem(problem: Policy['problems'][number]): string {
  return `${showOrigin(problem.origin)}: ${problem.message}`;
}
