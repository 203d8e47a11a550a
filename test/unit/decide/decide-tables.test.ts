import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Decision, decisionSchema } from '../../../client/protocol/decision.ts';
import { grantCases, modeCases } from '../../cases/decide-grants.ts';
import { autoAllowCases, restrictionCases } from '../../cases/decide-restrictions.ts';
import { type DecideCase, vectors } from '../../cases/decide-vectors.ts';
import { type EngineFixture, openEngineFixture } from './engine-fixture.ts';

let fixture: EngineFixture;
before(async () => {
  fixture = await openEngineFixture();
});
after(() => fixture.remove());

function show(decision: Decision): string {
  return decision.reasons.map((reason) => `${reason.effect} ${reason.kind}: ${reason.message}`).join('\n');
}

function check(row: DecideCase): void {
  const decision = fixture.decide(row);
  decisionSchema.parse(decision);
  const [first] = decision.reasons;
  assert.equal(decision.effect, row.effect, show(decision));
  assert.equal(first?.effect, row.effect, show(decision));
  if (row.kind !== undefined) assert.equal(first?.kind, row.kind, show(decision));
  if (row.fault !== undefined) {
    assert.ok(first?.command !== undefined, show(decision));
    assert.equal(decision.commands[first.command]?.text, row.fault, show(decision));
  }
  if (row.note !== undefined)
    assert.ok(
      decision.notes.some((note) => note.includes(row.note ?? '')),
      decision.notes.join('\n'),
    );
}

for (const [name, table] of Object.entries({
  'RULES vectors': vectors,
  grants: grantCases,
  modes: modeCases,
  restrictions: restrictionCases,
  'auto-allow': autoAllowCases,
})) {
  describe(name, () => {
    for (const row of table) it(`${row.id}: ${row.command.slice(0, 60)}`, () => check(row));
  });
}
