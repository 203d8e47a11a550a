/** Accounts and risks, word for word, and what holds for every one of them. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { agentCommands } from '../../cases/agent-commands.ts';
import { accounts } from '../../cases/analyse-descriptions.ts';
import { attacks } from '../../cases/attacks.ts';
import { analyseText } from './workbench.ts';

for (const [name, rows] of Object.entries(accounts))
  describe(name, () => {
    for (const { command, does, risk } of rows)
      it(command, () => {
        const analysis = analyseText(command);
        assert.deepEqual(
          { does: analysis.description, risk: `${analysis.risk.level}: ${analysis.risk.why}` },
          { does, risk },
        );
      });
  });

const everything = [
  ...Object.values(accounts).flatMap((rows) => rows.map(({ command }) => command)),
  ...agentCommands.map(({ command }) => command),
  ...attacks.map(({ command }) => command),
  "echo 'unbalanced",
];

test('every text has an account and a reason for its risk, on one line, with nothing left to fill in', () => {
  for (const text of everything) {
    const { description, risk } = analyseText(text);
    for (const said of [description, risk.why]) {
      assert.match(said, /^\S.*\S$/, text);
      assert.doesNotMatch(said, /\{\w*\|/, text);
      assert.doesNotMatch(said, /\p{Cc}|\p{Bidi_Control}/u, text);
    }
  }
});

test('an account is never endless, however long the text', () => {
  const words = Array.from({ length: 200 }, (_, index) => `name-${index}-${'x'.repeat(80)}`).join(' ');
  const steps = Array.from({ length: 200 }, (_, index) => `touch f${index}; rm g${index}`).join('; ');
  for (const text of [`rm ${words}`, `echo ${words} | sort | tee ${words}`, steps, `f() { ${steps}; }; f`])
    assert.ok(analyseText(text).description.length < 1000, text.slice(0, 40));
});

test('of a long text the weightiest steps are told', () => {
  const quiet = Array.from({ length: 20 }, (_, index) => `echo ${index}`);
  const text = [...quiet, 'git push --force', ...quiet].join('; ');
  assert.match(analyseText(text).description, /force-pushes.*more steps that only read$/);
});

test('only what reads, or writes where it may, is low', () => {
  for (const text of everything) {
    const analysis = analyseText(text);
    if (analysis.risk.level !== 'low') continue;
    const effects = analysis.commands.flatMap((command) => command.effects);
    const away = effects.filter((effect) => effect.kind === 'connect' && effect.host !== 'localhost');
    assert.deepEqual(away, [], text);
    // What is read as well is packed or moved.
    const read = effects.flatMap((effect) => (effect.kind === 'read' ? [effect.target.path] : []));
    const lost = effects.filter((effect) => effect.kind === 'remove' && !read.includes(effect.target.path));
    assert.deepEqual(lost, [], text);
    assert.ok(
      analysis.findings.every(({ severity }) => severity === 'low'),
      text,
    );
  }
});
