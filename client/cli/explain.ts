/** A decision as a person reads it: effect and why, the tree of simple commands, and what would change the answer. */
import type { CommandVerdict, Decision, DecisionEffect, Reason } from '../protocol/decision.ts';
import type { ExplainedCommand, Explanation } from '../protocol/explanation.ts';
import { showText } from '../protocol/visible.ts';
import type { Paint } from './colour.ts';
import { formatReason, quoteForShell } from './report.ts';

/** A text of a thousand lines is known to its author; the tree names the place. */
const maxTextCharacters = 100;

export function paintEffect(effect: DecisionEffect, paint: Paint): string {
  const colour = { allow: paint.green, ask: paint.yellow, deny: paint.red }[effect];
  return colour(effect.padEnd(5));
}

function explainReason(reason: Reason, paint: Paint): string {
  const finding = reason.finding === undefined ? '' : paint.dim(` [${showText(reason.finding)}]`);
  return `${showText(formatReason(reason))}${finding}`;
}

export function shorten(text: string): string {
  const shown = showText(text);
  return shown.length <= maxTextCharacters ? shown : `${shown.slice(0, maxTextCharacters - 1)}…`;
}

/** What a command runs itself has no verdict of its own: it is judged with the command that runs it. */
function drawCommand(command: ExplainedCommand, verdict: CommandVerdict | undefined, paint: Paint): string[] {
  const margin = '  '.repeat(command.depth + 1);
  const effect = verdict === undefined ? paint.dim('runs ') : paintEffect(verdict.effect, paint);
  const text = verdict?.text ?? command.text;
  return [
    `${margin}${effect} ${paint.bold(shorten(text))}  ${paint.dim(showText(command.description))}`,
    ...(verdict?.reasons ?? []).map((reason) => `${margin}      ${explainReason(reason, paint)}`),
  ];
}

function drawTree(decision: Decision, { commands }: Explanation, paint: Paint): string[] {
  let next = 0;
  return commands.flatMap((command) =>
    drawCommand(command, command.span === undefined ? undefined : decision.commands[next++], paint),
  );
}

export function explainDecision(decision: Decision, explanation: Explanation, paint: Paint): string[] {
  const [first, ...others] = decision.reasons;
  const lines = [`${paintEffect(decision.effect, paint)} ${first ? explainReason(first, paint) : ''}`];
  for (const reason of others) lines.push(`      ${explainReason(reason, paint)}`);
  if (decision.commands.length > 0) lines.push('', ...drawTree(decision, explanation, paint));
  lines.push('', `does      ${showText(decision.description)}`);
  lines.push(`risk      ${decision.risk.level}: ${showText(decision.risk.why)}`);
  for (const help of new Set(decision.reasons.flatMap((reason) => reason.help ?? [])))
    lines.push(`change    ${showText(help)}`);
  for (const { rules } of decision.suggestions) {
    lines.push(`allow     ${showText(rules.map((rule) => `--allow ${quoteForShell(rule)}`).join(' '))}`);
  }
  for (const note of decision.notes) lines.push(`note      ${showText(note)}`);
  return [...lines, ''];
}
