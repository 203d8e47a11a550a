/** Ordinary commands through the whole engine, in the settings that people have: none of them may be asked about. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { commonRestrictions, everydayReads, everydayRules, everydayWork } from '../../cases/everyday-commands.ts';
import { type EngineFixture, openEngineFixture } from '../decide/engine-fixture.ts';

describe('everyday commands', () => {
  let fixture: EngineFixture;
  before(async () => {
    fixture = await openEngineFixture();
  });
  after(() => fixture.remove());

  /** Every command that is not allowed, with the setting and the reason. */
  const asked = (commands: readonly string[], settings: Record<string, object>): readonly string[] =>
    commands.flatMap((command) =>
      Object.entries(settings).flatMap(([name, setting]) => {
        const { effect, reasons } = fixture.decide({ command, ...setting });
        return effect === 'allow' ? [] : [`${command} (${name}): ${effect}: ${reasons[0]?.message}`];
      }),
    );

  for (const [name, commands] of Object.entries(everydayReads)) {
    it(`${name}, without rules`, () => {
      assert.deepEqual(
        asked(commands, {
          restricted: commonRestrictions,
          'auto-allow, restricted': { autoAllow: true, ...commonRestrictions },
        }),
        [],
      );
    });
  }
  for (const [name, commands] of Object.entries(everydayWork)) {
    it(`${name}, with rules`, () => {
      assert.deepEqual(
        asked(commands, {
          'rules, restricted': { ...everydayRules, ...commonRestrictions },
          'auto-allow, restricted': { autoAllow: true, ...commonRestrictions },
        }),
        [],
      );
    });
  }

  it('restrictions beside them hold', () => {
    const { effect } = fixture.decide({ command: 'npm test; rm -rf dist', ...everydayRules, ...commonRestrictions });
    assert.equal(effect, 'deny');
    assert.equal(fixture.decide({ command: 'npm test' }).effect, 'ask');
    assert.equal(fixture.decide({ command: 'git ls-files | xargs cat', ...commonRestrictions }).effect, 'ask');
  });
});
