/**
 * Explains a decision that was made: each command in the forms that grants and restrictions see, every rule with its
 * answer and the first difference, and the smallest change that alters the result, found by deciding again.
 */
import type { CommandVerdict, Decision, Reason } from '../../client/protocol/decision.ts';
import type { ConsideredRule, ExplainedCommand, Explanation } from '../../client/protocol/explanation.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { AnalysedCommand, Analysis, Effect, Facts } from '../analyse/model.ts';
import { type CommandView, viewCommand } from './command-view.ts';
import { explainMismatch } from './explain-mismatch.ts';
import { grantsWrite, matches } from './matches.ts';
import { type Policy, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { Rule } from './rule.ts';

export interface Explaining {
  readonly policy: Policy;
  readonly facts: Facts;
  readonly mode: Mode;
  readonly autoAllow: boolean;
  /** The same command under another policy. */
  readonly judge: (policy: Policy) => Decision;
  /** The policy if everything that the project grants were trusted. */
  readonly trusted: Policy;
}

export function explainDecision(analysis: Analysis, decision: Decision, context: Explaining): Explanation {
  const change = findChange(decision, context);
  return {
    mode: context.mode,
    autoAllow: context.autoAllow,
    commands: analysis.commands.flatMap((command, index) =>
      explainCommand(command, decision.commands[index], analysis, context),
    ),
    ...(change === undefined ? {} : { change }),
  };
}

function explainCommand(
  command: AnalysedCommand,
  verdict: CommandVerdict | undefined,
  analysis: Analysis,
  { policy, facts }: Explaining,
): readonly ExplainedCommand[] {
  const view = viewCommand(command, facts, analysis);
  const depth = analysis.commands.filter((other) => encloses(other, command)).length;
  const own: ExplainedCommand = {
    ...describeForms(command, view, depth),
    span: { start: command.command.start, end: command.command.end },
    ...(verdict === undefined ? {} : { effect: verdict.effect }),
    findings: analysis.findings
      .filter((finding) => finding.command === command.command.id)
      .map(({ id, class: kind, message }) => ({ id, class: kind, message })),
    rules: considerRules(view, policy, facts, verdict?.reasons ?? []),
  };
  return [own, ...describeInner(command.inner, depth + 1, facts, analysis)];
}

/** A substitution stands inside the command whose words it belongs to. */
function encloses({ command: outer }: AnalysedCommand, { command: inner }: AnalysedCommand): boolean {
  return (
    outer !== inner &&
    outer.start <= inner.start &&
    inner.end <= outer.end &&
    outer.end - outer.start > inner.end - inner.start
  );
}

function describeInner(
  inner: readonly AnalysedCommand[],
  depth: number,
  facts: Facts,
  analysis: Analysis,
): readonly ExplainedCommand[] {
  return inner.flatMap((command) => [
    { ...describeForms(command, viewCommand(command, facts, analysis), depth), findings: [], rules: [] },
    ...describeInner(command.inner, depth + 1, facts, analysis),
  ]);
}

function describeForms(
  command: AnalysedCommand,
  view: CommandView,
  depth: number,
): Omit<ExplainedCommand, 'findings' | 'rules'> {
  const texts = view.wide.flatMap((form) => form.texts.map((text) => text.replaceAll('\uffff', '…')));
  return {
    text: command.layers[0]?.text ?? '',
    depth,
    positions: [...command.command.positions],
    description: command.description,
    grantForms: [...new Set(view.grants.map((form) => form.text))],
    restrictionForms: [...new Set(texts)],
    effects: [...new Set(command.effects.map(describeEffect))],
  };
}

function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'read':
    case 'write':
    case 'remove': {
      const { path, source, recursive } = effect.target;
      const verb = { read: 'reads', write: 'writes', remove: 'removes' }[effect.kind];
      return `${verb} ${path ?? `${source} (not known beforehand)`}${recursive ? ' and everything in it' : ''}`;
    }
    case 'connect':
      return `connects to ${effect.host ?? effect.url ?? 'a host that is not in the text'}`;
    case 'execute':
      return `runs ${effect.what}`;
    case 'chdir':
      return `changes to ${effect.target.path ?? effect.target.source}`;
  }
}

function considerRules(view: CommandView, policy: Policy, facts: Facts, reasons: readonly Reason[]): ConsideredRule[] {
  return [...policy.deny, ...policy.ask, ...policy.allow].map((rule) => {
    const result = considerRule(rule, view, facts);
    return {
      list: rule.list,
      rule: rule.text,
      origin: rule.origin,
      result,
      decides: reasons.some((reason) => isOf(reason, rule)),
      ...(result === 'does-not-match' ? { because: explainMismatch(rule, view, facts) } : {}),
    };
  });
}

function considerRule(rule: Rule, view: CommandView, facts: Facts): ConsideredRule['result'] {
  if (rule.list !== 'allow') {
    const match = matches(rule, view, facts, 'restrict');
    return match === 'no' ? 'does-not-match' : match === 'maybe' ? 'could-match' : 'matches';
  }
  const met =
    rule.tool === 'Edit'
      ? view.targets.some((target) => target.kind !== 'read' && grantsWrite(rule, target, facts))
      : matches(rule, view, facts, 'grant') !== 'no';
  return met ? 'matches' : 'does-not-match';
}

function isOf(reason: Reason, rule: Rule): boolean {
  const { origin } = reason;
  return (
    reason.rule === rule.text &&
    origin !== undefined &&
    showOrigin(origin) === showOrigin(rule.origin) &&
    reason.message.includes(rule.text)
  );
}

/** Candidates in the order of their size; the first that alters the answer. */
function findChange(
  decision: Decision,
  { policy, judge, trusted, mode, autoAllow }: Explaining,
): Explanation['change'] {
  const { effect } = decision;
  const [suggestion] = decision.suggestions;
  if (suggestion !== undefined) {
    return { what: `allow ${suggestion.rules.map((rule) => quoteText(rule)).join(' and ')}`, effect: 'allow' };
  }
  if (effect !== 'allow') {
    const then = judge(trusted).effect;
    if (then !== effect) return { what: "trust the project's grants with `sbx trust`", effect: then };
  }
  const lists = effect === 'allow' ? [...policy.allow] : [...policy.deny, ...policy.ask];
  const reasons = effect === 'allow' ? decision.commands.flatMap((verdict) => verdict.reasons) : decision.reasons;
  const deciding = lists.filter((rule) => reasons.some((reason) => isOf(reason, rule)));
  if (deciding.length > 0) {
    const without = (rules: readonly Rule[]): readonly Rule[] => rules.filter((rule) => !deciding.includes(rule));
    const then = judge({
      ...policy,
      allow: without(policy.allow),
      ask: without(policy.ask),
      deny: without(policy.deny),
    });
    const named = deciding.map((rule) => `${quoteText(rule.text)} (${showOrigin(rule.origin)})`).join(' and ');
    if (then.effect !== effect) return { what: `remove ${named}`, effect: then.effect };
    // Without the rule the question stays, because nothing allows the command either.
    const [grant] = then.suggestions;
    if (grant !== undefined) {
      const rules = grant.rules.map((rule) => quoteText(rule)).join(' and ');
      return { what: `remove ${named} and allow ${rules}`, effect: 'allow' };
    }
  }
  if (effect === 'allow' && autoAllow) {
    const then = judge({ ...policy, autoAllowOff: { layer: 'flags' } }).effect;
    if (then !== effect) return { what: 'switch auto-allow off', effect: then };
  }
  if (effect === 'deny' && mode === 'dont-ask') return { what: 'choose the mode `manual`', effect: 'ask' };
  return undefined;
}
