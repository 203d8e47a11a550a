/**
 * What the policy's restrictions say about one command: deny rules first, then ask rules. A restriction that some
 * reading of the command would meet is an ask, whatever list it stands in (RULES E1, O5, O27).
 */
import type { Reason } from '../../client/protocol/decision.ts';
import type { Facts, Finding } from '../analyse/model.ts';
import { type CommandView, certainView } from './command-view.ts';
import { matches } from './matches.ts';
import { findDeniedHost } from './network-decision.ts';
import type { Policy } from './policy.ts';
import { type At, hostReason, ruleReason } from './reasons.ts';
import type { Rule } from './rule.ts';

export interface Restriction {
  readonly denied: readonly Reason[];
  readonly asked: readonly Reason[];
}

export function judgeRestrictions(
  view: CommandView,
  at: At,
  policy: Policy,
  facts: Facts,
  autoAllow: boolean,
): Restriction {
  const denied: Reason[] = [];
  const asked: Reason[] = [];
  let seen = view;
  const ask = (reason: Reason): void => {
    if (asked.length === 0) seen = certainView(view);
    asked.push(reason);
  };
  for (const rule of policy.deny) {
    const match = matches(rule, seen, facts, 'restrict');
    if (match === 'yes') denied.push(ruleReason(rule, at, 'deny', `is denied by ${showRule(rule)}`));
    if (match === 'maybe') ask(unsure(rule, at));
  }
  denied.push(...judgeHosts(view, at, policy));
  for (const rule of policy.ask) {
    // A bare ask is the default prompt under another name (RULES O11).
    if (autoAllow && rule.tool === 'Bash' && rule.pattern === undefined) continue;
    const match = matches(rule, seen, facts, 'restrict');
    if (match === 'yes') ask(ruleReason(rule, at, 'ask', `meets the ask rule ${showRule(rule)}`));
    if (match === 'maybe') ask(unsure(rule, at));
  }
  // A rule about the command itself says more than one about a file in its way.
  denied.sort((a, b) => Number(a.kind !== 'rule') - Number(b.kind !== 'rule'));
  return { denied, asked };
}

/** Hosts that no connection may reach. Those of `WebFetch` rules were judged with the other rules (RULES W11). */
function judgeHosts(view: CommandView, at: At, { network }: Policy): readonly Reason[] {
  if (!network.entries.some((entry) => entry.list === 'deny' && entry.fromRule !== true)) return [];
  return view.connections.flatMap(({ host }) => {
    const entry = host === undefined ? undefined : findDeniedHost(network, host);
    return entry === undefined || entry.fromRule === true ? [] : [hostReason(entry, at)];
  });
}

function unsure(rule: Rule, at: At): Reason {
  const reason = ruleReason(rule, at, 'ask', `could meet the ${rule.list} rule ${showRule(rule)}`);
  return { ...reason, help: 'write the unknown part out, so that it can be compared with the rule' };
}

function showRule(rule: Rule): string {
  return `\`${rule.text}\``;
}

/**
 * Under auto-allow a command whose program is not known beforehand is asked about when commands are restricted at all:
 * it could be the restricted one (RULES O11).
 */
export function judgeUnknownProgram(
  view: CommandView,
  at: At,
  findings: readonly Finding[],
  policy: Policy,
): Reason | undefined {
  if (!view.unknownProgram && !findings.some(hidesProgram)) return undefined;
  if (!restrictsCommands(policy)) return undefined;
  return {
    kind: 'auto-allow',
    effect: 'ask',
    message: `${at.subject} runs a program that is not known beforehand, and the policy restricts commands`,
    command: at.command,
    span: at.span,
    help: 'write the name of the program out',
  };
}

/** Whether the policy restricts some commands and not others. */
export function restrictsCommands({ deny, ask }: Policy): boolean {
  return [...deny, ...ask].some((rule) => rule.tool === 'Bash' && rule.pattern !== undefined);
}

/** Findings of code that is not in the text: it may run any program. */
const hiddenCode = new Set(['unknown-code', 'unknown-source', 'downloaded-code', 'decoded-code', 'code-on-stdin']);

function hidesProgram(finding: Finding): boolean {
  return hiddenCode.has(finding.id);
}
