/** The SDK against the real daemon: what its README promises, with real commands. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { type ConnectOptions, RunError, SandboxClient, type Session } from '../../client/index.ts';
import { limits } from '../../client/protocol/limits.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

let sbx: PrivateSbx;
let client: SandboxClient;
let session: Session;
before(async () => {
  sbx = new PrivateSbx();
  mkdirSync(path.join(sbx.home, '.config/sbx'), { recursive: true });
  writeFileSync(
    path.join(sbx.home, '.config/sbx/policy.json'),
    JSON.stringify({ permissions: { ask: ['Bash(touch asked)'] }, sandbox: { allowUnsandboxed: true } }),
  );
  assert.equal((await sbx.run('true')).status, 0);
  client = await connect();
  session = await client.openSession({ cwd: sbx.workspace });
});
after(async () => {
  await client?.close();
  await sbx.close();
});

const connect = (options: ConnectOptions = {}) => SandboxClient.connect({ env: sbx.env, ...options });

test('a result has both streams, the status, the decision and the walls that were up', async () => {
  const result = await session.run('echo out; echo err >&2; exit 7');
  assert.equal(result.stdout, 'out\n');
  assert.equal(result.stderr, 'err\n');
  assert.equal(result.ok, false);
  assert.equal(result.exit.reason, 'exited');
  assert.equal(result.exit.code, 7);
  assert.equal(result.exit.sandbox?.backend, 'bubblewrap');
  assert.equal(result.decision?.effect, 'allow');
});

test('an argument list is no bash text', async () => {
  assert.equal((await session.run(['printf', '%s|', '$HOME', 'two words', ';'])).stdout, '$HOME|two words|;|');
});

test('the folder carries over, a variable only through update', async () => {
  const own = await client.openSession({ cwd: sbx.workspace });
  await own.run('mkdir -p deep && cd deep && export GONE=1');
  assert.equal((await own.run('pwd; echo "$GONE"')).stdout, `${path.join(sbx.workspace, 'deep')}\n\n`);
  await own.update({ env: { KEPT: 'yes' }, cwd: sbx.workspace });
  assert.equal((await own.run('pwd; echo "$KEPT"')).stdout, `${sbx.workspace}\nyes\n`);
  await own.update({ env: { KEPT: null } });
  assert.equal((await own.run('echo "$KEPT"', { env: { TOKEN_X: 'given' } })).stdout, '\n');
  assert.equal((await own.run('echo "$TOKEN_X"', { env: { TOKEN_X: 'given' } })).stdout, 'given\n');
  await own.close();
  await assert.rejects(async () => own.run('true'), { code: 'unknown-session' });
});

test('the sandbox is switched off and on again', async () => {
  const own = await client.openSession({ cwd: sbx.workspace, autoAllow: true });
  const off = await own.update({ sandbox: false });
  assert.equal(off.sandbox, false);
  assert.equal((await own.run('echo x', { flags: { allow: ['Bash(echo *)'] } })).exit.sandbox?.backend, 'none');
  await own.update({ sandbox: true });
  assert.equal((await own.run('echo x')).exit.sandbox?.backend, 'bubblewrap');
  await own.close();
});

test('input in every form', async () => {
  assert.equal((await session.run('cat', { input: 'grüße' })).stdout, 'grüße');
  const big = Buffer.alloc(5 * 1024 * 1024, 'abc');
  const { stdout } = await session.run('cat', { input: big, encoding: 'buffer' });
  assert.ok(stdout.equals(big));
  const lines = (async function* () {
    for (let line = 0; line < 3; line++) yield `${line}\n`;
  })();
  assert.equal((await session.run('wc -l', { input: lines })).stdout.trim(), '3');
  const run = session.run('cat', { stdin: 'open' });
  await run.write('a');
  await run.write('b');
  run.closeStdin();
  assert.equal((await run).stdout, 'ab');
});

test('output as it comes, in one sequence', async () => {
  const seqs: number[] = [];
  let text = '';
  for await (const event of session.run('for i in 1 2 3; do echo $i; done')) {
    seqs.push(event.seq);
    if (event.type === 'output') text += event.text;
  }
  assert.equal(text, '1\n2\n3\n');
  assert.deepEqual(
    seqs,
    seqs.map((_, index) => index),
  );
});

test('a slow reader makes its own run wait, nobody else’s, and gets every byte', async () => {
  const bytes = limits.viewerWindowBytes * 8;
  const run = session.run(`head -c ${bytes} /dev/urandom | tee copy | cat`);
  const hash = createHash('sha256');
  let seen = 0;
  let beside = 0;
  for await (const event of run) {
    if (event.type !== 'output') continue;
    hash.update(event.bytes);
    seen += event.bytes.length;
    if (seen > limits.viewerWindowBytes * beside) {
      beside++;
      assert.equal((await session.run('echo beside')).stdout, 'beside\n');
    }
  }
  assert.equal(seen, bytes);
  const sum = await session.run('sha256sum copy; rm copy');
  assert.equal(sum.stdout.split(' ')[0], hash.digest('hex'));
});

test('a command that prints one byte at a time does not stall', async () => {
  const { stdout } = await session.run('for ((i = 0; i < 20000; i++)); do printf x; done');
  assert.equal(stdout.length, 20_000);
});

test('too much output ends the run', async () => {
  const error = await session.run('yes', { maxBufferBytes: 1000 }).catch((reason: unknown) => reason);
  assert.ok(error instanceof RunError);
  assert.equal(error.code, 'output-too-large');
  assert.equal(error.stdout, 'y\n'.repeat(500));
  assert.deepEqual((await session.runs()).length, 0);
});

test('aborted, it has ended when it rejects', async () => {
  const abort = new AbortController();
  const run = session.run('echo begun; sleep 60', { signal: abort.signal });
  for await (const event of run) if (event.type === 'output') break;
  abort.abort();
  await assert.rejects(async () => run, { code: 'aborted' });
  assert.equal((await session.runs()).length, 0);
});

test('signal, stop and a time limit end it with their reason', async () => {
  const trapped = session.run('trap "echo caught; exit 3" INT; echo ready; while :; do sleep 0.05; done');
  for await (const event of trapped) if (event.type === 'output') break;
  await trapped.signal('SIGINT');
  const caught = await trapped;
  assert.equal(caught.exit.code, 3);
  assert.equal(caught.stdout, 'caught\n');
  const stopped = session.run('sleep 60');
  await stopped.started;
  stopped.stop();
  assert.equal((await stopped).exit.reason, 'cancelled');
  assert.equal((await session.run('sleep 60', { timeoutMs: 100 })).exit.reason, 'timeout');
});

test('limits of a run and of its session: the lower one holds, and a lifted one is gone', async () => {
  const flooded = await session.run('yes', { limits: { outputBytes: 100 } });
  assert.deepEqual([flooded.exit.reason, flooded.stdout.length], ['output-limit', 100]);
  const silent = await session.run('echo once; sleep 60', { limits: { idleTimeoutMs: 200 } });
  assert.deepEqual([silent.exit.reason, silent.stdout], ['idle-timeout', 'once\n']);
  const info = await session.update({ limits: { openFiles: 70, outputBytes: 1000 } });
  assert.deepEqual(info.limits, { openFiles: 70, outputBytes: 1000 });
  const held = async (openFiles?: number): Promise<string> =>
    (await session.run('ulimit -n', openFiles === undefined ? {} : { limits: { openFiles } })).stdout;
  assert.deepEqual([await held(), await held(80), await held(65)], ['70\n', '70\n', '65\n']);
  await session.update({ limits: null });
  assert.equal(await held(80), '80\n');
});

test('a terminal: its size, and the end of its input', async () => {
  const run = session.run('stty size; cat', { pty: { columns: 91, rows: 17 } });
  await run.started;
  await run.write('typed\n');
  run.closeStdin();
  const { stdout } = await run;
  assert.match(stdout, /17 91\r\n/);
  assert.equal(stdout.match(/typed\r\n/g)?.length, 2, 'echoed by the terminal, printed by cat');
});

test('questions: a callback answers, a denial is a result', async () => {
  const own = await connect({ onApproval: () => 'once' });
  const asking = await own.openSession({ cwd: sbx.workspace });
  assert.equal((await asking.run('touch asked && ls asked')).stdout, 'asked\n');
  const refused = await asking.run('touch asked', { onApproval: () => ({ answer: 'no', comment: 'not today' }) });
  assert.equal(refused.exit.reason, 'denied');
  await own.close();
  assert.equal((await session.run('touch asked')).exit.reason, 'denied');
});

test('somebody else answers, and the one who was asked as well is told', async () => {
  const agent = await connect();
  const person = await connect({
    approveFor: 'everyone',
    onApproval: (approval) => (approval.command === 'touch asked' ? 'once' : 'no'),
  });
  const asking = await agent.openSession({ cwd: sbx.workspace });
  let withdrawn: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    withdrawn = resolve;
  });
  const run = asking.run('touch asked', {
    onApproval: (_approval, { signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => withdrawn());
      }),
  });
  assert.equal((await run).ok, true);
  await gone;
  await agent.close();
  await person.close();
});

test('a grant allows until it is revoked', async () => {
  const own = await client.openSession({ cwd: sbx.workspace, autoAllow: false });
  assert.equal((await own.run('touch granted')).exit.reason, 'denied');
  const grant = await own.grant('Bash(touch granted)');
  assert.equal((await own.run('touch granted')).ok, true);
  assert.deepEqual(
    (await own.grants()).map(({ rule }) => rule),
    ['Bash(touch granted)'],
  );
  await own.revoke(grant);
  assert.equal((await own.run('touch granted')).exit.reason, 'denied');
  await own.close();
});

test('a run is joined by another client, from its beginning and by its writer', async () => {
  const run = session.run('cat; echo end', { stdin: 'open', tags: ['joined'] });
  await run.started;
  await run.write('first\n');
  const [info] = await client.runs();
  assert.deepEqual(info?.tags, ['joined']);
  const other = await connect();
  await assert.rejects(async () => other.attach(run.runId, { write: true }), { code: 'writer-taken' });
  const joined = other.attach(run.runId);
  run.closeStdin();
  assert.equal((await joined).stdout, 'first\nend\n');
  assert.equal((await run).stdout, 'first\nend\n');
  await assert.rejects(async () => other.attach('no-such-run'), { code: 'unknown-run' });
  await other.close();
});

test('the same id is the same run, also after its client is gone', async () => {
  const one = await connect({ clientName: 'one' });
  const kept = await one.openSession({ cwd: sbx.workspace, keepMs: 60_000 });
  const runId = 'call-1';
  const first = await kept.run('date +%N; echo $RANDOM', { runId });
  await one.close();
  const two = await connect({ clientName: 'two' });
  const again = await two.openSession({ sessionId: kept.id });
  assert.equal((await again.run('date +%N; echo $RANDOM', { runId })).stdout, first.stdout);
  await assert.rejects(async () => again.run('date', { runId }), { code: 'run-exists' });
  await again.close();
  await two.close();
});

test('a background run serves the next one, outlives its client, and ends with its session', async () => {
  const one = await connect();
  const serving = await one.openSession({ cwd: sbx.workspace });
  const server = serving.run('python3 -um http.server 8123 2>&1', { background: true });
  for await (const event of server) if (event.type === 'output') break;
  const { stdout } = await serving.run('curl -s -o /dev/null -w "%{http_code}" localhost:8123');
  assert.equal(stdout, '200');
  assert.notEqual((await session.run('curl -s localhost:8123')).exit.code, 0);
  await one.close();
  const two = await connect();
  assert.equal((await two.getRun(server.runId)).state, 'running');
  const again = await two.openSession({ sessionId: serving.id });
  await again.close();
  assert.equal((await two.attach(server.runId)).exit.reason, 'cancelled');
  await two.close();
});

test('a session that is not its own is left as it was', async () => {
  const joined = await client.openSession({ cwd: sbx.workspace, fresh: false });
  assert.equal(joined.isFresh, false);
  await joined.close();
  assert.ok((await client.sessions()).some(({ sessionId }) => sessionId === joined.id));
});

test('check, status and sessions', async () => {
  assert.equal((await client.check('rm -rf ~', { cwd: sbx.workspace })).effect, 'ask');
  assert.equal((await client.status()).pid, client.daemon?.pid);
  assert.ok((await client.sessions()).some(({ sessionId }) => sessionId === session.id));
});

test('forty runs at once, each its own bytes', async () => {
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, index) => session.run(`seq ${index} ${index + 2000} | sha256sum`)),
  );
  for (const [index, { stdout }] of results.entries()) {
    const text = Array.from({ length: 2001 }, (_, line) => `${index + line}\n`).join('');
    assert.equal(stdout.split(' ')[0], createHash('sha256').update(text).digest('hex'));
  }
});
