/** Reasons as data: every one names the command at fault, the rule with its place, and what would change the answer. */
import type { DecisionEffect, Reason } from '../../client/protocol/decision.ts';
import type { AnalysedCommand, Finding } from '../analyse/model.ts';
import type { NetworkEntry } from './network-policy.ts';
import { showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';
import type { Rule } from './rule.ts';

/** The command that a reason is about. */
export interface At {
  /** Quoted for a sentence. */
  readonly subject: string;
  readonly command: number;
  readonly span: { readonly start: number; readonly end: number };
}

export function atCommand({ command, layers }: AnalysedCommand, source: string): At {
  const text = layers[0]?.text ?? source.slice(command.start, command.end);
  return { subject: quoteText(text, 100), command: command.id, span: { start: command.start, end: command.end } };
}

export function ruleReason(rule: Rule, at: At, effect: DecisionEffect, what: string): Reason {
  const place = showOrigin(rule.origin);
  const because = rule.reason === undefined ? '' : `: ${rule.reason}`;
  return {
    kind: rule.tool === 'Bash' ? 'rule' : 'path-rule',
    effect,
    message: `${at.subject} ${what} (${place})${because}`,
    rule: rule.text,
    origin: rule.origin,
    command: at.command,
    span: at.span,
    ...(effect === 'allow' ? {} : { help: 'change or remove that rule' }),
  };
}

export function hostReason({ origin, reason, text }: NetworkEntry, at: At): Reason {
  const because = reason === undefined ? '' : `: ${reason}`;
  return {
    kind: 'rule',
    effect: 'deny',
    message: `${at.subject} connects to a host that ${quoteText(text)} of \`network.deny\` denies (${showOrigin(origin)})${because}`,
    rule: text,
    origin,
    command: at.command,
    span: at.span,
    help: 'change or remove that entry',
  };
}

/** Findings that have a kind of their own. */
const findingKinds: ReadonlyMap<string, Reason['kind']> = new Map([
  ['critical-removal', 'critical-removal'],
  ['protected-path', 'protected-path'],
]);

export function findingReason(finding: Finding, at: At | undefined): Reason {
  return {
    kind: findingKinds.get(finding.id) ?? 'finding',
    effect: 'ask',
    message: at === undefined ? finding.message : `${at.subject}: ${finding.message}`,
    finding: finding.id,
    ...(at === undefined ? {} : { command: at.command }),
    span: { start: finding.span.start, end: finding.span.end },
  };
}
