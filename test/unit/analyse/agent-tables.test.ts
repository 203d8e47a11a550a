/** Two tables under one set of rules, through the whole engine: what must cost no question, and what must never run by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Decision } from '../../../client/protocol/decision.ts';
import { agentCommands } from '../../cases/agent-commands.ts';
import { attacks } from '../../cases/attacks.ts';
import { type EngineFixture, openEngineFixture } from '../decide/engine-fixture.ts';

describe('agents and attackers under the same rules', () => {
  let fixture: EngineFixture;
  before(async () => {
    fixture = await openEngineFixture();
  });
  after(() => fixture.remove());
  const show = ({ effect, reasons }: Decision): string =>
    `${effect}: ${reasons.map(({ message }) => message).join('\n')}`;

  for (const row of agentCommands)
    it(`${row.id}: ${row.command}`, () => {
      for (const autoAllow of [false, true]) {
        const decision = fixture.decide({ ...row, autoAllow });
        assert.equal(decision.effect, 'allow', show(decision));
      }
    });

  for (const { effect, ...row } of attacks)
    it(`${row.id}: ${row.command}`, () => {
      const decision = fixture.decide(row);
      if (effect === 'deny') assert.equal(decision.effect, 'deny', show(decision));
      else assert.notEqual(decision.effect, 'allow', show(decision));
    });
});
