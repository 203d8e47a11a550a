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
  const remedy = reason.kind === 'policy-error' && reason.help !== undefined ? `; ${showText(reason.help)}` : '';
  return `${showText(formatReason(reason))}${remedy}${finding}`;
}

export function shorten(text: string): string {
  const shown = showText(text);
  return shown.length <= maxTextCharacters ? shown : `${shown.slice(0, maxTextCharacters - 1)}…`;
}

/** What a command runs itself has no verdict of its own: it is judged with the command that runs it. */
function drawCommand(
  command: ExplainedCommand,
  verdict: CommandVerdict | undefined,
  said: ReadonlySet<string>,
  paint: Paint,
): string[] {
  const margin = '  '.repeat(command.depth + 1);
  const effect = verdict === undefined ? paint.dim('runs ') : paintEffect(verdict.effect, paint);
  const text = verdict?.text ?? command.text;
  return [
    `${margin}${effect} ${paint.bold(shorten(text))}  ${paint.dim(showText(command.description))}`,
    ...(verdict?.reasons ?? [])
      .filter(({ message }) => !said.has(message))
      .map((reason) => `${margin}      ${explainReason(reason, paint)}`),
  ];
}

/** Reasons of the answer stand above the tree and are not repeated in it. */
function drawTree(decision: Decision, { commands }: Explanation, paint: Paint): string[] {
  const said = new Set(decision.reasons.map(({ message }) => message));
  let next = 0;
  return commands.flatMap((command) =>
    drawCommand(command, command.span === undefined ? undefined : decision.commands[next++], said, paint),
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

export function explainDecision(decision: Decision, explanation: Explanation, paint: Paint): string[] {
  const [first, ...others] = decision.reasons;
  const lines = [`${paintEffect(decision.effect, paint)} ${first ? explainReason(first, paint) : ''}`];
  for (const reason of others) lines.push(`      ${explainReason(reason, paint)}`);
  if (decision.commands.length > 0) lines.push('', ...drawTree(decision, explanation, paint));
  lines.push('', `does      ${showText(decision.description)}`);
  lines.push(`risk      ${decision.risk.level}: ${showText(decision.risk.why)}`);
  for (const change of describeChanges(decision, explanation)) lines.push(`change    ${showText(change)}`);
  for (const { rules } of decision.suggestions) {
    lines.push(`allow     ${showText(rules.map((rule) => `--allow ${quoteForShell(rule)}`).join(' '))}`);
  }
  for (const note of describeNotes(decision)) lines.push(`note      ${showText(note)}`);
  return [...lines, ''];
}
