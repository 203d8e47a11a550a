// stdin: in order, within the window, whole after a cut, and given up with its run.
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import { limits } from '../../../client/protocol/limits.ts';
import type { Session } from '../../../client/session.ts';
import { events, FakeDaemon, FakeRun } from './fake-daemon.ts';

let daemon: FakeDaemon;
let session: Session;
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  const client = await daemon.connect();
  session = await client.openSession({ cwd: '/work' });
});
afterEach(() => daemon.close());

const received = () => Buffer.concat(daemon.stdin.map(({ payload }) => payload)).toString('utf8');

for (const [what, input] of [
  ['text', 'grüße'],
  ['bytes', Buffer.from('grüße')],
  ['an iterable', ['gr', Buffer.from('üß'), '', 'e']],
  [
    'an async iterable',
    (async function* () {
      yield 'grü';
      yield Buffer.from('ße');
    })(),
  ],
] as const) {
  test(`${what} arrives whole, then the end`, async () => {
    const fake = new FakeRun(daemon).event(events.started);
    const run = session.run('cat', { input });
    await daemon.request('run.closeStdin');
    assert.equal(received(), 'grüße');
    fake.event(events.exited()).say(2, 1);
    await run;
    assert.equal(daemon.count('run.closeStdin'), 1);
    assert.equal((await daemon.request('run.start')).params.stdin, 'stream');
  });
}

test('nothing is read before the command runs', async () => {
  const fake = new FakeRun(daemon).event(events.decided);
  let wasRead = false;
  const run = session.run('cat', {
    input: (async function* () {
      wasRead = true;
      yield 'x';
    })(),
  });
  await daemon.request('run.start');
  await session.update({});
  assert.equal(wasRead, false);
  fake.event(events.exited({ reason: 'denied' })).say(2, 1);
  await run;
  assert.equal(wasRead, false);
});

test('never further ahead than the window, and on when the command takes some', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const total = limits.stdinWindowBytes * 2;
  const run = session.run('cat', { input: Buffer.alloc(total) });
  const inWindow = limits.stdinWindowBytes / limits.maxPayloadBytes;
  await daemon.until(() => daemon.stdin.length === inWindow);
  await session.update({});
  assert.equal(daemon.stdin.length, inWindow);
  daemon.peer.notify('run.stdinAck', { runId: run.runId, bytes: limits.maxPayloadBytes });
  await daemon.until(() => daemon.stdin.length === inWindow + 1);
  daemon.peer.notify('run.stdinAck', { runId: run.runId, bytes: limits.stdinWindowBytes });
  await daemon.request('run.closeStdin');
  let expected = 0;
  for (const frame of daemon.stdin) {
    assert.equal(frame.offset, expected);
    expected += frame.payload.length;
  }
  assert.equal(expected, total);
  fake.event(events.exited()).say(2, 1);
  await run;
});

test('after a cut it goes on where the daemon’s count ends, within a chunk as well', async () => {
  const text = 'abcdefghij'.repeat(10);
  for (const stdinBytes of [0, 1, 10, 37, 100]) {
    const fake = new FakeRun(daemon).event(events.started);
    daemon.stdin.length = 0;
    const run = session.run('cat', { stdin: 'open' });
    await run.started;
    for (let at = 0; at < text.length; at += 10) await run.write(text.slice(at, at + 10));
    run.closeStdin();
    await daemon.until(() => received() === text);
    daemon.stdin.length = 0;
    fake.stdinBytes = stdinBytes;
    const before = daemon.count('run.attach');
    const closes = daemon.count('run.closeStdin');
    daemon.peer.cut();
    await daemon.request('run.attach', before + 1);
    await daemon.request('run.closeStdin', closes + 1);
    assert.equal(received(), text.slice(stdinBytes), `${stdinBytes} had arrived`);
    assert.equal(daemon.stdin[0]?.offset ?? stdinBytes, stdinBytes);
    fake.event(events.exited()).say(2, 1);
    await run;
  }
});

test('what was taken is not kept', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const run = session.run('cat', { stdin: 'open' });
  await run.started;
  const chunk = Buffer.alloc(limits.maxPayloadBytes, 'x');
  for (let round = 1; round <= 64; round++) {
    await run.write(chunk);
    // More than the window in all: it only goes on because what was taken makes room.
    daemon.peer.notify('run.stdinAck', { runId: run.runId, bytes: round * chunk.length });
  }
  await daemon.until(() => daemon.stdin.length === 64);
  fake.event(events.exited()).say(2, 1);
  await run;
});

test('an endless source is let go when the run ends', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  let released = false;
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        released = true;
        return { value: undefined, done: true as const };
      },
    }),
  };
  const run = session.run('cat', { input: source });
  await run.started;
  await session.update({});
  fake.event(events.exited()).say(2, 1);
  await run;
  assert.equal(released, true);
});

test('a source that fails stops the run and is the cause', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const broken = new Error('no more');
  const run = session.run('cat', {
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    input: (async function* (): AsyncGenerator<string> {
      throw broken;
    })(),
  });
  daemon.on('run.stop', () => {
    fake.event(events.exited({ reason: 'cancelled' }));
    setImmediate(() => fake.say(2, 1));
    return {};
  });
  await assert.rejects(async () => run, { code: 'aborted', cause: broken });
});

test('a run without an open stdin takes none', async () => {
  new FakeRun(daemon).event(events.started);
  const run = session.run('x');
  await assert.rejects(run.write('x'), { code: 'bad-usage' });
  assert.throws(() => run.closeStdin(), { code: 'bad-usage' });
  assert.throws(() => session.run('x', { input: 'a', stdin: 'open' }), { code: 'bad-usage' });
});

test('writing to a run that has ended says so', async () => {
  new FakeRun(daemon).event(events.started).event(events.exited());
  const run = session.run('x', { stdin: 'open' });
  await run;
  await assert.rejects(run.write('x'), { code: 'run-ended' });
});

test('on a terminal the end of input is its own character, twice after an unfinished line', async () => {
  for (const [typed, expected] of [
    ['', '\x04'],
    ['exit\n', 'exit\n\x04'],
    ['half', 'half\x04\x04'],
  ] as const) {
    daemon.stdin.length = 0;
    const fake = new FakeRun(daemon).event(events.started);
    const run = session.run('bash', { pty: true });
    await run.started;
    await run.write(typed);
    run.closeStdin();
    await daemon.until(() => received() === expected);
    fake.event(events.exited()).say(2, 1);
    await run;
  }
  assert.equal(daemon.count('run.closeStdin'), 0);
});

test('a second writer goes on where the first one ended', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  fake.stdinBytes = 1000;
  fake.runId = 'there';
  const client = await daemon.connect();
  const run = client.attach('there', { write: true });
  await run.started;
  await run.write('more');
  await daemon.until(() => daemon.stdin.length === 1);
  assert.equal(daemon.stdin[0]?.offset, 1000);
  daemon.peer.notify('run.stdinAck', { runId: 'there', bytes: 1004 });
  fake.event(events.exited()).say(2, 1);
  await run;
});
