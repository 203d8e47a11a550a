import assert from 'node:assert/strict';
import test from 'node:test';
import type { Approval } from '../../../client/protocol/messages.ts';
import { Approvals } from '../../../daemon/approve/approvals.ts';

const approval = (approvalId: string, timeoutMs = 60_000): Approval => ({
  approvalId,
  command: 'make',
  cwd: '/w',
  decision: {
    effect: 'ask',
    reasons: [{ kind: 'no-rule', effect: 'ask', message: 'no rule allows it' }],
    commands: [],
    suggestions: [],
    description: 'runs make',
    risk: { level: 'low', why: 'x' },
    notes: [],
  },
  suggestions: [],
  saveTo: '/p',
  timeoutMs,
});

test('the first answer counts, a second is refused', async () => {
  const approvals = new Approvals();
  const client = {};
  const asked = approvals.ask(approval('a'), client);
  approvals.answer({ approvalId: 'a', answer: 'once' }, client);
  assert.equal((await asked)?.answer, 'once');
  assert.throws(() => approvals.answer({ approvalId: 'a', answer: 'no' }, client), { code: 'unknown-approval' });
});

test('a client cannot answer what another was asked', async () => {
  const approvals = new Approvals();
  const client = {};
  const asked = approvals.ask(approval('a'), client);
  assert.throws(() => approvals.answer({ approvalId: 'a', answer: 'once' }, {}), { code: 'unknown-approval' });
  approvals.answer({ approvalId: 'a', answer: 'no' }, client);
  assert.equal((await asked)?.answer, 'no');
});

test('the deadline and a withdrawal are no answer', async () => {
  const approvals = new Approvals();
  assert.equal(await approvals.ask(approval('late', 5), {}), undefined);
  const asked = approvals.ask(approval('b'), {});
  approvals.withdraw('b');
  assert.equal(await asked, undefined);
});
