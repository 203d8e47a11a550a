import assert from 'node:assert/strict';
import test from 'node:test';
import type { PendingApproval, SettledApproval } from '../../../client/protocol/events.ts';
import { Approvals, type Question } from '../../../daemon/approve/approvals.ts';

const question = (approvalId: string, timeoutMs = 60_000): Question => ({
  runId: approvalId,
  sessionId: 's',
  approval: {
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
  },
});

test('the first answer counts, a second is refused', async () => {
  const approvals = new Approvals();
  const asked = approvals.ask(question('a'));
  approvals.answer({ approvalId: 'a', answer: 'once' });
  assert.equal((await asked)?.answer, 'once');
  assert.throws(() => approvals.answer({ approvalId: 'a', answer: 'no' }), { code: 'unknown-approval' });
  assert.throws(() => approvals.find('a'), { code: 'unknown-approval' });
});

test('every approver is told of a question and of who was first, and nobody who left', async () => {
  const approvals = new Approvals();
  const told: [who: string, method: string, what: string][] = [];
  const approver = (who: string) => ({
    notify: (method: string, params: PendingApproval | SettledApproval) =>
      told.push([who, method, 'answer' in params ? params.answer : params.approval.approvalId]),
  });
  const [one, two, gone] = [approver('one'), approver('two'), approver('gone')];
  for (const each of [one, two, gone]) approvals.addApprover(each);
  approvals.removeApprover(gone);
  const asked = approvals.ask(question('a'));
  assert.equal(approvals.all.length, 1);
  approvals.answer({ approvalId: 'a', answer: 'no' });
  assert.equal((await asked)?.answer, 'no');
  assert.deepEqual(told, [
    ['one', 'approval.pending', 'a'],
    ['two', 'approval.pending', 'a'],
    ['one', 'approval.settled', 'no'],
    ['two', 'approval.settled', 'no'],
  ]);
  assert.deepEqual(approvals.all, []);
});

test('what remains of the time goes down and never below nothing', () => {
  const approvals = new Approvals();
  void approvals.ask(question('a', 50));
  const [pending] = approvals.all;
  assert.ok(pending && pending.remainingMs > 0 && pending.remainingMs <= 50);
  approvals.withdraw('a');
});

test('the deadline and a withdrawal are no answer, and approvers are told so', async () => {
  const approvals = new Approvals();
  const told: string[] = [];
  approvals.addApprover({
    notify: (_method: string, params: PendingApproval | SettledApproval) =>
      void ('answer' in params && told.push(params.answer)),
  });
  assert.equal(await approvals.ask(question('late', 5)), undefined);
  const asked = approvals.ask(question('b'));
  approvals.withdraw('b');
  assert.equal(await asked, undefined);
  assert.deepEqual(told, ['none', 'none']);
});
