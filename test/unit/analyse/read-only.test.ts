/** The read-only set in both directions, over whole command lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnalysedCommand, Analysis } from '../../../daemon/analyse/model.ts';
import { effectful, harmless } from '../../cases/analyse-read-only.ts';
import { analyseText } from './workbench.ts';

const obstacle = (command: AnalysedCommand): string | undefined => {
  const writes = command.effects.some((effect) => effect.kind !== 'read' && effect.kind !== 'chdir');
  return command.notReadOnlyBecause ?? (writes ? 'it has effects' : undefined);
};
const obstacles = (analysis: Analysis): readonly string[] =>
  analysis.commands.flatMap((command) => obstacle(command) ?? []);

test('harmless command lines are read-only without a finding', () => {
  const wrong = harmless.flatMap((text) => {
    const analysis = analyseText(text);
    const why =
      analysis.script.kind === 'script'
        ? [...obstacles(analysis), ...analysis.findings.map((finding) => `${finding.id}: ${finding.message}`)]
        : [analysis.script.message];
    return why.length === 0 ? [] : [`${text}  ←  ${why.join('; ')}`];
  });
  assert.deepEqual(wrong, []);
});

test('effectful command lines are not read-only', () => {
  const wrong = effectful.filter((text) => {
    const analysis = analyseText(text);
    return analysis.script.kind === 'script' && obstacles(analysis).length === 0;
  });
  assert.deepEqual(wrong, []);
});
