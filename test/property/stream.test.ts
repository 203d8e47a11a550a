/**
 * Laws of the store of output, whatever viewers, disk and commands do: each viewer gets every number once and in order or
 * is told what is missing; nobody waits for ever; memory, disk and files stay within their bounds.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import { OutputStore, type StreamBudgets } from '../../daemon/stream/output-store.ts';
import { type OutputStream, RunLog } from '../../daemon/stream/run-log.ts';
import { FakeDisk } from '../unit/stream/fake-disk.ts';
import { outputFrom, RecordingClient } from '../unit/stream/recording-client.ts';

const budgets: StreamBudgets = {
  maxPayloadBytes: 64,
  viewerWindowBytes: 400,
  viewerWindowMessages: 6,
  ringBytes: 2_000,
  ringBudgetBytes: 3_000,
  minRingBytes: 1_000,
  maxSpillBytes: 1_500,
  spillBudgetBytes: 2_400,
  maxSpillFiles: 6,
  segmentBytes: 600,
  blockBytes: 250,
  diskRetryMs: 3,
  maxViolations: 30,
  maxEventBytes: 100_000,
};
const largestChunk = 150;
const chunkCost = largestChunk + 3 * 225;
/** A `violation` as the tests append it: two bytes a character, and its entry. */
const eventCost = 1_000;

const index = fc.nat({ max: 7 });
const operation = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('output'), run: index, stream: index, size: fc.nat(largestChunk) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('output'), run: index, stream: fc.constant(0), size: fc.nat(5) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('event'), run: index }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('ack'), client: index, part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('attach'), run: index, part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('detach'), client: index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('full'), client: index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('drained'), client: index }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('hold'), run: index, part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release'), hold: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('disk'),
      failsWrites: fc.boolean(),
      failsReads: fc.boolean(),
      isSlow: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('tick'), steps: fc.nat(5) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const streams: readonly OutputStream[] = ['stdout', 'stderr', 'pty'];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class TestRun {
  readonly log: RunLog;
  readonly offsets = { stdout: 0, stderr: 0, pty: 0 };
  readonly clients: RecordingClient[] = [];
  readonly gone: RecordingClient[] = [];
  readonly contents = new Map<number, string>();
  isPaused = false;
  appendedEvents = 0;
  readonly options: { whenFull: 'wait' | 'drop'; keepHistory: boolean; aheadBytes: number };

  constructor(run: number, store: OutputStore, options: TestRun['options']) {
    this.options = options;
    this.log = new RunLog({ runId: `run-${run}`, run, store, ...options });
    this.log.setSource({
      pause: () => {
        assert.equal(this.isPaused, false);
        this.isPaused = true;
      },
      resume: () => {
        assert.equal(this.isPaused, true);
        this.isPaused = false;
      },
    });
  }

  /** Violations, and `truncated` at each doubling of what cannot be 2^16 bytes. */
  get mayForgetEvents(): boolean {
    return this.appendedEvents + 16 > budgets.maxViolations;
  }

  output(stream: OutputStream, size: number): void {
    this.log.appendOutput(stream, outputFrom(stream, this.offsets[stream], size));
    this.offsets[stream] += size;
  }

  event(): void {
    this.appendedEvents++;
    this.log.append({
      type: 'violation',
      violation: { kind: 'file', target: String(this.appendedEvents), message: 'no' },
    });
  }

  attach(fromSeq: number): RecordingClient {
    const client = new RecordingClient(this.log, fromSeq, {
      onMessage: (seq, content) => {
        assert.equal(this.contents.get(seq) ?? content, content, 'two clients were sent different things');
        this.contents.set(seq, content);
      },
    });
    this.clients.push(client);
    return client;
  }
}

function pick<T>(items: readonly T[], at: number): T | undefined {
  return items[at % Math.max(1, items.length)];
}

class World {
  readonly disk = new FakeDisk();
  readonly reports: string[] = [];
  readonly store = new OutputStore({
    directory: '/nowhere',
    log: (message) => this.reports.push(message),
    budgets,
    disk: this.disk,
    now: () => this.ticks,
  });
  readonly runs: TestRun[];
  readonly holds: (() => void)[] = [];
  hasFailed = false;
  ticks = 0;

  constructor(options: readonly TestRun['options'][]) {
    this.runs = options.map((option, at) => new TestRun(at + 1, this.store, option));
  }

  get clients(): { run: TestRun; client: RecordingClient }[] {
    return this.runs.flatMap((run) => run.clients.map((client) => ({ run, client })));
  }

  async perform(operation: Operation): Promise<void> {
    const at = operation as unknown as Record<string, number>;
    const run = pick(this.runs, at['run'] ?? 0) as TestRun;
    const entry = pick(this.clients, at['client'] ?? 0);
    switch (operation.do) {
      case 'output':
        if (!run.isPaused) run.output(pick(streams, at['stream'] ?? 0) as OutputStream, at['size'] ?? 0);
        break;
      case 'event':
        run.event();
        break;
      case 'ack': {
        if (!entry) break;
        const { client } = entry;
        const from = client.viewer.ackedSeq;
        const seq = from + Math.round((client.nextSeq - from) * (at['part'] ?? 0));
        assert.equal(client.ack(seq), true);
        assert.equal(client.viewer.ackedSeq, seq);
        assert.equal(client.ack(client.nextSeq + 1), false);
        break;
      }
      case 'attach': {
        if (run.clients.length >= 4) break;
        const client = run.attach(Math.round(run.log.nextSeq * (at['part'] ?? 0)));
        assert.equal(client.received, 0);
        client.viewer.wake();
        break;
      }
      case 'detach':
        if (!entry) break;
        entry.client.viewer.detach();
        entry.run.gone.push(entry.client);
        entry.run.clients.splice(entry.run.clients.indexOf(entry.client), 1);
        break;
      case 'full':
        if (entry) entry.client.isOpen = false;
        break;
      case 'drained':
        if (!entry) break;
        entry.client.isOpen = true;
        entry.client.viewer.wake();
        break;
      case 'hold':
        this.holds.push(run.log.hold(Math.round(run.log.nextSeq * (at['part'] ?? 0))));
        break;
      case 'release':
        this.holds.splice((at['hold'] ?? 0) % Math.max(1, this.holds.length), 1)[0]?.();
        break;
      case 'disk':
        Object.assign(this.disk, operation);
        if (!this.disk.isSlow) this.disk.step();
        this.hasFailed ||= this.disk.failsWrites;
        break;
      case 'tick':
        this.ticks++;
        this.disk.step(at['steps']);
        await turn();
        break;
    }
  }

  async check(): Promise<void> {
    // What is being written at this moment is a reason to wait.
    if (this.runs.some((run) => run.isPaused)) await turn();
    const { held } = this.store;
    let events = 0;
    let blocks = 0;
    for (const run of this.runs) {
      events += run.log.nextSeq === 0 ? 0 : run.appendedEvents + 32;
      blocks += run.clients.length + 2;
      if (run.isPaused) this.checkPause(run);
    }
    const rings = this.runs.length * (budgets.ringBytes * 2 + chunkCost) + events * 200;
    const bound = rings + events * eventCost + blocks * (budgets.blockBytes + 100);
    assert.ok(held.memory >= 0 && held.memory <= bound, `memory ${held.memory} over ${bound}`);
    assert.ok(held.disk >= 0 && held.disk <= budgets.spillBudgetBytes, `disk ${held.disk}`);
    assert.ok(this.store.openFiles <= budgets.maxSpillFiles);
  }

  /** A command waits only when everybody has enough to take yet, or there is nowhere to put more. */
  checkPause(run: TestRun): void {
    const isAtCap =
      this.hasFailed ||
      this.disk.pendingCalls > 0 ||
      this.store.held.disk + budgets.blockBytes * 2 > Math.min(budgets.spillBudgetBytes, budgets.maxSpillBytes) ||
      this.store.openFiles === budgets.maxSpillFiles;
    if (isAtCap) return;
    assert.equal(run.options.whenFull, 'wait');
    const ahead = budgets.ringBytes + Math.min(run.options.aheadBytes, budgets.maxSpillBytes);
    for (const client of run.clients) {
      if (!client.isOpen || !client.offsets) continue;
      const { stdout, stderr, pty } = client.offsets;
      assert.ok(
        run.log.outputBytes - stdout - stderr - pty >= ahead * 0.75,
        'paused while somebody has little to take',
      );
    }
  }

  /** Everybody takes everything: then nothing waits, and everything has come or was announced as missing. */
  async drain(): Promise<void> {
    Object.assign(this.disk, { failsWrites: false, failsReads: false, isSlow: false });
    this.disk.step();
    for (const release of this.holds) release();
    for (const run of this.runs) {
      run.attach(0).viewer.wake();
      run.log.append({ type: 'exited', exit: { reason: 'exited', durationMs: 1, outputBytes: 0, violations: 0 } });
    }
    for (let round = 0; round < 2_000 && this.clients.some(({ client }) => !client.viewer.isCaughtUp); round++) {
      for (const { client } of this.clients) {
        client.isOpen = true;
        client.viewer.wake();
        client.ack();
      }
      this.ticks++;
      await turn();
    }
    for (const run of this.runs) {
      for (const client of run.gone) client.checkUnacknowledged();
      assert.equal(run.isPaused, false, 'the command waits although everybody is done');
      for (const client of run.clients) {
        assert.ok(client.viewer.isCaughtUp, 'stuck');
        assert.equal(client.events.at(-1)?.event.type, 'exited');
        if (client.offsets) assert.deepEqual(client.offsets, run.offsets);
        for (const gap of client.gaps) {
          for (let seq = gap.fromSeq; seq < gap.toSeq; seq++) {
            const isEvent = run.contents.get(seq)?.startsWith('{') ?? false;
            assert.ok(!isEvent || run.mayForgetEvents, 'an event in a gap');
          }
        }
      }
      const first = run.clients.at(-1) as RecordingClient;
      if (!run.mayForgetEvents) {
        const seen = first.events.filter(({ event }) => event.type === 'violation').length;
        assert.equal(seen, run.appendedEvents, 'an event is lost');
      }
    }
  }

  async close(): Promise<void> {
    for (const run of this.runs) run.log.close();
    for (let round = 0; round < 5; round++) await turn();
    assert.deepEqual(this.store.held, { memory: 0, disk: 0 });
    assert.equal(this.store.openFiles, 0);
    assert.equal(this.disk.openFiles, 0);
    assert.equal(this.disk.misuses, 0);
  }
}

const options = fc.record({
  whenFull: fc.constantFrom<'wait' | 'drop'>('wait', 'drop'),
  keepHistory: fc.boolean(),
  aheadBytes: fc.constantFrom(0, 500, 1_000_000),
});

test('whatever happens, viewers get everything in order or are told, nobody waits for ever, bounds hold', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(options, { minLength: 1, maxLength: 3 }),
      fc.array(operation, { maxLength: 250, size: 'max' }),
      async (runs, operations) => {
        const world = new World(runs);
        for (const operation of operations) {
          await world.perform(operation);
          await world.check();
        }
        await world.drain();
        await world.close();
        assert.ok(world.reports.length <= 1);
      },
    ),
    { numRuns: 400, includeErrorInReport: true },
  );
});

test('a run that is closed in the middle leaves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(options, fc.array(operation, { maxLength: 80, size: 'max' }), async (run, operations) => {
      const world = new World([run, run]);
      for (const operation of operations) await world.perform(operation);
      for (const one of world.runs) one.log.close();
      world.disk.step();
      for (let round = 0; round < 5; round++) {
        await turn();
        world.disk.step();
      }
      await world.close();
    }),
    { numRuns: 300, includeErrorInReport: true },
  );
});

/** One client, slow and coming back, on a healthy disk: the case that must never lose a byte. */
test('one client that is slow or gone for a while loses nothing', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('output' as const), size: fc.nat(largestChunk) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('event' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('ack' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 500, 1_000_000),
      fc.boolean(),
      fc.array(step, { maxLength: 300, size: 'max' }),
      async (aheadBytes, isDiskSlow, steps) => {
        const world = new World([{ whenFull: 'wait', keepHistory: false, aheadBytes }]);
        const run = world.runs[0] as TestRun;
        world.disk.isSlow = isDiskSlow;
        const client = run.attach(0);
        client.viewer.wake();
        let release: (() => void) | undefined;
        const comeBack = (): void => {
          client.reattach(run.log);
          release?.();
          release = undefined;
          client.viewer.wake();
        };
        for (const step of steps) {
          if (step.do === 'output' && !run.isPaused) run.output('stdout', step.size);
          else if (step.do === 'event' && !run.mayForgetEvents) run.event();
          else if (step.do === 'ack' && !release) {
            client.ack(Math.floor(client.viewer.ackedSeq + (client.nextSeq - client.viewer.ackedSeq) * step.part));
          } else if (step.do === 'leave') {
            if (release) comeBack();
            else {
              release = run.log.hold(client.viewer.ackedSeq);
              client.viewer.detach();
            }
          } else if (step.do === 'tick') {
            world.disk.step(1);
            await turn();
          }
        }
        if (release) comeBack();
        await world.drain();
        assert.deepEqual(client.gaps, []);
        assert.equal(client.received, run.log.outputBytes);
        await world.close();
      },
    ),
    { numRuns: 300, includeErrorInReport: true },
  );
});
