/**
 * Judges every simple command of a text, in its order: denied, held back, asked about, allowed by a grant, or allowed
 * because it stays inside the sandbox (RULES E7, O11, §15).
 */
import type { CommandVerdict, Reason } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import type { AnalysedCommand, Analysis, Facts, Finding } from '../analyse/model.ts';
import { type CommandView, viewCommand } from './command-view.ts';
import { findGrant, type Granting, isLifted, judgeGrants } from './judge-grants.ts';
import { judgeRestrictions, judgeUnknownProgram, restrictsCommands } from './judge-restrictions.ts';
import { judgeRewrites } from './judge-rewrites.ts';
import type { Policy } from './policy.ts';
import { atCommand, findingReason } from './reasons.ts';
import type { Need } from './suggest.ts';
import { liftsProtection } from './unprotected.ts';

export interface JudgeContext {
  readonly mode: Mode;
  readonly autoAllow: boolean;
  readonly facts: Facts;
}

export interface JudgedScript {
  readonly verdicts: readonly CommandVerdict[];
  /** Reasons that belong to no simple command. */
  readonly whole: readonly Reason[];
  /** What rules would have to cover; undefined when no rule can make the text run without a question. */
  readonly needs: readonly Need[] | undefined;
}

export function judgeScript(analysis: Analysis, policy: Policy, context: JudgeContext): JudgedScript {
  // Only bypass lets a protected path be written without a question (RULES K3); the sandbox keeps its pins all the same.
  const isLifted = liftsProtection(policy, analysis, context.facts);
  const counted = analysis.findings.filter(
    (finding) => (context.mode !== 'bypass' || finding.id !== 'protected-path') && !isLifted(finding),
  );
  const views = viewsOf(analysis, context.facts);
  const grants = views.map((view) => findGrant(view, policy, context.facts));
  const allExact = grants.length > 0 && grants.every((grant) => grant?.match === 'exact');
  const byCommand = groupFindings(counted);
  const judged = views.map((view, index) => {
    const findings = byCommand.get(view.command.command.id) ?? [];
    const granting = grants[index];
    return judgeCommand({ view, findings, granting, text: analysis.script.text, allExact }, policy, context);
  });
  // Code that no command of the text holds meets no rule: `[[ -v 'a[$(rm x)]' ]]`.
  const restricted = context.mode !== 'bypass' && restrictsCommands(policy);
  const isHidden = (finding: Finding): boolean => restricted && finding.class === 'inner-code';
  const ids = new Set(analysis.commands.map((each) => each.command.id));
  const findings = counted
    .filter((finding) => finding.command === undefined || !ids.has(finding.command))
    .filter((finding) => finding.neverAutoApproved || finding.class === 'deception' || !allExact)
    .filter((finding) => holds(finding, context.autoAllow || context.mode === 'bypass') || isHidden(finding))
    .map((finding) => findingReason(finding, undefined));
  const whole = [...judgeLoose(analysis, policy, context), ...findings];
  if (judged.length === 0 && whole.length === 0) {
    whole.push({ kind: 'read-only', effect: 'allow', message: 'nothing in it runs a program or writes a file' });
  }
  return {
    verdicts: judged.map((each) => each.verdict),
    whole,
    needs: judged.every((each) => each.suggestible) ? judged.flatMap((each) => each.need ?? []) : undefined,
  };
}

interface Viewed {
  readonly facts: Facts;
  readonly views: readonly CommandView[];
}

/** The same text is judged again with each rule that is offered for it; how rules see its commands stays the same. */
const viewed = new WeakMap<Analysis, Viewed>();

function viewsOf(analysis: Analysis, facts: Facts): readonly CommandView[] {
  const known = viewed.get(analysis);
  if (known?.facts === facts) return known.views;
  const views = analysis.commands.map((command) => viewCommand(command, facts, analysis));
  viewed.set(analysis, { facts, views });
  return views;
}

function groupFindings(findings: readonly Finding[]): ReadonlyMap<number, readonly Finding[]> {
  const groups = new Map<number, Finding[]>();
  for (const finding of findings) {
    if (finding.command === undefined) continue;
    const group = groups.get(finding.command);
    if (group === undefined) groups.set(finding.command, [finding]);
    else group.push(finding);
  }
  return groups;
}

/** Under auto-allow, and in the mode bypass, only findings that the sandbox is no answer to still ask (RULES O11, §11). */
function holds(finding: Finding, freely: boolean): boolean {
  return !freely || finding.neverAutoApproved || finding.class === 'escape' || finding.class === 'deception';
}

interface Judging {
  readonly view: CommandView;
  readonly findings: readonly Finding[];
  readonly granting: Granting | undefined;
  /** Of the whole script. */
  readonly text: string;
  /** Every simple command of the script has a rule for its very text. */
  readonly allExact: boolean;
}

interface JudgedCommand {
  readonly verdict: CommandVerdict;
  readonly need: Need | undefined;
  readonly suggestible: boolean;
}

function judgeCommand(judging: Judging, policy: Policy, { mode, autoAllow, facts }: JudgeContext): JudgedCommand {
  const { view, findings, granting, text, allExact } = judging;
  const { command } = view;
  const at = atCommand(command, text);
  const { denied, asked: restricted } = judgeRestrictions(view, at, policy, facts, autoAllow);
  const rewrites = judgeRewrites(view, at, policy, facts);
  const asked = rewrites === undefined ? restricted : [...restricted, rewrites];
  const grant = judgeGrants(view, at, findings, policy, mode, facts, granting, allExact);
  const finish = (effect: CommandVerdict['effect'], reasons: readonly Reason[]): JudgedCommand => ({
    verdict: {
      text: command.layers[0]?.text ?? text.slice(command.command.start, command.command.end),
      span: at.span,
      effect,
      description: command.description,
      reasons: [...reasons],
    },
    need: effect === 'ask' ? { view, ...grant.needs } : undefined,
    suggestible: effect !== 'deny' && asked.length === 0 && grant.stopped.length === 0,
  });
  if (denied.length > 0) return finish('deny', denied);
  if (grant.stopped.length > 0 || asked.length > 0) return finish('ask', [...grant.stopped, ...asked]);
  if (grant.missing.length === 0) return finish('allow', grant.covered);
  if (!autoAllow && mode !== 'bypass') return finish('ask', grant.missing);
  const held = findings
    .filter((finding) => holds(finding, true) && !isLifted(finding, command, grant.exact, allExact))
    .map((finding) => findingReason(finding, at));
  const unknown = mode === 'bypass' ? undefined : judgeUnknownProgram(view, at, findings, policy);
  if (unknown !== undefined) held.push(unknown);
  if (held.length > 0) return finish('ask', held);
  const place = { command: at.command, span: at.span };
  if (mode === 'bypass') {
    const bypassed = `nothing restricts ${at.subject}, and the mode bypass asks no further`;
    return finish('allow', [{ kind: 'mode', effect: 'allow', message: bypassed, ...place }]);
  }
  const message = `nothing restricts ${at.subject}, and it runs inside the sandbox`;
  return finish('allow', [{ kind: 'auto-allow', effect: 'allow', message, ...place }]);
}

/** Redirections of compound commands that hold no simple command are judged as one command without words. */
function judgeLoose(analysis: Analysis, policy: Policy, context: JudgeContext): readonly Reason[] {
  if (analysis.effects.length === 0) return [];
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
  const view = viewCommand(command, context.facts, analysis);
  const granting = findGrant(view, policy, context.facts);
  const judging = { view, findings: [], granting, text: analysis.script.text, allExact: false };
  const { verdict } = judgeCommand(judging, policy, context);
  return verdict.reasons.map(({ command: _, ...reason }) => reason);
}
