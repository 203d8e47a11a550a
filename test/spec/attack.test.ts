/** A client that is broken, hostile or cut off at the worst moment: what it leaves behind, and what others notice of it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { limits } from '../../client/protocol/limits.ts';
import type { RunInfo, SessionInfo } from '../../client/protocol/messages.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, RawClient, startParams } from '../fixtures/raw-client.ts';

let sbx: PrivateSbx;
before(async () => {
  sbx = new PrivateSbx();
  assert.equal((await sbx.run('true')).status, 0);
});
after(() => sbx.close());

let nextId = 100;

async function greet(capabilities: string[] = []): Promise<RawClient> {
  const raw = await RawClient.open(sbx.socket);
  assert.ok((await raw.call(1, 'hello', { ...greeting, capabilities })).result);
  return raw;
}

async function enter(more: Record<string, unknown> = {}): Promise<{ raw: RawClient; sessionId: string }> {
  const raw = await greet();
  const answer = await raw.call(2, 'session.open', { cwd: sbx.workspace, fresh: true, ...more });
  assert.ok(answer.result, answer.error?.message);
  return { raw, sessionId: String(answer.result['sessionId']) };
}

/** A question comes first. */
const asking = { approver: true, flags: { ask: ['Bash(echo *)'] } };
/** Ended at once, without a sandbox. */
const denied = { flags: { deny: ['Bash(echo *)'] } };

const newRunId = () => `attack-${nextId++}`;

async function launch(raw: RawClient, command: string, more: Record<string, unknown> = {}): Promise<string> {
  const runId = newRunId();
  const answer = await raw.call(nextId++, 'run.start', startParams(runId, command, more));
  assert.ok(answer.result, answer.error?.message);
  return runId;
}

async function run(raw: RawClient, command: string, more: Record<string, unknown> = {}) {
  const runId = newRunId();
  const answer = await raw.call(nextId++, 'run.start', startParams(runId, command, more));
  assert.ok(answer.result, answer.error?.message);
  const exit = await raw.exit(runId);
  return { exit, out: raw.output(Number(answer.result['run'])), notes: notesOf(raw, runId) };
}

function notesOf(raw: RawClient, runId: string): readonly string[] {
  const [first] = raw.events(runId);
  return first?.event.type === 'decided' ? first.event.decision.notes : [];
}

async function sessions(raw: RawClient): Promise<SessionInfo[]> {
  return (await raw.call(nextId++, 'session.list')).result?.['sessions'] as SessionInfo[];
}

async function eventually(what: string, holds: () => Promise<boolean>, withinMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + withinMs; ; ) {
    if (await holds()) return;
    assert.ok(performance.now() < deadline, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a client that is gone before its requests were dealt with leaves no run and no session', async () => {
  const watcher = await greet();
  const before = (await sessions(watcher)).length;
  for (const cutMs of [0, 0, 1, 2, 4, 8, 16, 32]) {
    const raw = await RawClient.open(sbx.socket);
    raw.send(1, 'hello', greeting);
    raw.send(2, 'session.open', { cwd: sbx.workspace, fresh: true });
    raw.send(3, 'run.start', startParams(newRunId(), 'sleep 1000'));
    await new Promise((resolve) => setTimeout(resolve, cutMs));
    raw.socket.close();
  }
  await eventually('no run is left', async () => (await watcher.call(nextId++, 'status')).result?.['liveRuns'] === 0);
  await eventually('no session is left', async () => (await sessions(watcher)).length === before);
  watcher.socket.close();
});

test('a session lives as long as a run that waits for an answer, and ends with it', async () => {
  const { raw, sessionId } = await enter();
  const runId = await launch(raw, 'echo asked', { ...asking, onDisconnect: { keepMs: 60_000 } });
  await raw.until(() => raw.events(runId).find(({ event }) => event.type === 'approvalNeeded'));
  raw.socket.terminate();
  const back = await greet(['approver']);
  await eventually('the client is gone', async () => {
    const { result } = await back.call(nextId++, 'run.get', { runId });
    return result?.['viewers'] === 0;
  });
  assert.ok((await sessions(back)).some((session) => session.sessionId === sessionId));
  assert.ok((await back.call(nextId++, 'run.attach', { runId, write: true })).result);
  assert.ok((await back.call(nextId++, 'approval.answer', { approvalId: runId, answer: 'once' })).result);
  assert.equal((await back.exit(runId)).code, 0);
  await eventually('its session is over', async () =>
    (await sessions(back)).every((session) => session.sessionId !== sessionId),
  );
  back.socket.close();
});

test('a background run is gone on with although the session was made by a client that has left', async () => {
  const { raw, sessionId } = await enter();
  const runId = await launch(raw, 'echo on; sleep 1000', { background: true });
  await raw.until(() => raw.frames[0]);
  raw.socket.terminate();
  const watcher = await greet();
  // Sessions are looked at every five seconds.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  assert.equal((await watcher.call(nextId++, 'run.get', { runId })).result?.['state'], 'running');
  await watcher.call(nextId++, 'run.stop', { runId, graceMs: 0 });
  await eventually('its session is over', async () =>
    (await sessions(watcher)).every((session) => session.sessionId !== sessionId),
  );
  watcher.socket.close();
});

test('nothing is started in a session that is being closed, and who joins meanwhile gets another', async () => {
  const [closer, other] = [await greet(), await greet()];
  const opened = await closer.call(2, 'session.open', { cwd: sbx.workspace });
  const sessionId = String(opened.result?.['sessionId']);
  const stubborn = await launch(closer, `trap '' TERM; echo on; sleep 1000 & wait; wait`, { background: true });
  await closer.until(() => closer.frames[0]);
  closer.send(900, 'session.close', { sessionId });
  // TERM was sent, KILL comes two seconds later.
  await other.call(nextId++, 'status');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const late = await other.call(nextId++, 'run.start', startParams(newRunId(), 'echo late', { sessionId }));
  assert.equal(late.error?.data.code, 'unknown-session');
  const joined = await other.call(nextId++, 'session.open', { cwd: sbx.workspace });
  assert.notEqual(joined.result?.['sessionId'], sessionId);
  assert.ok((await closer.until(() => closer.messages.find(({ id }) => id === 900))).result);
  assert.equal((await closer.exit(stubborn)).reason, 'cancelled');
  assert.equal((await run(other, 'echo fine')).out, 'fine\n');
  closer.socket.close();
  other.socket.close();
});

test('a folder that became a way out of the workspace is not gone on in', async () => {
  const { raw } = await enter();
  const inner = path.join(sbx.workspace, 'way', 'bin');
  assert.equal((await run(raw, 'mkdir -p way/bin && cd way/bin')).exit.cwd, inner);
  assert.equal((await run(raw, 'pwd -P')).out, `${inner}\n`);
  assert.equal((await run(raw, 'rm -r way && ln -s /usr way', { cwd: sbx.workspace })).exit.code, 0);
  const next = await run(raw, 'pwd -P');
  assert.equal(next.out, `${sbx.workspace}\n`);
  assert.ok(next.notes.some((note) => /was, is/.test(note)));
  assert.equal((await run(raw, 'rm way; ls')).exit.code, 0);
  raw.socket.close();
});

test('a terminal has the size that it was last given, also when that was before the command started', async () => {
  const { raw } = await enter();
  const pty = { size: { columns: 80, rows: 24 }, term: 'xterm' };
  const runId = newRunId();
  const started = await raw.call(
    3,
    'run.start',
    startParams(runId, 'echo; stty size', { ...asking, pty, stdin: 'stream' }),
  );
  await raw.until(() => raw.events(runId).find(({ event }) => event.type === 'approvalNeeded'));
  assert.ok((await raw.call(4, 'run.resize', { runId, size: { columns: 101, rows: 33 } })).result);
  await raw.call(5, 'approval.answer', { approvalId: runId, answer: 'once' });
  await raw.exit(runId);
  assert.match(raw.output(Number(started.result?.['run'])), /33 101/);
  raw.socket.close();
});

test('the same request is the same run whatever the order of its fields', async () => {
  const { raw } = await enter();
  const runId = newRunId();
  const env = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', TERM: 'xterm' };
  assert.ok((await raw.call(3, 'run.start', startParams(runId, 'true', { env }))).result);
  const reversed = Object.fromEntries(Object.entries(startParams(runId, 'true', { env })).reverse());
  const turned = { ...reversed, env: Object.fromEntries(Object.entries(env).reverse()) };
  assert.equal((await raw.call(4, 'run.start', turned)).result?.['repeated'], true);
  const changed = { ...turned, env: { ...env, TERM: 'dumb' } };
  assert.equal((await raw.call(5, 'run.start', changed)).error?.data.code, 'run-exists');
  raw.socket.close();
});

test('ended runs are bounded: whoever acknowledges nothing is cut off, whoever is away is forgotten', async () => {
  const watcher = await greet();
  for (const [what, isAway] of [
    ['acknowledges nothing', false],
    ['is away', true],
  ] as const) {
    const { raw } = await enter();
    raw.acknowledges = false;
    for (let round = 0; round < 800 && !raw.closed; round++) {
      const runId = newRunId();
      const more = isAway ? { onDisconnect: { keepMs: 2_147_483_647 } } : {};
      raw.send(nextId++, 'run.start', startParams(runId, 'echo x', { ...denied, ...more }));
      if (isAway) raw.send(nextId++, 'run.detach', { runId });
      if (round % 20 === 19) await watcher.call(nextId++, 'status');
    }
    if (isAway) assert.ok((await raw.call(nextId++, 'status')).result);
    else assert.deepEqual(await raw.closing(), { code: 1008, reason: 'too-far-behind' });
    const { result } = await watcher.call(nextId++, 'status');
    const most = limits.maxEndedRuns + limits.maxUnseenRuns;
    assert.ok(Number(result?.['endedRuns']) <= most, `${what}: ${result?.['endedRuns']} are remembered`);
    raw.socket.close();
  }
  watcher.socket.close();
});

test('commands of megabytes fill neither the daemon nor the list of runs, and are not asked about', async () => {
  const { raw } = await enter();
  const watcher = await greet();
  const command = `echo ${'x'.repeat(3_000_000)}`;
  for (let round = 0; round < 12; round++) await run(raw, command, denied);
  const listed = (await watcher.call(nextId++, 'run.list', { ended: true })).result?.['runs'] as RunInfo[];
  const held = listed.filter((info) => info.command.endsWith('x…'));
  assert.ok(held.length > 0 && held.length <= 10, `${held.length} of them are remembered`);
  assert.ok(held.every((info) => info.command.length < 5_000));
  const unasked = await run(raw, command, asking);
  assert.equal(unasked.exit.reason, 'denied');
  assert.match(unasked.exit.message ?? '', /too long to be asked about/);
  assert.equal((await run(raw, `echo ${'x'.repeat(5_000)}`)).out.length, 5_001);
  raw.socket.close();
  watcher.socket.close();
});

test('a viewer that does not send input and is gone for a while misses nothing either', async () => {
  const { raw } = await enter();
  const viewer = await greet();
  const command = `echo before; read -r _; head -c 20000000 /dev/zero; echo after`;
  const runId = await launch(raw, command, { stdin: 'stream', onDisconnect: { keepMs: 30_000 } });
  assert.ok((await viewer.call(3, 'run.attach', { runId })).result);
  const frame = await viewer.until(() => viewer.frames[0]);
  viewer.socket.terminate();
  await eventually('it is gone', async () => {
    const { result } = await raw.call(nextId++, 'run.get', { runId });
    return result?.['viewers'] === 1;
  });
  await raw.call(nextId++, 'run.closeStdin', { runId });
  const exit = await raw.exit(runId);
  const back = await greet();
  assert.ok((await back.call(3, 'run.attach', { runId, fromSeq: frame.seq + 1 })).result);
  assert.deepEqual(await back.exit(runId), exit);
  const received = back.frames.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.equal(received, exit.outputBytes - 'before\n'.length);
  raw.socket.close();
  back.socket.close();
});

test('a daemon that is told to stop ends within seconds, whatever its clients do', async () => {
  const own = new PrivateSbx();
  try {
    assert.equal((await own.run('true')).status, 0);
    const raw = await RawClient.open(own.socket);
    await raw.call(1, 'hello', greeting);
    await raw.call(2, 'session.open', { cwd: own.workspace });
    raw.acknowledges = false;
    const flood = startParams('flood', `trap '' TERM; while :; do head -c 1000000 /dev/zero; done`, {
      output: { aheadBytes: 0 },
    });
    for (const [id, params] of [
      [3, flood],
      [4, startParams('asked', 'echo asked', asking)],
      [5, startParams('behind', 'sleep 1000', { background: true })],
    ] as const) {
      assert.ok((await raw.call(id, 'run.start', params)).result);
    }
    await raw.until(() => raw.frames[30]);
    raw.socket.pause();
    const stopper = await RawClient.open(own.socket);
    await stopper.call(1, 'hello', greeting);
    const started = performance.now();
    assert.ok((await stopper.call(2, 'daemon.stop', { when: 'drain' })).result);
    assert.ok((await stopper.call(3, 'daemon.stop', { when: 'now' })).result);
    await stopper.closing();
    await eventually('the socket is gone', async () => !existsSync(own.socket), 5_000);
    assert.ok(performance.now() - started < 9_000, `it took ${performance.now() - started} ms`);
    raw.socket.terminate();
  } finally {
    await own.close();
  }
});

test('what a command can reach of the daemon: not its socket, not its files, not another session', async () => {
  const [{ raw }, { raw: other }] = [await enter(), await enter()];
  const state = path.join(sbx.home, '.local/state/sbx');
  mkdirSync(state, { recursive: true });
  const probe = [
    `python3 - <<'P' 2>&1`,
    'import socket',
    's = socket.socket(socket.AF_UNIX)',
    'try:',
    `    s.connect(${JSON.stringify(sbx.socket)})`,
    '    print("connected")',
    'except OSError as e:',
    '    print("refused")',
    'P',
  ].join('\n');
  const allow = { flags: { allow: ['Bash'] } };
  assert.equal((await run(raw, probe, allow)).out, 'refused\n');
  assert.doesNotMatch((await run(raw, `ls -A '${state}'; cat '${state}/sbxd.log'`, allow)).out, /spill|token|listens/);
  assert.equal((await run(raw, 'echo mine > /tmp/mine; cat /tmp/mine')).out, 'mine\n');
  assert.equal((await run(raw, 'cat /tmp/mine')).out, 'mine\n');
  assert.equal((await run(other, 'cat /tmp/mine 2>/dev/null')).out, '');
  const sleeper = await launch(raw, 'exec -a findme sleep 1000', { background: true });
  await raw.until(() => raw.events(sleeper).find(({ event }) => event.type === 'started'));
  const look = `cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'find[m]e'`;
  assert.equal((await run(other, look, allow)).out, '0\n');
  await raw.call(nextId++, 'run.stop', { runId: sleeper, graceMs: 0 });
  await raw.exit(sleeper);
  raw.socket.close();
  other.socket.close();
});
