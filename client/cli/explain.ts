/** A decision as a person reads it: effect and why, the tree of simple commands, and what would change the answer. */
import type { CommandVerdict, Decision, DecisionEffect, Reason } from '../protocol/decision.ts';
import { showText } from '../protocol/visible.ts';
import type { Paint } from './colour.ts';
import { formatReason, quoteForShell } from './report.ts';

/** A text of a thousand lines is known to its author; the tree names the place. */
const maxTextCharacters = 100;

interface Branch {
  readonly verdict: CommandVerdict;
  readonly inner: Branch[];
}

function paintEffect(effect: DecisionEffect, paint: Paint): string {
  const colour = { allow: paint.green, ask: paint.yellow, deny: paint.red }[effect];
  return colour(effect.padEnd(5));
}

/** A command substitution stands inside the command whose words it belongs to. */
export function growTree(commands: readonly CommandVerdict[]): Branch[] {
  const roots: Branch[] = [];
  const open: Branch[] = [];
  const outerFirst = [...commands].sort((a, b) => a.span.start - b.span.start || b.span.end - a.span.end);
  for (const verdict of outerFirst) {
    while ((open.at(-1)?.verdict.span.end ?? Number.POSITIVE_INFINITY) < verdict.span.end) open.pop();
    const parent = open.at(-1);
    const isInside = parent !== undefined && parent.verdict.span.end > verdict.span.start;
    const branch: Branch = { verdict, inner: [] };
    if (isInside) parent.inner.push(branch);
    else roots.push(branch);
    open.push(branch);
  }
  return roots;
}

function explainReason(reason: Reason, paint: Paint): string {
  const finding = reason.finding === undefined ? '' : paint.dim(` [${showText(reason.finding)}]`);
  return `${showText(formatReason(reason))}${finding}`;
}

function shorten(text: string): string {
  const shown = showText(text);
  return shown.length <= maxTextCharacters ? shown : `${shown.slice(0, maxTextCharacters - 1)}…`;
}

function drawBranch({ verdict, inner }: Branch, depth: number, paint: Paint): string[] {
  const margin = '  '.repeat(depth + 1);
  return [
    `${margin}${paintEffect(verdict.effect, paint)} ${paint.bold(shorten(verdict.text))}  ${paint.dim(showText(verdict.description))}`,
    ...verdict.reasons.map((reason) => `${margin}      ${explainReason(reason, paint)}`),
    ...inner.flatMap((branch) => drawBranch(branch, depth + 1, paint)),
  ];
}

export function explainDecision(decision: Decision, paint: Paint): string[] {
  const [first, ...others] = decision.reasons;
  const lines = [`${paintEffect(decision.effect, paint)} ${first ? explainReason(first, paint) : ''}`];
  for (const reason of others) lines.push(`      ${explainReason(reason, paint)}`);
  if (decision.commands.length > 0)
    lines.push('', ...growTree(decision.commands).flatMap((branch) => drawBranch(branch, 0, paint)));
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
