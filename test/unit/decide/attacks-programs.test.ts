/** What programs bring in with them, under broad grants and a few restrictions; see the table. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { broadRules, type Expected, programAttacks } from '../../cases/attacks-programs.ts';
import { type EngineFixture, openEngineFixture } from './engine-fixture.ts';

describe('attacks by programs', () => {
  let fixture: EngineFixture;
  before(async () => {
    fixture = await openEngineFixture();
  });
  after(() => fixture.remove());

  const judge = (command: string, autoAllow: boolean): string => {
    const { effect, reasons } = fixture.decide({ ...broadRules, command, autoAllow });
    return `${effect}: ${reasons[0]?.message ?? ''}`;
  };
  const wrong = (expected: Expected, command: string): readonly string[] => {
    const runs = expected === 'deny' ? [false, true] : [expected.startsWith('auto-')];
    return runs
      .map((autoAllow) => judge(command, autoAllow))
      .filter((answer) => {
        const effect = answer.slice(0, answer.indexOf(':'));
        if (expected === 'deny') return effect !== 'deny';
        return expected.endsWith('allow') ? effect !== 'allow' : effect === 'allow';
      })
      .map((answer) => `${command} → ${answer}`);
  };

  for (const { id, rows } of programAttacks)
    it(id, () => {
      assert.ok(rows.some(([expected]) => expected === 'deny' || expected === 'ask'));
      assert.ok(rows.some(([expected]) => expected.endsWith('allow')));
      assert.deepEqual(
        rows.flatMap(([expected, command]) => wrong(expected, command)),
        [],
      );
    });
});
