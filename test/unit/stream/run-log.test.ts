import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { SbxError } from '../../../client/protocol/errors.ts';
import { limits } from '../../../client/protocol/limits.ts';
import { OutputStore, type StreamBudgets } from '../../../daemon/stream/output-store.ts';
import { RunLog, type RunLogOptions } from '../../../daemon/stream/run-log.ts';
import { FakeDisk } from './fake-disk.ts';
import { outputFrom, RecordingClient } from './recording-client.ts';

const kib = 1024;
const small: Partial<StreamBudgets> = {
  ringBytes: 256 * kib,
  minRingBytes: 128 * kib,
  viewerWindowBytes: 256 * kib,
  segmentBytes: 256 * kib,
  blockBytes: 128 * kib,
  maxSpillBytes: 1024 * kib,
  diskRetryMs: 0,
};

function createLog(options: Partial<RunLogOptions> & { budgets?: Partial<StreamBudgets>; disk?: FakeDisk } = {}) {
  const { budgets, disk = new FakeDisk(), ...rest } = options;
  const reports: string[] = [];
  const log = (message: string): void => void reports.push(message);
  const store = new OutputStore({ directory: '/nowhere', log, budgets: { ...small, ...budgets }, disk });
  const created = new RunLog({
    runId: 'r',
    run: 7,
    store,
    aheadBytes: limits.maxSpillBytes,
    whenFull: 'wait',
    keepHistory: false,
    ...rest,
  });
  const source = {
    isPaused: false,
    pause: () => {
      source.isPaused = true;
    },
    resume: () => {
      source.isPaused = false;
    },
  };
  created.setSource(source);
  return { log: created, store, disk, source, reports };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
async function settle(): Promise<void> {
  for (let round = 0; round < 20; round++) await turn();
}

/** Appends until the source is told to wait, at most so much. */
async function fill(log: RunLog, source: { isPaused: boolean }, maxBytes: number): Promise<void> {
  for (let bytes = 0; bytes < maxBytes; bytes += 64 * kib) {
    if (source.isPaused) await settle();
    if (source.isPaused) return;
    log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, 64 * kib));
  }
}

async function drain(client: RecordingClient): Promise<void> {
  client.isOpen = true;
  client.viewer.wake();
  for (const deadline = performance.now() + 20_000; !client.viewer.isCaughtUp && performance.now() < deadline; ) {
    client.ack();
    await turn();
  }
  assert.ok(client.viewer.isCaughtUp);
}

test('small chunks of one stream are one entry until somebody was sent it', async (t) => {
  const rows: readonly { name: string; act: (log: RunLog) => void; frames: number }[] = [
    { name: 'nobody attached', act: () => undefined, frames: 1 },
    { name: 'another stream between', act: (log) => log.appendOutput('stderr', outputFrom('stderr', 0, 1)), frames: 3 },
    { name: 'an event between', act: (log) => log.append({ type: 'truncated', bytes: 1 }), frames: 3 },
    { name: 'its number was asked for', act: (log) => void log.nextSeq, frames: 2 },
    {
      name: 'a viewer came after it',
      act: (log) => void log.attach({ canTake: true, send: () => undefined }, 1),
      frames: 2,
    },
    { name: 'a client that is gone had it', act: (log) => void log.hold(1), frames: 2 },
  ];
  for (const { name, act, frames } of rows) {
    await t.test(name, () => {
      const { log } = createLog();
      log.appendOutput('stdout', outputFrom('stdout', 0, 3));
      act(log);
      log.appendOutput('stdout', outputFrom('stdout', 3, 4));
      const client = new RecordingClient(log, 0);
      client.viewer.wake();
      assert.equal(client.nextSeq, frames);
      assert.deepEqual(client.offsets?.stdout, 7);
    });
  }
});

test('a chunk over the largest payload becomes several frames', () => {
  const { log } = createLog();
  const client = new RecordingClient(log, 0);
  client.viewer.wake();
  log.appendOutput('pty', outputFrom('pty', 0, 2 * limits.maxPayloadBytes + 1));
  assert.equal(client.nextSeq, 3);
  assert.equal(client.received, 2 * limits.maxPayloadBytes + 1);
});

test('acknowledging: what was not sent is a fault, going back is ignored', () => {
  const { log } = createLog();
  const client = new RecordingClient(log, 0);
  log.append({ type: 'truncated', bytes: 1 });
  assert.equal(client.viewer.ack(1), false, 'nothing is sent before the first wake');
  client.viewer.wake();
  assert.equal(client.viewer.ack(2), false);
  assert.equal(client.viewer.ack(1), true);
  assert.equal(client.viewer.ack(0), true);
  assert.equal(client.viewer.ackedSeq, 1);
  assert.ok(client.viewer.isCaughtUp);
});

test('attaching to a number that does not exist yet is refused, to the next one not', () => {
  const { log } = createLog();
  log.append({ type: 'truncated', bytes: 1 });
  const sink = { canTake: true, send: () => undefined };
  assert.throws(
    () => log.attach(sink, 2),
    (error) => error instanceof SbxError && error.code === 'bad-request',
  );
  assert.equal(log.attach(sink, 1).isCaughtUp, true);
});

test('a viewer has at most its window unacknowledged, and nothing is sent to a full connection', async () => {
  const { log, source } = createLog();
  const client = new RecordingClient(log, 0);
  client.viewer.wake();
  await fill(log, source, 512 * kib);
  assert.equal(client.received, 192 * kib);
  client.isOpen = false;
  client.ack();
  assert.equal(client.received, 192 * kib);
  await drain(client);
  assert.equal(client.received, 512 * kib);
});

test('one viewer that keeps up costs no file and never stops the command', async () => {
  const { log, store, source, disk } = createLog();
  const client = new RecordingClient(log, 0);
  client.viewer.wake();
  for (let round = 0; round < 40; round++) {
    log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, 64 * kib));
    client.ack();
    assert.equal(source.isPaused, false);
  }
  await settle();
  assert.equal(disk.writes, 0);
  assert.ok(store.held.memory <= 512 * kib);
});

test('a stalled viewer catches up from disk, and the files go as it does', async () => {
  const { log, store, source } = createLog();
  const fast = new RecordingClient(log, 0);
  const slow = new RecordingClient(log, 0);
  fast.viewer.wake();
  for (let round = 0; round < 16; round++) {
    await fill(log, source, 64 * kib);
    fast.ack();
    await turn();
  }
  assert.ok(store.held.disk > 512 * kib);
  assert.equal(slow.received, 0);
  await drain(slow);
  assert.equal(slow.received, 1024 * kib);
  assert.deepEqual(slow.gaps, []);
  assert.deepEqual(store.held.disk, 0);
});

test('at the cap: the slow one misses what gives way when another follows, the command waits when none does', async () => {
  const { log, store, source } = createLog();
  const slow = new RecordingClient(log, 0);
  slow.viewer.wake();
  await fill(log, source, 8 * 1024 * kib);
  assert.ok(source.isPaused, 'nobody takes more');
  assert.ok(store.held.disk <= 1024 * kib && log.outputBytes >= 1024 * kib);
  const before = log.outputBytes;
  const fast = new RecordingClient(log, log.nextSeq);
  fast.viewer.wake();
  assert.equal(source.isPaused, false);
  for (let round = 0; round < 32; round++) {
    await fill(log, source, 64 * kib);
    fast.ack();
    await turn();
  }
  assert.equal(fast.received, log.outputBytes - before);
  assert.deepEqual(fast.gaps, []);
  await drain(slow);
  assert.equal(slow.gaps.length, 1);
  assert.equal(slow.received + (slow.gaps[0]?.bytes ?? 0), log.outputBytes);
});

test('events between lost output are still sent, each after its own gap', async () => {
  const { log } = createLog({ whenFull: 'drop', aheadBytes: 0, budgets: { maxSpillBytes: 0 } });
  const output = (size: number) => log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, size));
  output(64 * kib);
  log.append({ type: 'violation', violation: { kind: 'file', target: 'a', message: 'no' } });
  const hold = log.hold(0);
  for (let round = 0; round < 10; round++) output(64 * kib);
  log.append({ type: 'exited', exit: { reason: 'exited', durationMs: 1, outputBytes: 0, violations: 0 } });
  const client = new RecordingClient(log, 0);
  await drain(client);
  hold();
  assert.deepEqual(
    client.events.map(({ event }) => event.type).filter((type) => type !== 'truncated'),
    ['violation', 'exited'],
  );
  assert.deepEqual([client.gaps[0]?.fromSeq, client.gaps[0]?.toSeq, client.gaps[0]?.bytes], [0, 1, 64 * kib]);
  assert.equal(client.gaps[1]?.fromSeq, 2);
  assert.equal(client.received + client.gaps.reduce((sum, gap) => sum + (gap.bytes ?? 0), 0), log.outputBytes);
  assert.equal(log.firstSeq, client.gaps.at(-1)?.toSeq);
});

test('who asked not to wait is told when output is thrown away, and each time it has doubled', async () => {
  const { log, source } = createLog({ whenFull: 'drop', aheadBytes: 0, keepHistory: true });
  for (let round = 0; round < 200; round++) {
    log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, 64 * kib));
    if (source.isPaused) await settle();
  }
  await settle();
  const client = new RecordingClient(log, 0);
  await drain(client);
  const told = client.events.flatMap(({ event }) => (event.type === 'truncated' ? [event.bytes] : []));
  assert.ok(told.length > 2 && told.length < 12);
  for (const [at, bytes] of told.entries()) assert.ok(bytes >= 2 * (told[at - 1] ?? 0));
  const missed = client.gaps.reduce((sum, gap) => sum + (gap.bytes ?? 0), 0);
  assert.ok(missed > 0 && (told.at(-1) ?? 0) <= missed && missed < 2 * (told.at(-1) ?? 0) + 64 * kib);
});

test('a source that waits goes on when the one it waits for is gone', async (t) => {
  const rows: readonly { name: string; free: (log: RunLog, client: RecordingClient) => void }[] = [
    { name: 'detach', free: (_log, client) => client.viewer.detach() },
    { name: 'close', free: (log) => log.close() },
    { name: 'setSource for another one', free: (log) => log.setSource(undefined) },
  ];
  for (const { name, free } of rows) {
    await t.test(name, async () => {
      const { log, source } = createLog({ aheadBytes: 0 });
      const client = new RecordingClient(log, 0);
      client.viewer.wake();
      await fill(log, source, 4 * 1024 * kib);
      assert.ok(source.isPaused);
      free(log, client);
      if (name.startsWith('setSource')) {
        let pauses = 0;
        log.setSource({ pause: () => void pauses++, resume: () => undefined });
        assert.equal(pauses, 1, 'a source that comes later waits as well');
      } else assert.equal(source.isPaused, false);
    });
  }
  await t.test('release of a hold', async () => {
    const { log, source } = createLog({ aheadBytes: 0 });
    const release = log.hold(0);
    await fill(log, source, 4 * 1024 * kib);
    assert.ok(source.isPaused);
    release();
    assert.equal(source.isPaused, false);
  });
});

test('a hold keeps what a client that is gone has not had', async () => {
  const { log, source } = createLog();
  const client = new RecordingClient(log, 0);
  client.viewer.wake();
  await fill(log, source, 64 * kib);
  client.ack();
  const release = log.hold(client.viewer.ackedSeq);
  client.viewer.detach();
  await fill(log, source, 768 * kib);
  await settle();
  client.reattach(log);
  release();
  await drain(client);
  assert.deepEqual(client.gaps, []);
  assert.equal(client.received, log.outputBytes);
});

test('a disk that fails is as a full one: said once, nothing lost silently, no crash', async (t) => {
  await t.test('writing, with one viewer: the command waits', async () => {
    const { log, source, disk, reports } = createLog({ budgets: { diskRetryMs: 60_000 } });
    disk.failsWrites = true;
    const client = new RecordingClient(log, 0);
    client.viewer.wake();
    await fill(log, source, 4 * 1024 * kib);
    assert.ok(source.isPaused && log.outputBytes < 640 * kib);
    await drain(client);
    assert.deepEqual(client.gaps, []);
    assert.equal(source.isPaused, false);
    assert.equal(reports.length, 1);
    assert.match(reports[0] ?? '', /ENOSPC/);
  });
  await t.test('reading: the viewer is told what it misses', async () => {
    const { log, source, disk } = createLog();
    const client = new RecordingClient(log, 0);
    await fill(log, source, 768 * kib);
    await settle();
    disk.failsReads = true;
    await drain(client);
    const missed = client.gaps.reduce((sum, gap) => sum + (gap.bytes ?? 0), 0);
    assert.ok(missed > 0);
    assert.equal(client.received + missed, log.outputBytes);
  });
});

test('a disk slower than the command makes it wait', async () => {
  const { log, source, disk, store } = createLog();
  disk.isSlow = true;
  new RecordingClient(log, 0).viewer.wake();
  await fill(log, source, 4 * 1024 * kib);
  assert.ok(source.isPaused && store.held.memory < 768 * kib);
  disk.isSlow = false;
  disk.step();
  await settle();
  assert.equal(source.isPaused, false);
});

test('a viewer has one read under way, and what gives way meanwhile still reaches it', async () => {
  const { log, source, disk } = createLog({ whenFull: 'drop', keepHistory: true, aheadBytes: 256 * kib });
  const client = new RecordingClient(log, 0);
  await fill(log, source, 448 * kib);
  await settle();
  disk.isSlow = true;
  for (let round = 0; round < 3; round++) client.viewer.wake();
  await turn();
  assert.equal(disk.pendingCalls, 1);
  disk.isSlow = false;
  await fill(log, source, 640 * kib);
  await settle();
  assert.ok(log.firstSeq > 0);
  assert.equal(client.received, 0);
  disk.step();
  await settle();
  assert.ok(client.received > 0 && (client.gaps[0]?.fromSeq ?? 0) > 0);
  await drain(client);
});

test('a viewer that leaves or a run that is closed while a block is read or written leaves nothing', async () => {
  for (const end of ['detach', 'close'] as const) {
    const { log, source, disk, store } = createLog();
    const client = new RecordingClient(log, 0);
    await fill(log, source, 768 * kib);
    await settle();
    disk.isSlow = true;
    client.viewer.wake();
    await fill(log, source, 128 * kib);
    assert.ok(disk.pendingCalls > 0);
    if (end === 'detach') client.viewer.detach();
    else log.close();
    disk.isSlow = false;
    disk.step();
    await settle();
    assert.equal(client.received, 0);
    log.close();
    await settle();
    assert.deepEqual(
      [store.held.memory, store.held.disk, store.openFiles, disk.openFiles, disk.misuses],
      [0, 0, 0, 0, 0],
    );
  }
});

test('runs share memory: many have less each, and all of it again when the others are gone', async () => {
  const disk = new FakeDisk();
  const budgets = { ...small, ringBytes: 512 * kib, ringBudgetBytes: 1024 * kib, minRingBytes: 64 * kib };
  const store = new OutputStore({ directory: '/nowhere', log: () => undefined, budgets, disk });
  const start = (run: number) =>
    new RunLog({ runId: `r${run}`, run, store, aheadBytes: 0, whenFull: 'drop', keepHistory: false });
  const logs = Array.from({ length: 8 }, (_, at) => start(at + 1));
  for (let round = 0; round < 16; round++) {
    for (const log of logs) log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, 64 * kib));
  }
  assert.ok(store.held.memory <= 1.5 * 1024 * kib, String(store.held.memory));
  assert.ok(store.ringShare < 256 * kib);
  for (const log of logs.slice(1)) log.close();
  for (let round = 0; round < 64; round++) logs[0]?.appendOutput('stdout', outputFrom('stdout', 0, 64 * kib));
  assert.equal(store.ringShare, 512 * kib);
});

test('violations without end: the oldest go, with a gap in their place', async () => {
  const { log } = createLog({ budgets: { maxViolations: 100 }, keepHistory: true });
  log.append({ type: 'decided' } as never);
  for (let round = 0; round < 1_000; round++) {
    log.append({ type: 'violation', violation: { kind: 'network', target: String(round), message: 'no' } });
  }
  const seen: unknown[] = [];
  const viewer = log.attach({ canTake: true, send: (message) => seen.push(JSON.parse(String(message))) }, 0);
  viewer.wake();
  const methods = seen.map((message) => (message as { method: string }).method);
  assert.deepEqual(methods.slice(0, 3), ['run.event', 'run.gap', 'run.event']);
  assert.ok(methods.length > 50 && methods.length <= 103);
});

test('real files: private, without a name, gone with the run; what a killed daemon left is removed', async (t: TestContext) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'sbx-stream-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(path.join(directory, '12-3.spill'), 'left');
  writeFileSync(path.join(directory, 'other'), 'not ours');
  const store = new OutputStore({ directory, log: assert.fail, budgets: small });
  assert.deepEqual(readdirSync(directory), ['other']);
  const log = new RunLog({ runId: 'r', run: 1, store, aheadBytes: 1e9, whenFull: 'wait', keepHistory: true });
  const files = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      const link = `/proc/self/fd/${fd}`;
      try {
        return readlinkSync(link).startsWith(directory) ? [link] : [];
      } catch {
        return [];
      }
    });
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) await turn();
  };
  for (let round = 0; round < 12; round++) {
    log.appendOutput('stdout', outputFrom('stdout', log.outputBytes, 64 * kib));
    const memory = round < 3 ? Number.POSITIVE_INFINITY : 400 * kib;
    await until(() => store.held.memory < memory);
  }
  await until(() => files().length > 1 && readdirSync(directory).length === 1);
  for (const file of files()) {
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(statSync(file).nlink, 0);
  }
  assert.deepEqual(readdirSync(directory), ['other']);
  const client = new RecordingClient(log, 0);
  await drain(client);
  assert.equal(client.received, 768 * kib);
  log.close();
  await until(() => files().length === 0);
});
