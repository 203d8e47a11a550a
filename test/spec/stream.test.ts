/** Watching, leaving and coming back: a run's sequence as several raw clients see it. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { encodeFrame } from '../../client/protocol/frames.ts';
import { type RunInfo, runInfoSchema } from '../../client/protocol/messages.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, type Item, RawClient, startParams } from '../fixtures/raw-client.ts';

let sbx: PrivateSbx;
before(async () => {
  sbx = new PrivateSbx();
  assert.equal((await sbx.run('true')).status, 0);
});
after(() => sbx.close());

let nextId = 1;
const newRunId = () => `run-${nextId++}`;

async function greet(more: Record<string, unknown> = {}): Promise<RawClient> {
  const raw = await RawClient.open(sbx.socket);
  assert.ok((await raw.call(1, 'hello', { ...greeting, ...more })).result);
  assert.ok((await raw.call(2, 'session.open', { cwd: sbx.workspace })).result);
  return raw;
}

async function launch(raw: RawClient, runId: string, command: string, more: Record<string, unknown> = {}) {
  const answer = await raw.call(10, 'run.start', startParams(runId, command, more));
  assert.ok(answer.result, answer.error?.message);
  return Number(answer.result['run']);
}

async function getRun(raw: RawClient, runId: string): Promise<RunInfo> {
  const answer = await raw.call(11, 'run.get', { runId });
  assert.ok(answer.result, answer.error?.message);
  return runInfoSchema.parse(answer.result);
}

async function untilRun(raw: RawClient, runId: string, fits: (info: RunInfo) => boolean): Promise<RunInfo> {
  for (;;) {
    const info = await getRun(raw, runId);
    if (fits(info)) return info;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Of one run: numbers, and bytes by stream, checked to be without hole or overlap. */
function sequence(items: readonly Item[], runId: string, run: number) {
  const numbers: number[] = [];
  const streams: Record<string, Buffer[]> = {};
  const ends: Record<string, number> = {};
  for (const item of items) {
    if ('gap' in item) assert.fail(`a gap: ${JSON.stringify(item.gap)}`);
    else if ('event' in item) {
      if ((item.event as unknown as { runId: string }).runId === runId) numbers.push(item.event.seq);
    } else if (item.frame.run === run) {
      const { seq, stream, offset, payload } = item.frame;
      numbers.push(seq);
      assert.equal(offset, ends[stream] ?? offset, 'no byte is missing within a stream');
      ends[stream] = offset + payload.length;
      streams[stream] = [...(streams[stream] ?? []), payload];
    }
  }
  const expected = numbers.map((_, index) => (numbers[0] ?? 0) + index);
  assert.deepEqual(numbers, expected, 'numbers follow each other');
  const text = (stream: string) => Buffer.concat(streams[stream] ?? []).toString('utf8');
  return { first: numbers[0], last: numbers.at(-1), stdout: text('stdout'), stderr: text('stderr') };
}

const printing = 'for i in {1..300}; do echo "line $i"; echo "err $i" >&2; done';

test('every viewer sees the same sequence, whenever it comes', async () => {
  const [one, two, late] = [await greet(), await greet(), await greet()];
  const runId = newRunId();
  const run = await launch(one, runId, `read -r _; ${printing}`, { stdin: 'stream' });
  assert.equal((await two.call(3, 'run.attach', { runId })).result?.['writer'], false);
  await one.call(4, 'run.stdin', { runId, offset: 0, data: Buffer.from('\n').toString('base64') });
  await Promise.all([one.exit(runId), two.exit(runId)]);
  assert.ok((await late.call(3, 'run.attach', { runId })).result);
  await late.exit(runId);
  const seen = [one, two, late].map((raw) => sequence(raw.items, runId, run));
  assert.equal(seen[0]?.first, 0);
  assert.match(seen[0]?.stdout ?? '', /^line 1\n(?:line \d+\n){298}line 300\n$/);
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
  for (const raw of [one, two, late]) raw.socket.close();
});

test('attaching from a number gives exactly the rest', async () => {
  const raw = await greet();
  const runId = newRunId();
  const run = await launch(raw, runId, printing);
  await raw.exit(runId);
  const whole = sequence(raw.items, runId, run);
  for (const fromSeq of [0, 1, 2, Math.floor((whole.last ?? 0) / 2), whole.last ?? 0]) {
    const other = await greet();
    assert.ok((await other.call(3, 'run.attach', { runId, fromSeq })).result);
    await other.exit(runId);
    const rest = sequence(other.items, runId, run);
    assert.deepEqual([rest.first, rest.last], [fromSeq, whole.last]);
    assert.ok(whole.stdout.endsWith(rest.stdout) && whole.stderr.endsWith(rest.stderr));
    other.socket.close();
  }
  const beyond = await raw.call(4, 'run.attach', { runId, fromSeq: (whole.last ?? 0) + 2 });
  assert.equal(beyond.error?.data.code, 'bad-request');
  assert.equal((await raw.call(5, 'run.attach', { runId: 'nope' })).error?.data.code, 'unknown-run');
  raw.socket.close();
});

test('the same start again is the same run, live or ended; another body is refused', async () => {
  const [one, two] = [await greet(), await greet()];
  const runId = newRunId();
  const body = startParams(runId, 'echo once >> count; read -r _; echo done', { stdin: 'stream' });
  const first = await one.call(3, 'run.start', body);
  assert.deepEqual([first.result?.['repeated'], first.result?.['writer']], [false, true]);
  const again = await two.call(3, 'run.start', body);
  assert.deepEqual([again.result?.['repeated'], again.result?.['writer']], [true, false]);
  assert.equal(again.result?.['run'], first.result?.['run']);
  assert.equal((await two.call(4, 'run.start', { ...body, umask: 0o77 })).error?.data.code, 'run-exists');
  await one.call(5, 'run.closeStdin', { runId });
  const exits = await Promise.all([one.exit(runId), two.exit(runId)]);
  assert.deepEqual(exits[0], exits[1]);
  const third = await greet();
  assert.equal((await third.call(3, 'run.start', body)).result?.['repeated'], true);
  assert.deepEqual(await third.exit(runId), exits[0]);
  const count = await greet();
  const run = await launch(count, newRunId(), 'cat count; rm count');
  await count.until(() => count.output(run) || undefined);
  assert.equal(count.output(run), 'once\n');
  for (const raw of [one, two, third, count]) raw.socket.close();
});

test('a run whose client is cut off: stopped by default, kept for a while on request, for ever in the background', async () => {
  const watcher = await greet();
  for (const [wish, survives] of [
    [{}, false],
    [{ onDisconnect: 'stop' }, false],
    [{ onDisconnect: { keepMs: 60_000 } }, true],
    [{ onDisconnect: { keepMs: 30 } }, false],
    [{ background: true }, true],
  ] as const) {
    const raw = await greet();
    const runId = newRunId();
    await launch(raw, runId, 'echo ready; sleep 60', wish);
    await raw.until(() => raw.frames[0]);
    raw.socket.terminate();
    if (survives) {
      await untilRun(watcher, runId, (info) => info.viewers === 0);
      assert.equal((await getRun(watcher, runId)).state, 'running');
      await watcher.call(20, 'run.stop', { runId, graceMs: 0 });
    }
    const { exit } = await untilRun(watcher, runId, (info) => info.state === 'ended');
    assert.equal(exit?.reason, 'cancelled', JSON.stringify(wish));
  }
  watcher.socket.close();
});

test('who comes back misses nothing, although nobody was there while it printed', async () => {
  const raw = await greet();
  const runId = newRunId();
  const command = `echo before; read -r _; head -c 20000000 /dev/zero | tr '\\0' x; echo after`;
  const run = await launch(raw, runId, command, { stdin: 'stream', onDisconnect: { keepMs: 60_000 } });
  await raw.until(() => raw.frames[0]);
  raw.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 0, payload: Buffer.from('g') }));
  await raw.until(() =>
    raw.messages.find(({ method, params }) => method === 'run.stdinAck' && params?.['bytes'] === 1),
  );
  const next = (raw.frames.at(-1)?.seq ?? 0) + 1;
  raw.socket.terminate();
  const back = await greet();
  await untilRun(back, runId, (info) => info.viewers === 0);
  const attached = await back.call(3, 'run.attach', { runId, fromSeq: next, write: true });
  assert.deepEqual([attached.result?.['stdinBytes'], attached.result?.['writer']], [1, true]);
  back.socket.terminate();
  const third = await greet();
  await untilRun(third, runId, (info) => info.viewers === 0);
  assert.ok((await third.call(3, 'run.attach', { runId, fromSeq: next, write: true })).result);
  third.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 1, payload: Buffer.from('o\n') }));
  await third.until(() =>
    third.messages.find(({ method, params }) => method === 'run.stdinAck' && params?.['bytes'] === 3),
  );
  // Gone while everything is printed and the command ends.
  third.socket.terminate();
  const last = await greet();
  await untilRun(last, runId, (info) => info.state === 'ended');
  assert.ok((await last.call(3, 'run.attach', { runId, fromSeq: next, write: true })).result);
  assert.equal((await last.exit(runId)).outputBytes, 20_000_000 + 'before\nafter\n'.length);
  const { stdout } = sequence(last.items, runId, run);
  assert.equal(stdout.length, 20_000_000 + 'after\n'.length);
  assert.ok(stdout.endsWith('xafter\n'));
  last.socket.close();
});

test('one writer: a second is refused until the first has gone', async () => {
  const [one, two] = [await greet(), await greet()];
  const runId = newRunId();
  const run = await launch(one, runId, 'cat', { stdin: 'stream', onDisconnect: { keepMs: 60_000 } });
  one.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 0, payload: Buffer.from('one ') }));
  await one.until(() => one.frames[0]);
  assert.equal((await two.call(3, 'run.attach', { runId, write: true })).error?.data.code, 'writer-taken');
  assert.ok((await one.call(4, 'run.detach', { runId })).result);
  const attached = await two.call(5, 'run.attach', { runId, write: true });
  assert.deepEqual([attached.result?.['writer'], attached.result?.['stdinBytes']], [true, 4]);
  two.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 4, payload: Buffer.from('two') }));
  await two.call(6, 'run.closeStdin', { runId });
  await two.exit(runId);
  assert.equal(two.output(run), 'one two');
  assert.equal(one.output(run), 'one ');
  one.socket.close();
  two.socket.close();
});

test('any client may list, stop and signal; a list says what a run is', async () => {
  const [owner, other] = [await greet(), await greet()];
  const runId = newRunId();
  await launch(owner, runId, `echo $'\\e[31m'; sleep 60`, { tags: ['dev', 'server'], background: true });
  await owner.until(() => owner.frames[0]);
  const listed = await other.call(3, 'run.list', {});
  const infos = (listed.result?.['runs'] as unknown[]).map((info) => runInfoSchema.parse(info));
  const info = infos.find((each) => each.runId === runId);
  assert.deepEqual([info?.state, info?.background, info?.tags, info?.viewers], ['running', true, ['dev', 'server'], 1]);
  await other.call(4, 'run.signal', { runId, signal: 'SIGTERM' });
  const ended = await untilRun(other, runId, ({ state }) => state === 'ended');
  assert.deepEqual([ended.exit?.signal, ended.exit?.code], ['SIGTERM', 143]);
  assert.equal((await other.call(5, 'run.stop', { runId })).error?.data.code, 'run-ended');
  const live = (await other.call(6, 'run.list', {})).result?.['runs'] as RunInfo[];
  const all = (await other.call(7, 'run.list', { ended: true })).result?.['runs'] as RunInfo[];
  assert.equal(
    live.some((each) => each.runId === runId),
    false,
  );
  assert.ok(all.some((each) => each.runId === runId));
  owner.socket.close();
  other.socket.close();
});

test('a viewer that never acknowledges is paused alone and loses nothing; others and the command go on', async () => {
  const [fast, stalled] = [await greet(), await greet()];
  stalled.acknowledges = false;
  const runId = newRunId();
  const bytes = 60_000_000;
  const before = Number((await fast.call(3, 'status')).result?.['rssBytes']);
  const run = await launch(fast, runId, `read -r _; head -c ${bytes} /dev/zero`, { stdin: 'stream' });
  assert.ok((await stalled.call(3, 'run.attach', { runId })).result);
  await fast.call(4, 'run.closeStdin', { runId });
  assert.equal((await fast.exit(runId)).outputBytes, bytes);
  const received = stalled.frames.reduce((sum, frame) => sum + frame.payload.length, 0);
  assert.ok(received <= 4.5 * 1024 * 1024, `${received} bytes without an acknowledgement`);
  const status = (await fast.call(5, 'status')).result as { rssBytes: number; heldBytes: { disk: number } };
  assert.ok(status.heldBytes.disk > 40_000_000, `${status.heldBytes.disk} bytes wait on disk`);
  assert.ok(status.rssBytes - before < 64 * 1024 * 1024, `grew by ${status.rssBytes - before}`);
  stalled.acknowledges = true;
  stalled.acknowledge(runId, (stalled.frames.at(-1)?.seq ?? 0) + 1);
  assert.equal((await stalled.exit(runId)).outputBytes, bytes);
  assert.equal(sequence(stalled.items, runId, run).stdout.length, bytes);
  assert.equal(sequence(fast.items, runId, run).stdout.length, bytes);
  fast.socket.close();
  stalled.socket.close();
});

test('an acknowledgement of what was never sent is an error', async () => {
  const raw = await greet();
  const runId = newRunId();
  await launch(raw, runId, 'true');
  await raw.exit(runId);
  assert.equal((await raw.call(3, 'run.ack', { runId, seq: 1_000_000 })).error?.data.code, 'bad-request');
  assert.ok((await raw.call(4, 'run.ack', { runId, seq: 1 })).result);
  assert.ok((await raw.call(5, 'run.ack', { runId: 'forgotten', seq: 1 })).result);
  raw.socket.close();
});

test('a command waits for a lone viewer that does not read when it may not be ahead', async () => {
  const raw = await greet();
  raw.acknowledges = false;
  const runId = newRunId();
  await launch(raw, runId, 'yes', { output: { aheadBytes: 0 } });
  const watcher = await greet();
  let last = -1;
  for (;;) {
    const { outputBytes } = await getRun(watcher, runId);
    if (outputBytes > 8_000_000 && outputBytes === last) break;
    last = outputBytes;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(last < 32_000_000, `ahead by ${last}`);
  raw.socket.terminate();
  await untilRun(watcher, runId, (info) => info.state === 'ended');
  watcher.socket.close();
});

test('background output that nobody takes gives way at the oldest end, and says how much', async () => {
  const raw = await greet();
  const runId = newRunId();
  const command = 'seq 1 4000000';
  const run = await launch(raw, runId, command, { background: true, output: { aheadBytes: 0 } });
  raw.socket.terminate();
  const back = await greet();
  const { exit } = await untilRun(back, runId, (info) => info.state === 'ended');
  assert.equal(exit?.code, 0);
  assert.ok((await back.call(3, 'run.attach', { runId })).result);
  await back.exit(runId);
  const gaps = back.items.flatMap((item) => ('gap' in item ? [item.gap] : []));
  const missing = gaps.reduce((sum, gap) => sum + (gap.bytes ?? Number.NaN), 0);
  const got = back.frames.filter((frame) => frame.run === run).reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(missing > 0, 'something was dropped');
  assert.equal(missing + got, exit?.outputBytes);
  assert.ok(back.output(run).endsWith('\n4000000\n'), 'the newest output is held');
  assert.ok(back.events(runId).some(({ event }) => event.type === 'truncated'));
  back.socket.close();
});
