/** The page of rules, statement by statement: a row that holds and a row that does not, through the whole engine. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decisionSchema } from '../../../client/protocol/decision.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { ownStatements, type StatementCase, tableStatements } from '../../cases/rules-statements.ts';
import { type EngineFixture, openEngineFixture, policyFile } from './engine-fixture.ts';

let fixture: EngineFixture;
before(async () => {
  fixture = await openEngineFixture();
});
after(() => fixture.remove());

const statements = { ...ownStatements, ...tableStatements };

function check(row: StatementCase): void {
  const { policy = {} } = row;
  writeFileSync(policyFile(fixture), typeof policy === 'string' ? policy : JSON.stringify(policy));
  fixture.engine.reload();
  const decision = fixture.decide(row);
  decisionSchema.parse(decision);
  const [first] = decision.reasons;
  const shown = decision.reasons.map((reason) => `${reason.effect} ${reason.kind}: ${reason.message}`).join('\n');
  assert.equal(decision.effect, row.effect, shown);
  assert.equal(first?.effect, row.effect, shown);
  if (row.kind !== undefined) assert.equal(first?.kind, row.kind, shown);
  if (row.rule !== undefined) assert.equal(first?.rule, row.rule, shown);
  if (row.fault !== undefined) {
    assert.ok(first?.command !== undefined, shown);
    assert.equal(decision.commands[first.command]?.text, row.fault, shown);
  }
  const { finding, says, note } = row;
  if (finding !== undefined)
    assert.ok(
      decision.reasons.some((reason) => reason.finding === finding),
      shown,
    );
  if (says !== undefined)
    assert.ok(
      decision.reasons.some(({ message }) => message.includes(says)),
      shown,
    );
  if (note !== undefined)
    assert.ok(
      decision.notes.some((each) => each.includes(note)),
      decision.notes.join('\n'),
    );
  if (row.offers !== undefined) {
    assert.deepEqual(
      decision.suggestions.map(({ rules }) =>
        rules.map((rule) => rule.replace(fixture.workspace, '/WORKSPACE').replace(fixture.home, '/HOME')),
      ),
      row.offers,
    );
  }
}

for (const [statement, rows] of Object.entries(statements)) {
  describe(`RULES ${statement}`, () => {
    for (const row of rows) it(`${row.effect}: ${row.command.slice(0, 80)}`, () => check(row));
  });
}

/** Statements that are no matter of one command and one policy, and the tests that hold them; those of layers and imports are too. */
const elsewhere: Readonly<Record<string, string>> = {
  O14: 'test/unit/analyse/policies.test.ts',
  O15: 'test/unit/decide/lint-policy.test.ts',
  W4: 'test/unit/decide/network-decision.test.ts',
  W5: 'test/unit/decide/import-settings.test.ts',
  W7: 'test/unit/decide/network-decision.test.ts',
  W9: 'test/unit/decide/network-decision.test.ts',
  W10: 'test/unit/egress/checked-target.test.ts',
  W12: 'test/unit/decide/network-policy.test.ts',
  '§15': 'test/unit/decide/decide.test.ts',
  '§10': 'test/unit/decide/policy-layers.test.ts',
  '§13': 'test/unit/decide/import-settings.test.ts',
  '§16': 'test/cases/decide-vectors.ts',
};

it('every statement of the page has a row that holds and one that does not', () => {
  const page = readFileSync(path.join(findPackageRoot(), 'daemon/decide/RULES.md'), 'utf8');
  const defined = [...page.matchAll(/^\| ([A-Z]\d+)\s+\|/gm), ...page.matchAll(/^#+ (§\d+) /gm)].map(
    ([, id = '']) => id,
  );
  const wanted = defined.filter((id) => !(id in elsewhere) && !/^[SX]\d+$/.test(id));
  assert.deepEqual(
    wanted.filter(
      (id) => new Set(statements[id]?.map(({ effect, offers }) => `${effect} ${offers?.length ?? ''}`)).size < 2,
    ),
    [],
  );
  assert.deepEqual(
    Object.keys(statements).filter((id) => !defined.includes(id)),
    [],
  );
});
