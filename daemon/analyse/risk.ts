/** How much could go wrong, in three steps, with the reason; a function of the analysis alone. */
import type { AnalysedCommand, Effect, Finding, Risk } from './model.ts';

export function assessRisk(
  commands: readonly AnalysedCommand[],
  findings: readonly Finding[],
  loose: readonly Effect[],
): Risk {
  const grave = findings.find((finding) => finding.severity === 'high');
  if (grave !== undefined) return { level: 'high', why: grave.message };
  const finding = findings[0];
  if (finding !== undefined) return { level: 'medium', why: finding.message };
  const effects = [...commands.flatMap((command) => command.effects), ...loose];
  const removal = effects.find((effect) => effect.kind === 'remove');
  if (removal?.kind === 'remove') return { level: 'medium', why: `removes \`${removal.target.source}\`` };
  const connection = effects.find((effect) => effect.kind === 'connect');
  if (connection !== undefined) return { level: 'medium', why: 'connects to the network' };
  const execution = effects.find((effect) => effect.kind === 'execute');
  if (execution !== undefined) return { level: 'medium', why: 'runs code that is not in the text' };
  const unknown = commands.find((command) => !command.known && command.command.words.length > 0);
  if (unknown !== undefined)
    return { level: 'medium', why: `\`${unknown.program ?? 'a program'}\` is not in the catalogue` };
  if (effects.some((effect) => effect.kind === 'write'))
    return { level: 'low', why: 'only writes files that it names' };
  if (commands.every((command) => command.readOnly)) return { level: 'low', why: 'only reads' };
  return { level: 'medium', why: 'changes more than files that it names' };
}
