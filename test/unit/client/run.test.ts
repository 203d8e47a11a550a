// A run in its caller's hands: result, events, limits, abort; and never a rejection that nobody asked for.
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import { limits } from '../../../client/protocol/limits.ts';
import { RunError } from '../../../client/run-error.ts';
import type { Session } from '../../../client/session.ts';
import { events, FakeDaemon, FakeRun, refusal } from './fake-daemon.ts';

let daemon: FakeDaemon;
let session: Session;
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  const client = await daemon.connect();
  session = await client.openSession({ cwd: '/work' });
});
afterEach(() => daemon.close());

/** The test runner fails a test with one; this waits long enough for it to be noticed. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('awaited: output by stream, exit, decision', async () => {
  new FakeRun(daemon)
    .event(events.decided)
    .event(events.started)
    .output('out ')
    .output('err', 'stderr')
    .output('more')
    .event(events.exited({ outputBytes: 11 }));
  const result = await session.run('x');
  assert.equal(result.stdout, 'out more');
  assert.equal(result.stderr, 'err');
  assert.equal(result.ok, true);
  assert.equal(result.exit.outputBytes, 11);
  assert.equal(result.decision?.effect, 'allow');
  assert.deepEqual(result.gaps, []);
});

for (const [what, exit] of [
  ['a status other than 0', { code: 7 }],
  ['a denial', { reason: 'denied', code: undefined }],
  ['a time limit', { reason: 'timeout', code: 143 }],
] as const) {
  test(`${what} is a result`, async () => {
    new FakeRun(daemon).event(events.decided).event(events.exited(exit));
    const run = session.run('x');
    const result = await run;
    assert.equal(result.ok, false);
    assert.equal(result.exit.reason, 'reason' in exit ? exit.reason : 'exited');
    assert.equal(await run.started, false);
  });
}

test('a refused start is an error that names the run', async () => {
  daemon.on('run.start', () => refusal('bad-cwd'));
  const run = session.run('x', { runId: 'mine' });
  await assert.rejects(
    async () => run,
    (error) => error instanceof RunError && error.code === 'bad-cwd' && error.runId === 'mine',
  );
  await assert.rejects(run.started, { code: 'bad-cwd' });
});

test('text is whole wherever the frames are cut, collected and as events', async () => {
  const text = 'aé€😀z';
  const bytes = Buffer.from(text);
  for (let width = 1; width <= bytes.length; width++) {
    const fake = new FakeRun(daemon, width);
    fake.event(events.started);
    for (let at = 0; at < bytes.length; at += width) {
      fake.output(bytes.subarray(at, at + width)).output('ü', 'stderr');
    }
    fake.event(events.exited());
    const { stdout, stderr } = await session.run('x');
    assert.equal(stdout, text);
    assert.equal(stderr, 'ü'.repeat(Math.ceil(bytes.length / width)));
    let streamed = '';
    for await (const event of session.run('x')) {
      if (event.type === 'output' && event.stream === 'stdout') streamed += event.text;
    }
    assert.equal(streamed, text, `${width} bytes a frame`);
  }
});

test('bytes that are no text arrive as they are', async () => {
  const bytes = Buffer.from([0xff, 0, 0xc3, 0x28, 0xf0, 0x9f]);
  new FakeRun(daemon).event(events.started).output(bytes).event(events.exited());
  const { stdout } = await session.run('x', { encoding: 'buffer' });
  assert.deepEqual(stdout, bytes);
});

test('iterated: every event with its number, in order', async () => {
  new FakeRun(daemon)
    .event(events.decided)
    .event(events.started)
    .output('a')
    .output('b', 'stderr')
    .event(events.exited());
  const seen: string[] = [];
  for await (const event of session.run('x')) {
    seen.push(`${event.seq} ${event.type}${event.type === 'output' ? ` ${event.stream} ${event.text}` : ''}`);
  }
  assert.deepEqual(seen, ['0 decided', '1 started', '2 output stdout a', '3 output stderr b', '4 exited']);
});

test('a loop that is left goes on where it ended, and awaiting takes the rest', async () => {
  new FakeRun(daemon).event(events.started).output('one').output('two').output('three').event(events.exited());
  const run = session.run('x');
  for await (const event of run) if (event.type === 'output') break;
  for await (const event of run) {
    assert.ok(event.type === 'output' && event.text === 'two');
    break;
  }
  assert.equal((await run).stdout, 'three');
});

test('two loops at once are refused', async () => {
  const run = session.run('x');
  const first = run[Symbol.asyncIterator]();
  assert.throws(() => run[Symbol.asyncIterator](), { code: 'bad-usage' });
  run.detach();
  assert.deepEqual(await first.next(), { value: undefined, done: true });
});

test('who iterates slowly acknowledges only what it took', async () => {
  const frame = Buffer.alloc(limits.maxPayloadBytes);
  const fake = new FakeRun(daemon).event(events.started);
  const frames = limits.viewerWindowBytes / frame.length;
  for (let index = 0; index < frames; index++) fake.output(frame);
  const run = session.run('x');
  const reader = run[Symbol.asyncIterator]();
  await reader.next();
  await run.started;
  // A request that is answered after all of it: nothing was acknowledged by itself.
  await session.update({});
  assert.equal(daemon.count('run.ack'), 0);
  const perAck = limits.ackEveryBytes / frame.length;
  for (let index = 0; index < perAck; index++) await reader.next();
  const { params } = await daemon.request('run.ack');
  assert.deepEqual(params, { runId: run.runId, seq: 1 + perAck });
  await session.update({});
  assert.equal(daemon.count('run.ack'), 1);
  run.detach();
});

test('who awaits acknowledges as it comes, and the end', async () => {
  const frame = Buffer.alloc(limits.maxPayloadBytes);
  const fake = new FakeRun(daemon).event(events.started);
  for (let index = 0; index < 20; index++) fake.output(frame);
  fake.event(events.exited());
  await session.run('x');
  await daemon.until(() => daemon.count('run.ack') === 3);
  assert.deepEqual(
    daemon.asked.filter(({ method }) => method === 'run.ack').map(({ params }) => params.seq),
    [9, 17, 22],
  );
});

test('a handle that nobody uses takes nothing', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  for (let index = 0; index < 20; index++) fake.output(Buffer.alloc(limits.maxPayloadBytes));
  const run = session.run('x');
  await run.started;
  await session.update({});
  assert.equal(daemon.count('run.ack'), 0);
});

test('too much output stops the run and gives what was collected', async () => {
  const fake = new FakeRun(daemon).event(events.started).output('12345').output('67890');
  daemon.on('run.stop', () => {
    const from = fake.length;
    fake.output('never mind').event(events.exited({ reason: 'cancelled' }));
    setImmediate(() => fake.say(fake.length, from));
    return {};
  });
  await assert.rejects(
    async () => session.run('x', { maxBufferBytes: 7 }),
    (error) => error instanceof RunError && error.code === 'output-too-large' && error.stdout === '1234567',
  );
  assert.equal(daemon.count('run.stop'), 1);
});

test('exactly as much as fits is no error', async () => {
  new FakeRun(daemon).event(events.started).output('12345').output('67').event(events.exited());
  assert.equal((await session.run('x', { maxBufferBytes: 7 })).stdout, '1234567');
});

test('aborted before it starts, it never starts', async () => {
  const reason = new Error('enough');
  const run = session.run('x', { signal: AbortSignal.abort(reason) });
  await assert.rejects(
    async () => run,
    (error) => error instanceof RunError && error.code === 'aborted' && error.cause === reason,
  );
  await session.update({});
  assert.equal(daemon.count('run.start'), 0);
});

for (const how of ['awaited', 'iterated'] as const) {
  test(`aborted while it runs, it is stopped and its end waited for (${how})`, async () => {
    const fake = new FakeRun(daemon).event(events.started).output('so far');
    const abort = new AbortController();
    const run = session.run('x', { signal: abort.signal });
    let isOver = false;
    const ended = (async () => {
      if (how === 'awaited') await run;
      else for await (const _ of run);
    })().finally(() => {
      isOver = true;
    });
    ended.catch(() => undefined);
    await run.started;
    abort.abort();
    await daemon.request('run.stop');
    await turn();
    assert.equal(isOver, false, 'it may still be running');
    const from = fake.length;
    fake.event(events.exited({ reason: 'cancelled' })).say(fake.length, from);
    await assert.rejects(ended, (error) => error instanceof RunError && error.code === 'aborted');
  });
}

test('its signal keeps no listener after the end', async () => {
  new FakeRun(daemon).event(events.started).event(events.exited());
  const abort = new AbortController();
  await session.run('x', { signal: abort.signal });
  abort.abort();
  await session.update({});
  assert.equal(daemon.count('run.stop'), 0);
});

test('ignored, only iterated or only awaited, a failing run rejects nothing unheard', async () => {
  daemon.on('run.start', () => refusal('bad-cwd'));
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on('unhandledRejection', hear);
  session.run('ignored', { input: 'x' });
  const iterated = session.run('iterated');
  await assert.rejects(async () => {
    for await (const _ of iterated);
  });
  await assert.rejects(async () => session.run('awaited'));
  const writing = session.run('writing', { stdin: 'open' });
  await assert.rejects(async () => writing);
  await assert.rejects(writing.write('x'));
  await turn();
  process.off('unhandledRejection', hear);
  assert.deepEqual(unheard, []);
});

test('an argument list, variables and options arrive as the protocol wants them', async () => {
  new FakeRun(daemon).event(events.exited());
  const signal = new AbortController().signal;
  await session.run(['git', 'commit', '-m', 'two words'], {
    cwd: 'sub',
    env: { TOKEN: 'x' },
    timeoutMs: 5,
    tags: ['t'],
    signal,
    runId: 'id-1',
  });
  const { params } = await daemon.request('run.start');
  assert.deepEqual(params, {
    runId: 'id-1',
    sessionId: 's-1',
    argv: ['git', 'commit', '-m', 'two words'],
    cwd: '/work/sub',
    env: { ...daemon.env, TOKEN: 'x' },
    grantEnv: ['TOKEN'],
    stdin: 'none',
    approver: false,
    onDisconnect: { keepMs: limits.reconnectMs },
    timeoutMs: 5,
    tags: ['t'],
  });
});

test('the same id again in one client is refused without disturbing the first', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const first = session.run('x', { runId: 'one' });
  await first.started;
  await assert.rejects(async () => session.run('x', { runId: 'one' }), { code: 'run-exists' });
  fake.event(events.exited()).say(2, 1);
  assert.equal((await first).ok, true);
});

test('output thrown away and gaps are told', async () => {
  daemon.on('run.start', ({ peer, params }) => {
    setImmediate(() => {
      peer.event(params.runId, 0, events.started);
      peer.notify('run.gap', {
        runId: params.runId,
        fromSeq: 1,
        toSeq: 9,
        bytes: 3,
        offsets: { stdout: 4, stderr: 0, pty: 0 },
      });
      peer.output(1, 9, 4, 'tail');
      peer.event(params.runId, 10, { type: 'truncated', bytes: 3 });
      peer.event(params.runId, 11, events.exited());
    });
    return { run: 1, stdinBytes: 0, writer: true, repeated: false };
  });
  const result = await session.run('x');
  assert.equal(result.stdout, 'tail');
  assert.deepEqual(result.gaps, [{ type: 'gap', seq: 1, toSeq: 9, bytes: 3 }]);
  assert.equal(result.truncatedBytes, 3);
});

test('a character that a gap has cut is not glued to what follows', async () => {
  const euro = Buffer.from('€');
  daemon.on('run.start', ({ peer, params }) => {
    setImmediate(() => {
      peer.output(1, 0, 0, euro.subarray(0, 2));
      const offsets = { stdout: 10, stderr: 0, pty: 0 };
      peer.notify('run.gap', { runId: params.runId, fromSeq: 1, toSeq: 2, bytes: 8, offsets });
      peer.output(1, 2, 10, Buffer.concat([euro.subarray(2), Buffer.from('x')]));
      peer.event(params.runId, 3, events.exited());
    });
    return { run: 1, stdinBytes: 0, writer: true, repeated: false };
  });
  let text = '';
  for await (const event of session.run('x')) if (event.type === 'output') text += event.text;
  assert.equal(text, '\ufffd\ufffdx');
});
