/**
 * Laws of the wire's two decoders, whatever bytes a client sends: a frame comes back as it was sent, no bytes make them
 * throw, and every message is dealt with by an answer or by the end of the connection, within bounds.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WebSocket } from 'ws';
import '../fixtures/seed.ts';
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  frameHeaderBytes,
  frameKinds,
  type StreamName,
} from '../../client/protocol/frames.ts';
import { limits } from '../../client/protocol/limits.ts';
import { type MethodName, methods, notifiable } from '../../client/protocol/messages.ts';
import { Connection, type Handlers } from '../../daemon/request/connection.ts';

const safeNumber = fc.maxSafeNat();
const frame: fc.Arbitrary<Frame> = fc.record(
  {
    stream: fc.constantFrom(...(Object.keys(frameKinds) as StreamName[])),
    run: fc.nat(0xffffffff),
    seq: safeNumber,
    offset: safeNumber,
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

test('a frame comes back as it was sent, and its bytes are the only ones that mean it', () => {
  fc.assert(
    fc.property(frame, (sent) => {
      const bytes = encodeFrame(sent);
      const received = decodeFrame(bytes);
      assert.deepEqual(received, sent);
      assert.deepEqual(encodeFrame(received as Frame), bytes);
    }),
  );
});

test('any bytes are a frame that encodes to them, or none', () => {
  const nearFrame = fc.tuple(frame, fc.nat(400), fc.nat(255), fc.nat(400)).map(([sent, at, byte, end]) => {
    const bytes = encodeFrame(sent);
    if (at < bytes.length) bytes[at] = byte;
    return bytes.subarray(0, end);
  });
  const anyBytes = fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(nearFrame, anyBytes), (bytes) => {
      const decoded = decodeFrame(bytes);
      if (decoded) assert.deepEqual(encodeFrame(decoded), bytes);
      else if (bytes.length >= frameHeaderBytes) {
        const isKnown = (bytes[0] as number) < Object.keys(frameKinds).length;
        const isSafe = [5, 13].every((at) => bytes.readBigUInt64BE(at) <= BigInt(Number.MAX_SAFE_INTEGER));
        assert.ok(!isKnown || !isSafe, 'a whole frame is not refused');
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a payload may have 64 KiB and not one byte more', () => {
  const header = { stream: 'stdin', run: 1, seq: 0, offset: 0 } as const;
  assert.ok(decodeFrame(encodeFrame({ ...header, payload: Buffer.alloc(limits.maxPayloadBytes) })));
  assert.equal(decodeFrame(encodeFrame({ ...header, payload: Buffer.alloc(limits.maxPayloadBytes + 1) })), undefined);
});

/** What a Connection uses of a WebSocket; nothing of it is ever sent on until `drain`. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  isPaused = false;
  readonly sent: string[] = [];
  closed: { code: number; reason: string } | undefined;
  #sending: (() => void)[] = [];

  send(message: string | Buffer, ...rest: unknown[]): void {
    const done = rest.at(-1);
    const bytes = Buffer.byteLength(message);
    if (typeof message === 'string') this.sent.push(message);
    this.bufferedAmount += bytes;
    this.#sending.push(() => {
      this.bufferedAmount -= bytes;
      if (typeof done === 'function') done();
    });
  }

  drain(): void {
    for (const done of this.#sending.splice(0)) done();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    this.closed ??= { code, reason };
    this.readyState = 2;
  }

  terminate(): void {
    this.closed ??= { code: 1006, reason: '' };
    this.readyState = 3;
    this.emit('close');
  }

  say(message: string | Buffer): void {
    this.emit('message', Buffer.from(message as string), typeof message !== 'string');
  }
}

interface Peer {
  readonly socket: FakeSocket;
  readonly connection: Connection;
  readonly defects: string[];
  readonly state: { forgotten: number };
}

function meet(handlers: Partial<Handlers> = {}): Peer {
  const socket = new FakeSocket();
  const defects: string[] = [];
  const state = { forgotten: 0 };
  const nothing = Object.fromEntries(Object.keys(methods).map((name) => [name, async () => ({})]));
  const connection = new Connection(socket as unknown as WebSocket, {
    build: 'test',
    daemonId: 'test',
    handlers: { ...nothing, ...handlers } as unknown as Handlers,
    onGreeted: () => undefined,
    onStdin: () => undefined,
    onClosed: () => {
      state.forgotten++;
    },
    log: (message) => defects.push(message),
  });
  return { socket, connection, defects, state };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const request = (method: string, params: unknown = {}, id: unknown = 1) =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const hello = request('hello', { protocol: 1, build: 'test', client: 'test' }, 0);

/** Each message gets one answer, and none is a defect. */
async function answers(texts: readonly string[]): Promise<Record<string, unknown>[]> {
  const { socket, defects } = meet();
  socket.say(hello);
  for (const text of texts) socket.say(text);
  await settle();
  assert.deepEqual(defects, []);
  assert.equal(socket.closed, undefined);
  const [greeted, ...rest] = socket.sent.map((text) => JSON.parse(text) as Record<string, unknown>);
  assert.ok(greeted);
  return rest;
}

/** What has an answer: everything but a notification that may be one. */
function wantsAnswer(text: string): boolean {
  try {
    const { id, method } = JSON.parse(text) as { id?: unknown; method?: unknown };
    return id !== undefined || !notifiable.includes(String(method));
  } catch {
    return true;
  }
}

async function assertAnswered(text: string): Promise<void> {
  const [answer, ...more] = await answers([text]);
  if (!wantsAnswer(text)) return;
  assert.ok(answer, `no answer to ${text.slice(0, 200)}`);
  assert.deepEqual(more, []);
  assert.equal(answer['jsonrpc'], '2.0');
  assert.notEqual('result' in answer, 'error' in answer);
}

const json = fc.json({ maxDepth: 6 });
const names = Object.keys(methods) as MethodName[];
const oddKey = fc.constantFrom('__proto__', 'constructor', 'toString', 'runId', 'sessionId', 'env', 'flags', 'cwd', '');
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(1e308, -0, 2 ** 53, 2 ** 53 + 2, 0.1, '\ud800', '\u0000', '/..', 'a'.repeat(10_000)),
);
const envelope = fc
  .record(
    {
      jsonrpc: fc.oneof({ weight: 5, arbitrary: fc.constant('2.0') }, { weight: 1, arbitrary: oddValue }),
      id: fc.oneof(fc.nat(), fc.string(), oddValue),
      method: fc.oneof(fc.constantFrom(...names), fc.string(), oddValue),
      params: fc.oneof(fc.dictionary(oddKey, oddValue, { maxKeys: 5 }), oddValue),
      [String('__proto__')]: oddValue,
    },
    { requiredKeys: [] },
  )
  .map((message) => JSON.stringify(message));

test('any text is answered', async () => {
  const lying = fc.tuple(json, fc.nat(50)).map(([text, cut]) => text.slice(0, cut));
  const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('utf8'));
  const batch = fc.array(envelope, { maxLength: 4 }).map((texts) => `[${texts.join()}]`);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), anyBytes, json, lying, envelope, batch), assertAnswered),
    { numRuns: 1_500 },
  );
});

test('any parameters of any method are answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.dictionary(oddKey, oddValue, { maxKeys: 5 }), (method, params) =>
      assertAnswered(request(method, params)),
    ),
    { numRuns: 1_500 },
  );
});

const deep = 200_000;
const extremes: readonly [what: string, text: string][] = [
  ['deep arrays', '['.repeat(deep) + ']'.repeat(deep)],
  ['deep parameters', request('status').replace('{}', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`)],
  ['deep and cut off', '[{"a":'.repeat(deep)],
  ['a number without end', `{"jsonrpc":"2.0","id":${'9'.repeat(100_000)},"method":"status"}`],
  ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"status"}'],
  ['an id of a fraction', '{"jsonrpc":"2.0","id":1.5,"method":"status"}'],
  ['the same key twice', '{"jsonrpc":"2.0","id":1,"method":"nope","method":"status"}'],
  [
    'many unknown keys',
    request('status', Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`k${at}`, 1]))),
  ],
  ['many wrong elements', request('hello', { capabilities: Array.from({ length: 100_000 }, () => 1) })],
  ['base64 that is none', request('run.stdin', { runId: 'x', offset: 0, data: '*'.repeat(1_000_000) })],
];
for (const [what, text] of extremes) {
  test(`${what}: answered, and shortly`, async () => {
    await assertAnswered(text);
    const [answer] = await answers([text]);
    assert.ok(JSON.stringify(answer).length < 20_000, `${JSON.stringify(answer).length} bytes`);
  });
}

test('requests are answered in the order they came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...names, 'nope'), { maxLength: 20 }), async (asked) => {
      const got = await answers(asked.map((method, at) => request(method, {}, at)));
      assert.deepEqual(
        got.map(({ id }) => id),
        asked.map((_, at) => at),
      );
    }),
  );
});

test('what waits behind a slow request is bounded in number and in bytes', async () => {
  for (const [what, size, most] of [
    ['small requests', 10, 256],
    ['large requests', 3_000_000, 4],
  ] as const) {
    let go: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { socket } = meet({ 'session.list': async () => slow.then(() => ({ sessions: [] })) });
    socket.say(hello);
    socket.say(request('session.list'));
    let taken = 0;
    for (; !socket.isPaused && taken < 1_000; taken++) socket.say(request('run.get', { runId: 'x'.repeat(size) }));
    assert.ok(taken <= most, `${what}: ${taken} were taken`);
    go();
    await settle();
    socket.drain();
    assert.equal(socket.isPaused, false, `${what}: it is read on`);
    assert.equal(socket.sent.length, taken + 2);
  }
});

test('who asks and never reads is read no further, until it does', async () => {
  const { socket } = meet({ 'session.list': async () => ({ sessions: 'x'.repeat(100_000) }) as never });
  socket.say(hello);
  let asked = 0;
  for (; !socket.isPaused && asked < 1_000; asked++) {
    socket.say(request('session.list'));
    await settle();
  }
  assert.ok(socket.bufferedAmount < 5 * 1024 * 1024, `${socket.bufferedAmount} bytes wait`);
  socket.drain();
  assert.equal(socket.isPaused, false);
});

test('who takes no notifications is given up, who takes them is not', async () => {
  const settled = { approvalId: 'x'.repeat(100), runId: 'x', answer: 'none' } as const;
  const [deaf, slow] = [meet(), meet()];
  for (let count = 0; count < 100_000; count++) {
    deaf.connection.notify('approval.settled', settled);
    slow.connection.notify('approval.settled', settled);
    if (count % 1_000 === 0) slow.socket.drain();
  }
  assert.ok(deaf.socket.closed && deaf.socket.bufferedAmount < 5 * 1024 * 1024);
  assert.equal(slow.socket.closed, undefined);
  await settle();
  assert.deepEqual([deaf.state.forgotten, slow.state.forgotten], [1, 0]);
});

test('a connection is forgotten once, after the requests that came before its end', async () => {
  let go: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    go = resolve;
  });
  const order: string[] = [];
  const { socket, state } = meet({
    'session.list': async () => slow.then(() => ({ sessions: [] })),
    'run.list': async () => {
      order.push(`started, ${state.forgotten}`);
      return { runs: [] };
    },
  });
  socket.say(hello);
  socket.say(request('session.list'));
  socket.say(request('run.list'));
  socket.terminate();
  socket.say(request('run.list'));
  await settle();
  assert.equal(state.forgotten, 0);
  go();
  await settle();
  assert.deepEqual([order, state.forgotten], [['started, 0'], 1]);
});

test('a handler that throws something odd ends neither the daemon nor the connection', async () => {
  for (const thrown of [undefined, null, 'text', new Error('x'), { id: 1 }]) {
    const { socket, defects } = meet({
      'session.list': async () => {
        throw thrown;
      },
    });
    socket.say(hello);
    socket.say(request('session.list'));
    socket.say(request('run.list'));
    await settle();
    assert.equal(socket.sent.length, 3);
    assert.match(socket.sent[1] ?? '', /"code":"internal"/);
    assert.equal(defects.length, 1);
    assert.equal(socket.closed, undefined);
  }
});
