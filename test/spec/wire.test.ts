/** The wire as a client in another language sees it: raw WebSocket frames against the real daemon. */
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { runEventSchema } from '../../client/protocol/events.ts';
import { encodeFrame } from '../../client/protocol/frames.ts';
import { limits } from '../../client/protocol/limits.ts';
import { laterMethods, methods } from '../../client/protocol/messages.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, RawClient, startParams } from '../fixtures/raw-client.ts';

let sbx: PrivateSbx;
before(async () => {
  sbx = new PrivateSbx();
  assert.equal((await sbx.run('true')).status, 0);
});
after(() => sbx.close());

const open = () => RawClient.open(sbx.socket);
const hello = greeting;

async function greet(): Promise<RawClient> {
  const raw = await open();
  assert.ok((await raw.call(1, 'hello', hello)).result);
  assert.ok((await raw.call(2, 'session.open', { cwd: sbx.workspace })).result);
  return raw;
}

test('socket and directory are private', () => {
  assert.equal(lstatSync(sbx.socket).mode & 0o777, 0o600);
  assert.equal(lstatSync(path.dirname(sbx.socket)).mode & 0o777, 0o700);
});

test('hello, session and run may be sent without waiting; events and bytes are one sequence', async () => {
  const raw = await open();
  raw.send(1, 'hello', hello);
  raw.send(2, 'session.open', { cwd: sbx.workspace });
  raw.send(3, 'run.start', startParams('pipelined', 'echo one; echo two >&2; exit 7'));
  const exit = await raw.exit('pipelined');
  assert.equal(exit.code, 7);
  assert.equal(exit.reason, 'exited');
  assert.equal(exit.outputBytes, 8);
  assert.deepEqual(
    raw.messages.filter((message) => message.id !== undefined).map((message) => [message.id, message.error]),
    [
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ],
  );
  const numbers = [...raw.events('pipelined').map(({ seq }) => seq), ...raw.frames.map(({ seq }) => seq)].sort(
    (a, b) => a - b,
  );
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index),
  );
  for (const { event } of raw.events('pipelined')) runEventSchema.parse(event);
  assert.equal(raw.events('pipelined')[0]?.event.type, 'decided');
  assert.equal(raw.events('pipelined').at(-1)?.seq, numbers.length - 1);
  raw.socket.close();
});

test('results have the documented shape', async () => {
  const raw = await greet();
  const status = await raw.call(3, 'status');
  methods.status.result.parse(status.result);
  const check = await raw.call(4, 'check', { command: 'rm -rf ~', cwd: sbx.workspace });
  assert.equal(methods.check.result.parse(check.result).effect, 'ask');
  methods.hello.result.parse(raw.messages[0]?.result);
  methods['session.open'].result.parse(raw.messages[1]?.result);
  raw.socket.close();
});

const badTexts: readonly [what: string, text: string, code: string][] = [
  ['no JSON', '{', 'bad-request'],
  ['no object', '3', 'bad-request'],
  ['another JSON-RPC version', '{"jsonrpc":"1.0","id":9,"method":"status"}', 'bad-request'],
  ['an unknown field', '{"jsonrpc":"2.0","id":9,"method":"status","x":1}', 'bad-request'],
  ['an unknown method', '{"jsonrpc":"2.0","id":9,"method":"nope"}', 'unknown-method'],
  ['a name of the prototype', '{"jsonrpc":"2.0","id":9,"method":"__proto__"}', 'unknown-method'],
  ['an unknown parameter', '{"jsonrpc":"2.0","id":9,"method":"status","params":{"x":1}}', 'bad-request'],
  ['a wrong type', '{"jsonrpc":"2.0","id":9,"method":"session.open","params":{"cwd":3}}', 'bad-request'],
  ['a run that is not there', '{"jsonrpc":"2.0","id":9,"method":"run.stop","params":{"runId":"x"}}', 'unknown-run'],
  [
    'an approval that is not there',
    '{"jsonrpc":"2.0","id":9,"method":"approval.answer","params":{"approvalId":"x","answer":"once"}}',
    'unknown-approval',
  ],
];
test('a bad message is a typed error and the connection goes on', async (t) => {
  const raw = await greet();
  for (const [what, text, code] of badTexts) {
    await t.test(what, async () => {
      const seen = raw.messages.length;
      raw.socket.send(text);
      const answer = await raw.until(() => raw.messages.slice(seen).find((message) => message.error));
      assert.equal(answer.error?.data.code, code);
    });
  }
  assert.ok((await raw.call(50, 'status')).result);
  raw.socket.close();
});

test('what a later version brings answers not-available', async () => {
  const raw = await greet();
  for (const [index, method] of laterMethods.entries()) {
    assert.equal((await raw.call(100 + index, method)).error?.data.code, 'not-available', method);
  }
  raw.socket.close();
});

test('nothing but hello is answered first', async () => {
  const raw = await open();
  assert.equal((await raw.call(1, 'status')).error?.data.code, 'hello-first');
  assert.equal((await raw.call(2, 'hello', { ...hello, protocol: 99 })).error?.data.code, 'protocol-mismatch');
  assert.equal((await raw.call(3, 'status')).error?.data.code, 'hello-first');
  raw.socket.close();
});

const badStarts: readonly [what: string, params: Record<string, unknown>, code: string][] = [
  ['an empty command', { command: '' }, 'empty-command'],
  ['blanks', { command: ' \n\t' }, 'empty-command'],
  ['an empty program', { command: undefined, argv: [''] }, 'empty-command'],
  ['a NUL byte', { command: 'a\0b' }, 'bad-command'],
  ['a lone surrogate', { command: 'a\ud800b' }, 'bad-command'],
  ['command and argv', { argv: ['ls'] }, 'bad-request'],
  ['a cwd that is not there', { cwd: '/does/not/exist' }, 'bad-cwd'],
  ['a cwd that is a file', { cwd: '/etc/passwd' }, 'bad-cwd'],
  ['a relative cwd', { cwd: 'x' }, 'bad-request'],
  ['BASH_ENV by name', { env: { BASH_ENV: '/x' }, grantEnv: ['BASH_ENV'] }, 'bad-environment'],
  ['a bad rule', { flags: { deny: ['Bash(rm'] } }, 'bad-rule'],
  ['a policy file that is not there', { flags: { policyFile: '/does/not/exist' } }, 'bad-policy'],
  ['another session', { sessionId: 's-none' }, 'unknown-session'],
];
test('a run that cannot start is a typed error', async (t) => {
  const raw = await greet();
  for (const [index, [what, params, code]] of badStarts.entries()) {
    await t.test(what, async () => {
      const answer = await raw.call(200 + index, 'run.start', startParams(`bad-${index}`, 'true', params));
      assert.equal(answer.error?.data.code, code, answer.error?.message);
    });
  }
  assert.ok((await raw.call(300, 'run.start', startParams('good', 'true'))).result);
  assert.equal((await raw.exit('good')).code, 0);
  raw.socket.close();
});

test('a run id in use with another body is refused, also to another client; its stdin is nobody else’s', async () => {
  const [one, two] = [await greet(), await greet()];
  const started = await one.call(3, 'run.start', startParams('mine', 'cat', { stdin: 'stream' }));
  const run = Number(started.result?.['run']);
  assert.equal((await one.call(4, 'run.start', startParams('mine', 'true'))).error?.data.code, 'run-exists');
  assert.equal((await two.call(4, 'run.start', startParams('mine', 'true'))).error?.data.code, 'run-exists');
  for (const [method, more] of [
    ['run.closeStdin', {}],
    ['run.resize', { size: { columns: 80, rows: 24 } }],
    ['run.stdin', { offset: 0, data: 'eA==' }],
  ] as const) {
    assert.equal((await two.call(5, method, { runId: 'mine', ...more })).error?.data.code, 'writer-taken', method);
  }
  const payload = Buffer.from('text');
  const stranger = await greet();
  stranger.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 0, payload }));
  assert.deepEqual(await stranger.closing(), { code: 1008, reason: 'bad-frame' });
  one.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 0, payload }));
  await one.call(6, 'run.closeStdin', { runId: 'mine' });
  assert.equal((await one.exit('mine')).code, 0);
  assert.equal(one.output(run), 'text');
  assert.equal((await one.call(7, 'run.closeStdin', { runId: 'mine' })).error?.data.code, 'run-ended');
  // Stdin that was on its way when the run ended is no fault.
  one.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset: 4, payload }));
  assert.ok((await one.call(8, 'status')).result);
  one.socket.close();
  two.socket.close();
});

const stdin = (run: number, offset: number) =>
  encodeFrame({ stream: 'stdin', run, seq: 0, offset, payload: Buffer.from('x') });
const badFrames: readonly [what: string, bytes: (run: number) => Buffer][] = [
  ['too short', () => Buffer.from([0, 1])],
  ['an unknown kind', (run) => stdin(run, 0).fill(9, 0, 1)],
  [
    'output from a client',
    (run) => encodeFrame({ stream: 'stdout', run, seq: 0, offset: 0, payload: Buffer.from('x') }),
  ],
  ['out of order', (run) => stdin(run, 5)],
  ['for a run that is not there', () => stdin(4_000_000, 0)],
];
for (const [what, bytes] of badFrames) {
  test(`a binary frame that is ${what} closes the connection with a reason and stops its run`, async () => {
    const raw = await greet();
    const started = await raw.call(3, 'run.start', startParams(`frame-${what.length}`, 'cat', { stdin: 'stream' }));
    raw.socket.send(bytes(Number(started.result?.['run'])));
    assert.deepEqual(await raw.closing(), { code: 1008, reason: 'bad-frame' });
    const watcher = await greet();
    for (let id = 10; ; id++) {
      const status = await watcher.call(id, 'status');
      if (status.result?.['liveRuns'] === 0) break;
    }
    watcher.socket.close();
  });
}

test('a frame over the size limit closes the connection, and only that one', async () => {
  const [good, bad] = [await greet(), await greet()];
  bad.socket.on('error', () => undefined);
  bad.socket.send('x'.repeat(limits.maxFrameBytes + 1));
  assert.equal((await bad.closing()).code, 1009);
  assert.ok((await good.call(9, 'status')).result);
  good.socket.close();
});

test('a client that does not read makes its own run wait, nobody else’s, and the daemon does not grow', async () => {
  const [slow, other] = [await greet(), await greet()];
  const before = Number((await other.call(3, 'status')).result?.['rssBytes']);
  slow.socket.pause();
  slow.send(3, 'run.start', startParams('flood', 'head -c 300000000 /dev/zero'));
  for (let round = 0; round < 20; round++) {
    assert.ok((await other.call(10 + round, 'run.start', startParams(`beside-${round}`, 'echo beside'))).result);
    assert.equal((await other.exit(`beside-${round}`)).code, 0);
  }
  const grown = Number((await other.call(99, 'status')).result?.['rssBytes']) - before;
  assert.ok(grown < 64 * 1024 * 1024, `grew by ${grown} bytes`);
  slow.socket.resume();
  const exit = await slow.exit('flood');
  assert.equal(exit.outputBytes, 300_000_000);
  assert.equal(
    slow.frames.reduce((sum, frame) => sum + frame.payload.length, 0),
    300_000_000,
  );
  let expected = 0;
  for (const frame of slow.frames) {
    assert.equal(frame.offset, expected);
    expected += frame.payload.length;
  }
  slow.socket.close();
  other.socket.close();
});

test('a command that does not read its input never keeps a signal waiting', async () => {
  const raw = await greet();
  const started = await raw.call(3, 'run.start', startParams('deaf', 'sleep 60', { stdin: 'stream' }));
  const run = Number(started.result?.['run']);
  const chunk = Buffer.alloc(limits.maxPayloadBytes);
  for (let offset = 0; offset < limits.stdinWindowBytes; offset += chunk.length) {
    raw.socket.send(encodeFrame({ stream: 'stdin', run, seq: 0, offset, payload: chunk }));
  }
  await raw.until(() => raw.events('deaf').find(({ event }) => event.type === 'started'));
  await raw.call(4, 'run.signal', { runId: 'deaf', signal: 'SIGTERM' });
  const exit = await raw.exit('deaf');
  assert.equal(exit.code, 143);
  raw.socket.close();
});

test('an answer runs the command, no does not, and nobody who was not asked can give it', async () => {
  const [asked, other] = [await greet(), await greet()];
  const ask = { approver: true, flags: { ask: ['Bash(echo *)'] } };
  for (const [answer, code] of [
    ['once', 0],
    ['no', undefined],
  ] as const) {
    const runId = `ask-${answer}`;
    const started = await asked.call(answer === 'no' ? 20 : 10, 'run.start', startParams(runId, 'echo yes', ask));
    const run = Number(started.result?.['run']);
    const question = await asked.until(() => asked.events(runId).find(({ event }) => event.type === 'approvalNeeded'));
    assert.ok(question.event.type === 'approvalNeeded');
    const { approvalId } = question.event.approval;
    assert.equal(
      (await other.call(30, 'approval.answer', { approvalId, answer: 'once' })).error?.data.code,
      'unknown-approval',
    );
    assert.ok((await asked.call(answer === 'no' ? 21 : 11, 'approval.answer', { approvalId, answer })).result);
    const exit = await asked.exit(runId);
    assert.equal(exit.code, code);
    assert.equal(exit.reason, answer === 'no' ? 'denied' : 'exited');
    assert.equal(asked.output(run), answer === 'no' ? '' : 'yes\n');
  }
  asked.socket.close();
  other.socket.close();
});

test('a client that is cut off while it is asked leaves no question and no run', async () => {
  const raw = await greet();
  await raw.call(3, 'run.start', startParams('cut', 'echo x', { approver: true, flags: { ask: ['Bash(echo *)'] } }));
  await raw.until(() => raw.events('cut').find(({ event }) => event.type === 'approvalNeeded'));
  raw.socket.terminate();
  const watcher = await greet();
  for (let id = 10; ; id++) {
    const status = await watcher.call(id, 'status');
    if (status.result?.['liveRuns'] === 0) break;
  }
  watcher.socket.close();
});
