/** A decision as a person reads it: effect and why, the tree of simple commands, and what would change the answer. */
import type { Decision } from '../protocol/decision.ts';
import type { Explanation } from '../protocol/explanation.ts';
import { showText } from '../protocol/visible.ts';
import type { Paint } from './colour.ts';
import { drawCommand, explainReason, paintEffect } from './explain-command.ts';
import { quoteForShell } from './report.ts';

/** Reasons of the answer stand above the tree and are not repeated in it. */
function drawTree(decision: Decision, { commands }: Explanation, full: boolean, paint: Paint): string[] {
  const said = new Set(decision.reasons.map(({ message }) => message));
  let next = 0;
  return commands.flatMap((command) =>
    drawCommand(command, command.span === undefined ? undefined : decision.commands[next++], { paint, full, said }),
  );
}

/** What was proven to alter the answer; else what each reason advises. Mistakes in files carry their own advice. */
function describeChanges({ reasons }: Decision, { change }: Explanation): string[] {
  if (change !== undefined) return [`${change.what}: then ${change.effect}`];
  return [...new Set(reasons.flatMap(({ kind, help }) => (kind === 'policy-error' ? [] : (help ?? []))))];
}

/** More of them would hide the answer; `sbx policy lint` is the place to read them all. */
const maxNotes = 4;

function describeNotes({ notes, reasons }: Decision): string[] {
  const fresh = notes.filter((note) => !reasons.some(({ message }) => message.startsWith(note)));
  if (fresh.length <= maxNotes) return fresh;
  return [...fresh.slice(0, maxNotes - 1), `${fresh.length - maxNotes + 1} more; sbx policy lint shows them`];
}

/** `full`: with every form and every rule. */
export function explainDecision(decision: Decision, explanation: Explanation, full: boolean, paint: Paint): string[] {
  const [first, ...others] = decision.reasons;
  const lines = [`${paintEffect(decision.effect, paint)} ${first ? explainReason(first, paint) : ''}`];
  for (const reason of others) lines.push(`      ${explainReason(reason, paint)}`);
  if (decision.commands.length > 0) lines.push('', ...drawTree(decision, explanation, full, paint));
  lines.push('', `does      ${showText(decision.description)}`);
  lines.push(`risk      ${decision.risk.level}: ${showText(decision.risk.why)}`);
  for (const change of describeChanges(decision, explanation)) lines.push(`change    ${showText(change)}`);
  for (const { rules } of decision.suggestions) {
    lines.push(`allow     ${showText(rules.map((rule) => `--allow ${quoteForShell(rule)}`).join(' '))}`);
  }
  for (const note of describeNotes(decision)) lines.push(`note      ${showText(note)}`);
  if (full) lines.push(`mode      ${explanation.mode}, auto-allow ${explanation.autoAllow ? 'on' : 'off'}`);
  return [...lines, ''];
}
