// The line is cut at every point, and what a client is told afterwards is exactly what happened, or that it is unknown.
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import type { SandboxClient } from '../../../client/client.ts';
import { limits } from '../../../client/protocol/limits.ts';
import { RunError } from '../../../client/run-error.ts';
import type { Session } from '../../../client/session.ts';
import { events, FakeDaemon, FakeRun, refusal } from './fake-daemon.ts';

let daemon: FakeDaemon;
let client: SandboxClient;
let session: Session;
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  client = await daemon.connect();
  session = await client.openSession({ cwd: '/work' });
});
afterEach(() => daemon.close());

function tell(daemon: FakeDaemon): FakeRun {
  return new FakeRun(daemon)
    .event(events.decided)
    .event(events.started)
    .output('über ')
    .output('err', 'stderr')
    .output(Buffer.from('€').subarray(0, 1))
    .output(Buffer.from('€').subarray(1))
    .event(events.exited({ code: 3 }));
}

test('cut after any event, the run goes on from the next and nothing is missing or twice', async () => {
  const length = tell(daemon).length;
  for (let point = 0; point <= length; point++) {
    const fake = tell(daemon);
    let cuts = 0;
    daemon.on('run.start', ({ peer, params }) => {
      fake.runId = params.runId;
      setImmediate(() => {
        fake.show(peer, 0, point);
        if (cuts++ === 0) peer.socket.close();
        else fake.show(peer, point);
      });
      return { run: 1, stdinBytes: 0, writer: true, repeated: false };
    });
    const before = daemon.count('run.attach');
    const seqs: number[] = [];
    let out = '';
    const run = session.run('x');
    for await (const event of run) {
      seqs.push(event.seq);
      if (event.type === 'output' && event.stream === 'stdout') out += event.text;
    }
    assert.deepEqual(seqs, [0, 1, 2, 3, 4, 5, 6], `cut after ${point}`);
    assert.equal(out, 'über €');
    assert.equal((await run).exit.code, 3);
    if (point < length) {
      const { params } = await daemon.request('run.attach', before + 1);
      assert.deepEqual(params, { runId: run.runId, fromSeq: point, write: true });
    }
  }
});

test('cut after any byte, even within a frame, awaited output is whole', async () => {
  const fake = tell(daemon);
  const show = fake.show.bind(fake);
  // As many bytes as all of it takes, and some.
  for (let bytes = 0; bytes < 1_000; bytes += 13) {
    let isFirst = true;
    fake.show = (peer, fromSeq, toSeq) => {
      if (isFirst) peer.cutAfter(bytes);
      isFirst = false;
      show(peer, fromSeq, toSeq);
    };
    const { stdout, stderr, exit, gaps } = await session.run('x');
    assert.deepEqual([stdout, stderr, exit.code, gaps], ['über €', 'err', 3, []], `cut after ${bytes} bytes`);
  }
});

test('a lost answer to run.start is asked for again, the same to the letter', async () => {
  const fake = tell(daemon);
  daemon.on('run.start', ({ peer, params }) => {
    const repeated = daemon.count('run.start') > 1;
    fake.runId = params.runId;
    if (!repeated) {
      // It began, and nobody heard of it.
      peer.cut();
      return undefined;
    }
    setImmediate(() => fake.show(peer, 0));
    return { run: 1, stdinBytes: 0, writer: true, repeated };
  });
  const result = await session.run('x', { env: { A: '1' } });
  assert.equal(result.stdout, 'über €');
  const starts = daemon.asked.filter(({ method }) => method === 'run.start');
  assert.equal(starts.length, 2);
  assert.deepEqual(starts[0]?.params, starts[1]?.params);
});

test('the session comes back by its id before its runs do', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const run = session.run('x');
  await run.started;
  const seen = daemon.asked.length;
  daemon.peer.cut();
  await daemon.request('run.attach');
  assert.deepEqual(
    daemon.asked
      .slice(seen)
      .map(({ method }) => method)
      .slice(0, 3),
    ['hello', 'session.open', 'run.attach'],
  );
  assert.deepEqual((await daemon.request('session.open', 2)).params, { sessionId: 's-1' });
  fake.event(events.exited());
  fake.say(2, 1);
  assert.equal((await run).ok, true);
});

test('another daemon: every run and session is lost, and what is new works', async () => {
  new FakeRun(daemon).event(events.started).output('partial');
  const run = session.run('x');
  const ended = run.then(
    () => assert.fail('it has no end'),
    (error: unknown) => error,
  );
  await run.started;
  daemon.daemonId = 'd-2';
  daemon.peer.cut();
  const error = await ended;
  assert.ok(error instanceof RunError && error.code === 'daemon-lost');
  assert.equal(error.stdout, 'partial');
  await assert.rejects(async () => session.run('y'), { code: 'daemon-lost' });
  await assert.rejects(session.update({}), { code: 'daemon-lost' });
  tell(daemon);
  const again = await client.openSession({ cwd: '/work' });
  assert.equal((await again.run('x')).exit.code, 3);
});

test('nobody listens any more: lost at once, without waiting for the time to come back', async () => {
  new FakeRun(daemon).event(events.started);
  const run = session.run('x');
  await run.started;
  const begun = performance.now();
  daemon.stopListening();
  daemon.peer.cut();
  await assert.rejects(async () => run, { code: 'daemon-lost' });
  assert.ok(performance.now() - begun < limits.reconnectMs / 2);
});

test('a run that is no longer known is lost, the others go on', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const gone = session.run('gone', { runId: 'gone' });
  await gone.started;
  const attach = daemon.asked;
  daemon.on('run.attach', () => refusal('unknown-run'));
  daemon.peer.cut();
  await assert.rejects(async () => gone, { code: 'daemon-lost' });
  assert.ok(attach.length > 0);
  fake.event(events.exited());
  assert.equal((await session.run('x')).ok, true);
});

test('a session that is no longer known says so; the connection stays', async () => {
  daemon.on('session.open', ({ params }) => (params.sessionId ? refusal('unknown-session') : undefined));
  daemon.peer.cut();
  await daemon.request('session.open', 2);
  await client.status().catch(() => undefined);
  await assert.rejects(async () => session.run('x'), { code: 'unknown-session' });
});

test('reading is repeated after a cut, anything else is lost', async () => {
  let cut = false;
  const once = (answer: object) => () => {
    if (cut) return answer;
    cut = true;
    daemon.peer.cut();
    return undefined;
  };
  daemon.on('run.list', once({ runs: [] }));
  assert.deepEqual(await client.runs(), []);
  assert.equal(daemon.count('run.list'), 2);
  cut = false;
  daemon.on('grant.add', once({ grantId: 'g' }));
  await assert.rejects(session.grant('Bash(ls)'), { code: 'daemon-lost' });
  assert.equal(daemon.count('grant.add'), 1);
  assert.equal(await session.grant('Bash(ls)'), 'g');
});

test('what comes twice is ignored', async () => {
  const fake = tell(daemon);
  daemon.on('run.start', ({ peer, params }) => {
    fake.runId = params.runId;
    setImmediate(() => {
      fake.show(peer, 0, 4);
      fake.show(peer, 2, 5);
      fake.show(peer, 0);
    });
    return { run: 1, stdinBytes: 0, writer: true, repeated: false };
  });
  const seqs: number[] = [];
  for await (const { seq } of session.run('x')) seqs.push(seq);
  assert.deepEqual(seqs, [0, 1, 2, 3, 4, 5, 6]);
});

test('a number that is left out is asked for again; left out twice, the run is lost', async () => {
  const fake = tell(daemon);
  const leaveOut = () => {
    daemon.on('run.start', ({ peer, params }) => {
      fake.runId = params.runId;
      setImmediate(() => {
        fake.show(peer, 0, 2);
        fake.show(peer, 3);
      });
      return { run: 1, stdinBytes: 0, writer: true, repeated: false };
    });
  };
  leaveOut();
  assert.equal((await session.run('x')).stdout, 'über €');
  leaveOut();
  daemon.on('run.attach', ({ peer }) => {
    setImmediate(() => fake.show(peer, 3));
    return { run: 1, stdinBytes: 0, writer: true, info: fake.info };
  });
  await assert.rejects(async () => session.run('x'), { code: 'daemon-lost', message: /event 2/ });
});

for (const [what, send] of [
  ['text that is no JSON', '{'],
  ['JSON that is no message', '[1]'],
  ['an answer that is no object', '{"jsonrpc":"2.0","id":1,"result":3}'],
  [
    'an event of another shape',
    '{"jsonrpc":"2.0","method":"run.event","params":{"runId":"x","seq":0,"event":{"type":"exited"}}}',
  ],
  ['a number below zero', '{"jsonrpc":"2.0","method":"run.stdinAck","params":{"runId":"x","bytes":-1}}'],
  ['a frame that is too short', Buffer.from([1, 2, 3])],
  ['stdin from a daemon', Buffer.alloc(30)],
] as const) {
  test(`${what} closes the connection as lost, and the client comes back`, async () => {
    const fake = new FakeRun(daemon).event(events.started);
    const run = session.run('x');
    await run.started;
    daemon.peer.socket.send(send);
    await daemon.request('run.attach');
    fake.event(events.exited()).say(2, 1);
    assert.equal((await run).ok, true);
    assert.equal(daemon.count('hello'), 2);
  });
}

test('what a later daemon says beside is no fault', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const run = session.run('x');
  await run.started;
  daemon.peer.notify('policy.changed', { layer: 'user' });
  daemon.peer.text({ jsonrpc: '2.0', id: null, error: { code: -1, message: 'x' } });
  fake.event(events.exited()).say(2, 1);
  assert.equal((await run).ok, true);
  assert.equal(daemon.count('hello'), 1);
});

test('aborted while the line is down, it is stopped as soon as there is one', async () => {
  const fake = new FakeRun(daemon).event(events.started);
  const abort = new AbortController();
  const run = session.run('x', { signal: abort.signal });
  await run.started;
  daemon.peer.cut();
  abort.abort();
  await daemon.request('run.stop');
  fake.event(events.exited({ reason: 'cancelled' })).say(2, 1);
  await assert.rejects(async () => run, { code: 'aborted' });
});

test('a slow reader holds no more than two windows, however often the line is cut', async () => {
  const frame = Buffer.alloc(limits.maxPayloadBytes);
  const window = limits.viewerWindowBytes / frame.length;
  const fake = new FakeRun(daemon).event(events.started);
  for (let index = 0; index < window * 6; index++) fake.output(frame);
  const show = fake.show.bind(fake);
  // Each viewer gets one window, as from the real one.
  fake.show = (peer, fromSeq) => show(peer, fromSeq, Math.min(fromSeq + window, fake.length));
  const run = session.run('x');
  await run.started;
  const asked: number[] = [];
  for (let cut = 1; cut <= 4; cut++) {
    await session.update({});
    daemon.peer.cut();
    asked.push((await daemon.request('run.attach', cut)).params.fromSeq);
  }
  assert.deepEqual(asked, [window, window + 1, window + 1, window + 1]);
});

test('who still writes is our own dead connection: shown meanwhile, and asked again', async () => {
  const fake = new FakeRun(daemon).event(events.started).output('early');
  const run = session.run('x', { stdin: 'open' });
  await run.started;
  let attempts = 0;
  daemon.on('run.attach', ({ peer, params }) => {
    if (params.write && attempts++ === 0) return refusal('writer-taken');
    setImmediate(() => fake.show(peer, params.fromSeq));
    return { run: 1, stdinBytes: 0, writer: params.write, info: fake.info };
  });
  daemon.peer.cut();
  await daemon.request('run.attach', 3);
  await run.write('now');
  await daemon.until(() => daemon.stdin.length === 1);
  fake.event(events.exited()).say(3, 2);
  assert.equal((await run).stdout, 'early');
});

test('closed, nothing is waited for any more', async () => {
  new FakeRun(daemon).event(events.started);
  const run = session.run('x');
  await run.started;
  daemon.peer.cut();
  await client.close();
  await assert.rejects(async () => run, { code: 'aborted' });
  await assert.rejects(client.status(), { code: 'aborted' });
  await assert.rejects(async () => session.run('y'), { code: 'aborted' });
});

test('close ends the sessions that are its own, and leaves those that were asked to stay', async () => {
  const kept = await client.openSession({ cwd: '/work', keepMs: 60_000 });
  assert.equal(kept.id, 's-1');
  await client.close();
  assert.equal(daemon.count('session.close'), 1);
});

test('without time to come back, a cut is the end', async () => {
  new FakeRun(daemon).event(events.started);
  const hasty = await daemon.connect({ reconnectMs: 0 });
  const run = (await hasty.openSession({ cwd: '/work' })).run('x');
  await run.started;
  assert.equal((await daemon.request('run.start')).params.onDisconnect, 'stop');
  daemon.on('hello', () => undefined);
  daemon.peer.cut();
  await assert.rejects(async () => run, { code: 'daemon-lost' });
});
