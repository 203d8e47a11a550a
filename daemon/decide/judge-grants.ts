/**
 * Whether one command may run without a question: its program by a rule, the read-only set or the mode, and each file it
 * writes on its own (RULES E7, C6, O21–O23, O28, O33). Findings beat every grant but an exact rule.
 */
import type { Reason } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { AnalysedCommand, Effect, Facts, Finding, PathTarget } from '../analyse/model.ts';
import type { CommandView } from './command-view.ts';
import { grantWrite, matches } from './matches.ts';
import { isEditCommand, isInside } from './modes.ts';
import { grantsPath } from './path-match.ts';
import type { Policy } from './policy.ts';
import { quoteText } from './quote-text.ts';
import { type At, findingReason, ruleReason } from './reasons.ts';
import type { CommandRule } from './rule.ts';

export interface Grant {
  /** Why it may run. */
  readonly covered: readonly Reason[];
  /** What keeps it from running. Empty when it is covered. */
  readonly missing: readonly Reason[];
  /** Findings that hold under every grant. */
  readonly stopped: readonly Reason[];
  /** A rule names this very text. */
  readonly exact: boolean;
  /** What a suggestion would have to cover. */
  readonly needs: { readonly command: boolean; readonly paths: readonly string[] };
}

export function judgeGrants(
  view: CommandView,
  at: At,
  findings: readonly Finding[],
  policy: Policy,
  mode: Mode,
  facts: Facts,
  rule: Granting | undefined,
  allExact: boolean,
): Grant {
  const { command } = view;
  const covered: Reason[] = [];
  const missing: Reason[] = [];
  const exact = rule?.match === 'exact';
  if (rule !== undefined) covered.push(ruleReason(rule.rule, at, 'allow', `is allowed by \`${rule.rule.text}\``));
  else if (command.readOnly) covered.push(readOnlyReason(command, at));
  else if (mode === 'accept-edits' && isEditCommand(command, facts)) {
    covered.push({
      ...place(at),
      kind: 'mode',
      effect: 'allow',
      message: `${at.subject} edits the workspace, which the mode accept-edits allows`,
    });
  } else missing.push(noRuleReason(view, at, policy, facts));

  const paths = new Set<string>();
  let unwritten = 0;
  for (const effect of command.effects) {
    if (effect.kind !== 'write' && effect.kind !== 'remove') continue;
    const reason = judgeWrite(effect, { command, at, policy, mode, facts, byRule: rule !== undefined, exact });
    if (reason === undefined) continue;
    missing.push(reason);
    const { path, resolved } = effect.target;
    if (path === undefined) continue;
    unwritten++;
    paths.add(path).add(resolved ?? path);
  }
  const lifted = (finding: Finding): boolean =>
    isLifted(finding, command, exact, allExact) || isReadAllowed(finding, command, policy, facts);
  const stopped = findings.filter((finding) => finding.neverAutoApproved).map((finding) => findingReason(finding, at));
  const open = findings.filter((finding) => !finding.neverAutoApproved && !lifted(finding));
  missing.unshift(...open.map((finding) => findingReason(finding, at)));
  return {
    covered,
    missing,
    stopped,
    exact,
    needs: {
      command: !exact && (open.length > 0 || covered.length === 0 || missing.length > unwritten),
      paths: [...paths],
    },
  };
}

/** The code of these findings can reach a program through a pipe, so that it is no part of the command's own text. */
const fedFindings = new Set(['code-on-stdin', 'downloaded-code', 'decoded-code']);

/** An exact rule lifts a finding (RULES O23) when the cause is in the text that it names. */
export function isLifted(finding: Finding, { command }: AnalysedCommand, exact: boolean, allExact: boolean): boolean {
  if (finding.neverAutoApproved || finding.class === 'deception') return false;
  return fedFindings.has(finding.id) && command.positions.includes('pipeline') ? allExact : exact;
}

/** A credential place that a Read rule allows by name needs no rule for every command that reads it (RULES O21). */
function isReadAllowed(finding: Finding, { effects }: AnalysedCommand, policy: Policy, facts: Facts): boolean {
  if (finding.id !== 'credential-read') return false;
  const read = effects.flatMap((effect) =>
    effect.kind === 'read' && effect.target.span.start === finding.span.start ? [effect.target] : [],
  );
  return (
    read.length > 0 &&
    read.every((target) =>
      policy.allow.some(
        (rule) =>
          rule.tool === 'Read' &&
          rule.pattern !== undefined &&
          grantsPath(rule.pattern, { kind: 'read', target, shape: undefined }, facts),
      ),
    )
  );
}

function place(at: At): Pick<Reason, 'command' | 'span'> {
  return { command: at.command, span: at.span };
}

/** A rule that covers a command; `exact` when it is the rule for this very text. */
export interface Granting {
  readonly rule: CommandRule;
  readonly match: 'yes' | 'exact';
}

/** The most particular grant, because an exact one lifts findings; else the first. */
export function findGrant(view: CommandView, policy: Policy, facts: Facts): Granting | undefined {
  let best: Granting | undefined;
  for (const rule of policy.allow) {
    if (rule.tool !== 'Bash' || (best !== undefined && rule.pattern?.exact !== true)) continue;
    const match = matches(rule, view, facts, 'grant');
    if (match === 'exact') return { rule, match };
    if (match === 'yes') best ??= { rule, match };
  }
  return best;
}

function readOnlyReason({ command, callsFunction }: AnalysedCommand, at: At): Reason {
  const effect = 'allow';
  if (callsFunction !== undefined) {
    return { ...place(at), kind: 'read-only', effect, message: `${at.subject} calls a function of the same text` };
  }
  if (command.words.length > 0) return { ...place(at), kind: 'read-only', effect, message: `${at.subject} only reads` };
  return { ...place(at), kind: 'assignment', effect, message: `${at.subject} only sets shell variables` };
}

function noRuleReason(view: CommandView, at: At, policy: Policy, facts: Facts): Reason {
  const { command } = view;
  const danger = command.unnamed[0] ?? command.inner.flatMap(({ unnamed }) => unnamed)[0];
  const broad =
    danger === undefined
      ? undefined
      : policy.allow.find(
          (rule) => rule.tool === 'Bash' && matches(rule, withoutDangers(view), facts, 'grant') !== 'no',
        );
  if (danger !== undefined && broad !== undefined) {
    const named = quoteText(danger.name);
    return {
      ...place(at),
      kind: 'no-rule',
      effect: 'ask',
      message: `${at.subject}: ${danger.because}, and \`${broad.text}\` does not name ${named}`,
      rule: broad.text,
      origin: broad.origin,
      help: `write a rule that names ${named}`,
    };
  }
  const because = command.notReadOnlyBecause === undefined ? '' : ` (${command.notReadOnlyBecause})`;
  return { ...place(at), kind: 'no-rule', effect: 'ask', message: `no rule allows ${at.subject}${because}` };
}

/** The same command as a broad rule would see it, to say which rule stopped short. */
function withoutDangers(view: CommandView): CommandView {
  return { ...view, grants: view.grants.map((form) => ({ ...form, pinned: new Set<number>(), inner: [] })) };
}

type FileEffect = Extract<Effect, { kind: 'read' | 'write' | 'remove' }>;

interface WriteContext {
  readonly command: AnalysedCommand;
  readonly at: At;
  readonly policy: Policy;
  readonly mode: Mode;
  readonly facts: Facts;
  readonly byRule: boolean;
  readonly exact: boolean;
}

function judgeWrite(effect: FileEffect, context: WriteContext): Reason | undefined {
  const { target } = effect;
  const { command, at, policy, mode, facts, byRule, exact } = context;
  if (grantWrite(policy.allow, { kind: effect.kind, target, shape: undefined }, facts)) return undefined;
  const inside = isInside(target, facts, false);
  if (mode === 'accept-edits' && inside && (target.path !== undefined || target.redirection === undefined))
    return undefined;
  const shown = quoteText(target.source);
  if (target.redirection !== undefined) {
    return {
      ...place(at),
      kind: 'redirect',
      effect: 'ask',
      message: `no rule allows writing ${shown}`,
      ...editHelp(target),
    };
  }
  // What a grant covers may write in the workspace and in temporary folders (RULES O28).
  if (exact || (!byRule && command.readOnly) || isInside(target, facts, true)) return undefined;
  if (!byRule && mode !== 'accept-edits') return undefined;
  const where = target.path === undefined ? 'a place that is not known beforehand' : 'outside the workspace';
  const verb = effect.kind === 'remove' ? 'removes' : 'writes';
  return {
    ...place(at),
    kind: 'path-rule',
    effect: 'ask',
    message: `${at.subject} ${verb} ${shown}, ${where}`,
    ...editHelp(target),
  };
}

function editHelp(target: PathTarget): { help?: string } {
  return target.path === undefined ? {} : { help: `allow \`Edit(/${target.path})\`` };
}
