/**
 * Whether a text may run outside the sandbox (RULES O12). One bash interprets the whole line, so a rule that lets a program
 * out takes effect only when every simple command has such a rule or only reads; else all of it stays inside. What such a
 * line writes needs rules of its own, as everything outside does.
 */
import type { Analysis, Facts } from '../analyse/model.ts';
import { viewCommand } from './command-view.ts';
import { findGrant } from './judge-grants.ts';
import { type Policy, showOrigin } from './policy.ts';
import { quoteText } from './quote-text.ts';

export interface Leaving {
  readonly granted: boolean;
  /** For people: which rule lets it out, or which command keeps it inside. */
  readonly note: string;
}

/** Undefined when no rule lets any of it out. */
export function judgeLeaving(analysis: Analysis, policy: Policy, facts: Facts): Leaving | undefined {
  const rules = policy.allow.filter((rule) => rule.sandbox === 'off');
  if (rules.length === 0 || analysis.script.kind === 'unparsable') return undefined;
  // A layer that says no has the last word; a broken file grants nothing, so neither do the others.
  if (policy.settings.allowUnsandboxed?.value === false || policy.problems.length > 0) return undefined;
  const only = { ...policy, allow: rules };
  const judged = analysis.commands.map((command) => ({
    command,
    text: quoteText(command.layers[0]?.text ?? ''),
    grant: findGrant(viewCommand(command, facts, analysis), only, facts),
  }));
  const [first] = judged.flatMap(({ text, grant }) => (grant === undefined ? [] : [{ text, rule: grant.rule }]));
  if (first === undefined) return undefined;
  const held = judged.find(({ command, grant }) => grant === undefined && !command.readOnly);
  if (held !== undefined) {
    const note = `all of it stays inside the sandbox: ${held.text} has no rule that lets it out, as ${first.text} has`;
    return { granted: false, note };
  }
  const rule = `${quoteText(first.rule.text)} (${showOrigin(first.rule.origin)})`;
  return { granted: true, note: `it runs outside the sandbox, as ${rule} says: nothing holds it` };
}
