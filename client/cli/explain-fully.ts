/** Everything that was considered for a decision, for `sbx check --explain`: forms, effects, findings and every rule. */
import type { ConsideredRule, ExplainedCommand, Explanation } from '../protocol/explanation.ts';
import { showText } from '../protocol/visible.ts';
import type { Paint } from './colour.ts';
import { shorten } from './explain.ts';
import { formatOrigin } from './report.ts';

const results = { matches: 'matches', 'could-match': 'could match', 'does-not-match': 'does not match' } as const;

function describeRule({ list, rule, origin, result, decides, because }: ConsideredRule, paint: Paint): string {
  const why = because === undefined ? '' : `: ${because}`;
  const mark = decides ? paint.bold('>') : ' ';
  const line = `${mark} ${list.padEnd(5)} ${showText(rule)}  ${results[result]}${showText(why)}`;
  return `${result === 'does-not-match' ? paint.dim(line) : line}  ${paint.dim(showText(formatOrigin({ origin })))}`;
}

/** One line for the first entry of a list, further ones below it. */
function list(name: string, entries: readonly string[]): string[] {
  return entries.map((entry, index) => `  ${(index === 0 ? name : '').padEnd(9)} ${shorten(entry)}`);
}

function describeCommand(command: ExplainedCommand, paint: Paint): string[] {
  const where = command.positions.length === 0 ? '' : paint.dim(`  in ${command.positions.join(', ')}`);
  return [
    `${paint.bold(shorten(command.text))}${where}`,
    ...list('grants', command.grantForms.length === 0 ? ['see no form of it'] : command.grantForms),
    ...list('restrict', command.restrictionForms),
    ...list('effects', command.effects),
    ...list(
      'findings',
      command.findings.map(({ id, class: kind, message }) => `${id} (${kind}): ${message}`),
    ),
    ...command.rules.map((rule) => `  ${describeRule(rule, paint)}`),
    '',
  ].map((line) => `${'  '.repeat(command.depth)}${line}`.trimEnd());
}

export function explainFully({ mode, autoAllow, commands }: Explanation, paint: Paint): string[] {
  const lines = [
    `mode      ${mode}, auto-allow ${autoAllow ? 'on' : 'off'}`,
    '',
    ...commands.flatMap((command) => describeCommand(command, paint)),
  ];
  return lines;
}
