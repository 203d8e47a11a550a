/**
 * One command of the tree that `sbx check` draws: its answer and account, then what led to it. In short: the forms that rules
 * see where they are not the text itself, its effects, and findings and reasons that were not said yet. In full: everything.
 */
import type { CommandVerdict, DecisionEffect, Reason } from '../protocol/decision.ts';
import type { ConsideredRule, ExplainedCommand } from '../protocol/explanation.ts';
import { showText } from '../protocol/visible.ts';
import type { Paint } from './colour.ts';
import { formatOrigin, formatReason } from './report.ts';

/** A text of a thousand lines is known to its author; the tree names the place. */
const maxTextCharacters = 100;

/** Further ones are counted; `--explain` shows them. */
const maxEntries = 3;

export interface Drawing {
  readonly paint: Paint;
  readonly full: boolean;
  /** Messages that stand above the tree. */
  readonly said: ReadonlySet<string>;
}

export function paintEffect(effect: DecisionEffect, paint: Paint): string {
  const colour = { allow: paint.green, ask: paint.yellow, deny: paint.red }[effect];
  return colour(effect.padEnd(5));
}

function shorten(text: string): string {
  const shown = showText(text);
  return shown.length <= maxTextCharacters ? shown : `${shown.slice(0, maxTextCharacters - 1)}…`;
}

export function explainReason(reason: Reason, paint: Paint): string {
  const finding = reason.finding === undefined ? '' : paint.dim(` [${showText(reason.finding)}]`);
  const remedy = reason.kind === 'policy-error' && reason.help !== undefined ? `; ${showText(reason.help)}` : '';
  return `${showText(formatReason(reason))}${remedy}${finding}`;
}

/** What a command runs itself has no verdict of its own: it is judged with the command that runs it. */
export function drawCommand(
  command: ExplainedCommand,
  verdict: CommandVerdict | undefined,
  drawing: Drawing,
): readonly string[] {
  const { paint, said } = drawing;
  const margin = '  '.repeat(command.depth + 1);
  const effect = verdict === undefined ? paint.dim('runs ') : paintEffect(verdict.effect, paint);
  const text = verdict?.text ?? command.text;
  const where = drawing.full && command.positions.length > 0 ? paint.dim(`  in ${command.positions.join(', ')}`) : '';
  const reasons = (verdict?.reasons ?? []).filter(({ message }) => !said.has(message));
  const details = [
    ...reasons.map((reason) => explainReason(reason, paint)),
    ...forms(command, text, drawing),
    ...list('effects', command.effects, drawing),
    ...findings(command, verdict?.reasons ?? [], drawing),
    ...(drawing.full ? command.rules.map((rule) => describeRule(rule, paint)) : []),
  ];
  return [
    `${margin}${effect} ${paint.bold(shorten(text))}${where}  ${paint.dim(showText(command.description))}`,
    ...details.map((line) => `${margin}      ${line}`.trimEnd()),
  ];
}

/** As allow rules see it, and as deny and ask rules do. */
function forms({ grantForms, restrictionForms }: ExplainedCommand, text: string, drawing: Drawing): readonly string[] {
  const differ = (entries: readonly string[]): boolean => drawing.full || entries.some((entry) => entry !== text);
  const grants = grantForms.length === 0 ? ['see no form of it'] : grantForms;
  return [
    ...(differ(grantForms) || grantForms.length === 0 ? list('grants', grants, drawing) : []),
    ...(differ(restrictionForms) ? list('restrict', restrictionForms, drawing) : []),
  ];
}

function findings(
  command: ExplainedCommand,
  reasons: readonly Reason[],
  { full, said, paint }: Drawing,
): readonly string[] {
  const told = (message: string): boolean =>
    [...said, ...reasons.map((reason) => reason.message)].some((text) => text.includes(message));
  return command.findings
    .filter(({ message }) => full || !told(message))
    .map(({ id, class: kind, message }) => `${paint.dim('finding  ')} ${id} (${kind}): ${showText(message)}`);
}

/** One line for the first entry of a list, further ones below it. */
function list(name: string, entries: readonly string[], { full, paint }: Drawing): readonly string[] {
  const shown = full || entries.length <= maxEntries ? entries : entries.slice(0, maxEntries - 1);
  const left = entries.length - shown.length;
  return [...shown.map(shorten), ...(left === 0 ? [] : [`${left} more`])].map(
    (entry, index) => `${paint.dim((index === 0 ? name : '').padEnd(9))} ${entry}`,
  );
}

const results = { matches: 'matches', 'could-match': 'could match', 'does-not-match': 'does not match' } as const;

function describeRule({ list: name, rule, origin, result, decides, because }: ConsideredRule, paint: Paint): string {
  const why = because === undefined ? '' : `: ${because}`;
  const mark = decides ? paint.bold('>') : ' ';
  const line = `${mark} ${name.padEnd(5)} ${showText(rule)}  ${results[result]}${showText(why)}`;
  return `${result === 'does-not-match' ? paint.dim(line) : line}  ${paint.dim(showText(formatOrigin({ origin })))}`;
}
