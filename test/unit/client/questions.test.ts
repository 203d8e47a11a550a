// A question is put once, answered once, and what is not a clear yes is a no.
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import type { PendingApproval } from '../../../client/protocol/events.ts';
import type { ApprovalRequest, OnApproval } from '../../../client/questions.ts';
import type { Session } from '../../../client/session.ts';
import { events, FakeDaemon, FakeRun, makeApproval, refusal } from './fake-daemon.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(() => daemon.close());

async function open(onApproval?: OnApproval): Promise<Session> {
  const client = await daemon.connect({ onApproval });
  return client.openSession({ cwd: '/work' });
}

function ask(id = 'a-1'): FakeRun {
  return new FakeRun(daemon).event(events.decided).event({ type: 'approvalNeeded', approval: makeApproval(id) });
}

const pending = (approvalId: string, runId: string): PendingApproval => ({
  runId,
  sessionId: 's-1',
  approval: makeApproval(approvalId),
  remainingMs: 60_000,
});

for (const [what, answer, sent] of [
  ['a word', 'once', { answer: 'once' }],
  ['no, with a comment', { answer: 'no', comment: 'why?' }, { answer: 'no', comment: 'why?' }],
  ['a rule', { answer: 'session', suggestion: 1 }, { answer: 'session', suggestion: 1 }],
] as const) {
  test(`${what} is sent as it is`, async () => {
    const fake = ask();
    const asked: ApprovalRequest[] = [];
    const session = await open((approval) => {
      asked.push(approval);
      return answer;
    });
    const run = session.run('x');
    assert.deepEqual((await daemon.request('approval.answer')).params, { approvalId: 'a-1', ...sent });
    assert.equal(asked[0]?.runId, run.runId);
    assert.equal((await daemon.request('run.start')).params.approver, true);
    fake.event(events.exited()).say(3, 2);
    await run;
  });
}

for (const [what, callback] of [
  [
    'throws',
    () => {
      throw new Error('out of order');
    },
  ],
  ['rejects', async () => Promise.reject(new Error('out of order'))],
  ['answers nonsense', () => 'yes' as never],
  ['answers nothing', () => undefined as never],
] as const satisfies readonly (readonly [string, OnApproval])[]) {
  test(`a callback that ${what} is a no`, async () => {
    ask();
    const run = (await open(callback)).run('x');
    const { params } = await daemon.request('approval.answer');
    assert.equal(params.answer, 'no');
    assert.match(params.comment, /approval callback/);
    run.detach();
  });
}

test('the run’s own callback goes before the client’s', async () => {
  ask();
  const run = (await open(() => assert.fail('not this one'))).run('x', { onApproval: () => 'once' });
  assert.equal((await daemon.request('approval.answer')).params.answer, 'once');
  run.detach();
});

test('without a callback nobody is asked, unless the run says that others may answer', async () => {
  ask();
  const session = await open();
  const run = session.run('x');
  assert.equal((await daemon.request('run.start')).params.approver, false);
  run.detach();
  const other = session.run('x', { approver: true });
  assert.equal((await daemon.request('run.start', 2)).params.approver, true);
  other.detach();
});

/** A callback that never answers, and its signal. */
function undecided(): { readonly callback: OnApproval; readonly signal: Promise<AbortSignal> } {
  let seen: (signal: AbortSignal) => void = () => undefined;
  const signal = new Promise<AbortSignal>((resolve) => {
    seen = resolve;
  });
  return {
    signal,
    callback: (_approval, context) => {
      seen(context.signal);
      return new Promise(() => undefined);
    },
  };
}
const aborted = (signal: AbortSignal) =>
  signal.aborted || new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));

test('answered by somebody else: the signal says so and nothing is sent', async () => {
  const fake = ask();
  let answer: (word: 'once') => void = () => undefined;
  let signal: AbortSignal | undefined;
  const session = await open((_approval, context) => {
    signal = context.signal;
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const run = session.run('x');
  await daemon.request('run.start');
  fake.event({ type: 'approved', approvalId: 'a-1', answer: 'no' });
  await session.update({});
  fake.say(3, 2);
  await session.update({});
  assert.ok(signal);
  await aborted(signal);
  answer('once');
  await session.update({});
  assert.equal(daemon.count('approval.answer'), 0);
  run.detach();
});

test('the run ends, the time is up, or the client closes: the signal says so', async () => {
  const fake = ask();
  const ended = undecided();
  const session = await open();
  const run = session.run('x', { onApproval: ended.callback });
  const first = await ended.signal;
  fake.event(events.exited({ reason: 'denied' })).say(3, 2);
  await aborted(first);
  await run;

  const late = new FakeRun(daemon, 2).event({
    type: 'approvalNeeded',
    approval: { ...makeApproval('a-2'), timeoutMs: 1 },
  });
  const overdue = undecided();
  session.run('x', { onApproval: overdue.callback });
  await aborted(await overdue.signal);
  assert.equal(late.length, 1);

  ask('a-3');
  const closing = undecided();
  const client = await daemon.connect({ onApproval: closing.callback });
  (await client.openSession({ cwd: '/work' })).run('x');
  const last = await closing.signal;
  await client.close();
  assert.equal(last.aborted, true);
});

test('cut while somebody thinks: asked once, and the answer goes over the new line', async () => {
  const fake = ask();
  let count = 0;
  let answer: (word: 'once') => void = () => undefined;
  let notice: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    notice = resolve;
  });
  const session = await open(() => {
    count++;
    notice();
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const run = session.run('x');
  daemon.on('approval.list', () => ({ approvals: [pending('a-1', run.runId)] }));
  await asked;
  // From the beginning, so that the question comes again as an event and in the list.
  daemon.on('run.attach', ({ peer }) => {
    setImmediate(() => fake.show(peer, 0));
    return { run: 1, stdinBytes: 0, writer: true, info: { ...fake.info, state: 'waiting' } };
  });
  daemon.peer.cut();
  await daemon.request('approval.list');
  await session.update({});
  answer('once');
  assert.equal((await daemon.request('approval.answer')).peer, daemon.peer);
  assert.equal(count, 1);
  run.detach();
});

test('an answer that was lost on the way is sent again, if the question is still there', async () => {
  ask();
  const session = await open(() => 'once');
  daemon.on('approval.answer', ({ peer }) => {
    if (daemon.count('approval.answer') > 1) return {};
    peer.cut();
    return undefined;
  });
  const run = session.run('x');
  daemon.on('approval.list', () => ({ approvals: [pending('a-1', run.runId)] }));
  assert.equal((await daemon.request('approval.answer', 2)).params.answer, 'once');
  run.detach();
});

test('settled while the line was down: the signal says so', async () => {
  ask();
  const { callback, signal } = undecided();
  const run = (await open(callback)).run('x');
  const open_ = await signal;
  daemon.on('approval.list', () => ({ approvals: [] }));
  daemon.peer.cut();
  await aborted(open_);
  assert.equal(daemon.count('approval.answer'), 0);
  run.detach();
});

test('somebody else was faster: nothing is left to do', async () => {
  ask();
  daemon.on('approval.answer', () => refusal('unknown-approval'));
  const session = await open(() => 'once');
  const run = session.run('x');
  await daemon.request('approval.answer');
  await session.update({});
  assert.equal(daemon.count('approval.answer'), 1);
  run.detach();
});

test('an answer that the daemon refuses becomes a no', async () => {
  ask();
  daemon.on('approval.answer', ({ params }) => (params.answer === 'no' ? {} : refusal('bad-request')));
  const run = (await open(() => ({ answer: 'always', suggestion: 9 }))).run('x');
  assert.equal((await daemon.request('approval.answer', 2)).params.answer, 'no');
  run.detach();
});

test('for everyone: what was pending before, what comes later, and what is settled', async () => {
  daemon.on('approval.list', () => ({ approvals: [pending('a-old', 'other-1')] }));
  const asked: string[] = [];
  const signals = new Map<string, AbortSignal>();
  const client = await daemon.connect({
    approveFor: 'everyone',
    onApproval: (approval, { signal }) => {
      asked.push(`${approval.approvalId} ${approval.runId}`);
      signals.set(approval.approvalId, signal);
      return approval.approvalId === 'a-old' ? 'once' : new Promise(() => undefined);
    },
  });
  assert.deepEqual((await daemon.request('hello')).params.capabilities, ['approver']);
  assert.equal((await daemon.request('approval.answer')).params.approvalId, 'a-old');
  daemon.peer.notify('approval.pending', pending('a-new', 'other-2'));
  daemon.peer.notify('approval.pending', pending('a-new', 'other-2'));
  await client.status().catch(() => undefined);
  assert.deepEqual(asked, ['a-old other-1', 'a-new other-2']);
  daemon.peer.notify('approval.settled', { approvalId: 'a-new', runId: 'other-2', answer: 'no' });
  const signal = signals.get('a-new');
  assert.ok(signal);
  await aborted(signal);
});

test('for its own runs only, a client is no approver for others', async () => {
  const client = await daemon.connect({ onApproval: () => assert.fail('not asked') });
  assert.equal((await daemon.request('hello')).params.capabilities, undefined);
  daemon.peer.notify('approval.pending', pending('a-1', 'other'));
  daemon.on('status', () => refusal('internal'));
  await assert.rejects(client.status(), { code: 'internal' });
  assert.equal(daemon.count('approval.answer'), 0);
});
