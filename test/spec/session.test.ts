/** Sessions as several raw clients see them: switches, folders, variables, grants, questions, what is shared and what not. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import type { Approval, Exit, PendingApproval } from '../../client/protocol/events.ts';
import type { SessionInfo } from '../../client/protocol/messages.ts';
import { sessionInfoSchema } from '../../client/protocol/messages.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, RawClient } from '../fixtures/raw-client.ts';

let sbx: PrivateSbx;
before(async () => {
  sbx = new PrivateSbx();
  mkdirSync(path.join(sbx.workspace, 'sub', 'deep'), { recursive: true });
  assert.equal((await sbx.run('true')).status, 0);
});
after(() => sbx.close());

let nextId = 100;

async function greet(capabilities: string[] = []): Promise<RawClient> {
  const raw = await RawClient.open(sbx.socket);
  assert.ok((await raw.call(1, 'hello', { ...greeting, capabilities })).result);
  return raw;
}

/** A client with a session of its own. */
async function enter(more: Record<string, unknown> = {}): Promise<{ raw: RawClient; session: SessionInfo }> {
  const raw = await greet();
  const answer = await raw.call(2, 'session.open', { cwd: sbx.workspace, fresh: true, ...more });
  assert.ok(answer.result, answer.error?.message);
  const { notes: _, ...session } = answer.result;
  return { raw, session: sessionInfoSchema.parse(session) };
}

interface Ended {
  readonly exit: Exit;
  readonly out: string;
  readonly runId: string;
}

async function run(raw: RawClient, command: string, more: Record<string, unknown> = {}): Promise<Ended> {
  const id = nextId++;
  const runId = `session-${id}`;
  const body = { runId, command, env: { PATH: '/usr/bin:/bin' }, stdin: 'none', approver: false, ...more };
  const answer = await raw.call(id, 'run.start', body);
  assert.ok(answer.result, answer.error?.message);
  const exit = await raw.exit(runId);
  return { exit, out: raw.output(Number(answer.result['run'])), runId };
}

test('the folder carries over inside the workspace, and where it cannot it is said', async () => {
  const { raw, session } = await enter();
  assert.equal(session.cwd, sbx.workspace);
  const deep = path.join(sbx.workspace, 'sub', 'deep');
  const rows: readonly [command: string, cwd: string, refused: string | undefined][] = [
    ['cd sub', path.join(sbx.workspace, 'sub'), undefined],
    ['pwd; cd deep; false', deep, undefined],
    ['(cd ..)', deep, undefined],
    ['cd /etc', deep, '/etc'],
    ['cd /tmp', deep, '/tmp'],
    ['cd ../..; exit 3', sbx.workspace, undefined],
    ['mkdir gone && cd gone && rmdir "$PWD"', sbx.workspace, undefined],
  ];
  for (const [command, cwd, refused] of rows) {
    const { exit } = await run(raw, command);
    assert.deepEqual([exit.cwd, exit.cwdRefused], [cwd, refused], command);
    assert.equal((await run(raw, 'pwd -P')).out, `${cwd}\n`, command);
  }
  const own = await run(raw, 'cd sub; pwd', { cwd: sbx.workspace });
  assert.deepEqual([own.exit.cwd, own.exit.cwdRefused], [undefined, undefined], 'a run with a folder of its own');
  assert.equal((await run(raw, 'pwd')).out, `${sbx.workspace}\n`);
  raw.socket.close();
});

test('a session whose folder was removed meanwhile goes on at its start, and says so', async () => {
  const { raw } = await enter();
  mkdirSync(path.join(sbx.workspace, 'temporary'));
  await run(raw, 'cd temporary');
  rmSync(path.join(sbx.workspace, 'temporary'), { recursive: true });
  const next = await run(raw, 'pwd');
  assert.equal(next.out, `${sbx.workspace}\n`);
  const [first] = raw.events(next.runId);
  assert.ok(first?.event.type === 'decided' && first.event.decision.notes.some((note) => /is gone/.test(note)));
  raw.socket.close();
});

test('variables do not carry over unless the session is given them', async () => {
  const { raw } = await enter();
  const print = 'echo "[$A][$API_TOKEN]"';
  await run(raw, 'export A=1');
  assert.equal((await run(raw, print)).out, '[][]\n');
  const updated = await raw.call(3, 'session.update', { env: { set: { A: 'a b', API_TOKEN: 'secret' } } });
  assert.deepEqual(updated.result?.['env'], ['A', 'API_TOKEN']);
  assert.equal((await run(raw, print)).out, '[a b][secret]\n', 'a variable set by name is a grant');
  await raw.call(4, 'session.update', { env: { unset: ['API_TOKEN'] } });
  assert.equal((await run(raw, print)).out, '[a b][]\n');
  const refused = await raw.call(5, 'session.update', { env: { set: { A: 'changed', BASH_ENV: '/x' } } });
  assert.equal(refused.error?.data.code, 'bad-environment');
  assert.equal((await run(raw, print)).out, '[a b][]\n', 'an update is done whole or not at all');
  raw.socket.close();
});

test('the switches: auto-allow, mode, rules', async () => {
  const { raw } = await enter();
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'exited');
  await raw.call(3, 'session.update', { autoAllow: false });
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'denied');
  assert.equal((await run(raw, 'echo yes')).exit.reason, 'exited', 'what only reads runs all the same');
  await raw.call(4, 'session.update', { flags: { allow: ['Bash(cargo *)'] } });
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'exited');
  await raw.call(5, 'session.update', { flags: null });
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'denied');
  const back = await raw.call(6, 'session.update', { autoAllow: null, mode: 'dont-ask' });
  assert.deepEqual([back.result?.['autoAllow'], back.result?.['mode']], [undefined, 'dont-ask']);
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'exited');
  for (const [what, update, code] of [
    ['a folder outside', { cwd: '/etc' }, 'bad-cwd'],
    ['a folder that is not there', { cwd: '/nope' }, 'bad-cwd'],
    ['a bad rule', { flags: { deny: ['Bash(rm'] } }, 'bad-rule'],
    ['another session', { sessionId: 's-none' }, 'unknown-session'],
  ] as const) {
    assert.equal((await raw.call(7, 'session.update', update)).error?.data.code, code, what);
  }
  raw.socket.close();
});

test('grants can be added, listed and revoked', async () => {
  const { raw } = await enter();
  await raw.call(3, 'session.update', { autoAllow: false });
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'denied');
  const grantId = (await raw.call(4, 'grant.add', { rule: 'Bash(cargo *)' })).result?.['grantId'];
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'exited');
  assert.deepEqual((await raw.call(5, 'grant.list')).result?.['grants'], [
    { grantId, rule: 'Bash(cargo *)', from: 'client' },
  ]);
  const { raw: other } = await enter();
  await other.call(6, 'session.update', { autoAllow: false });
  assert.equal((await run(other, 'cargo build')).exit.reason, 'denied', 'a grant is of one session');
  assert.ok((await raw.call(7, 'grant.revoke', { grantId })).result);
  assert.equal((await raw.call(8, 'grant.revoke', { grantId })).error?.data.code, 'unknown-grant');
  assert.equal((await run(raw, 'cargo build')).exit.reason, 'denied');
  assert.equal((await raw.call(9, 'grant.add', { rule: 'Bash(' })).error?.data.code, 'bad-rule');
  raw.socket.close();
  other.socket.close();
});

test('the sandbox is switched off only where the user’s policy allows it', async () => {
  const { raw } = await enter();
  const marker = path.join(sbx.base, 'outside');
  const write = `echo x > '${marker}'`;
  const refused = await raw.call(3, 'session.update', { sandbox: false });
  assert.equal(refused.error?.data.code, 'locked-by-policy');
  await run(raw, write);
  assert.equal(existsSync(marker), false, 'the sandbox holds');
  const policy = path.join(sbx.home, '.config/sbx/policy.json');
  mkdirSync(path.dirname(policy), { recursive: true });
  writeFileSync(policy, '{"sandbox": {"allowUnsandboxed": true}}');
  try {
    assert.equal((await raw.call(4, 'session.update', { sandbox: false })).result?.['sandbox'], false);
    assert.equal((await run(raw, write)).exit.reason, 'denied', 'auto-allow has no effect meanwhile');
    const allowed = { flags: { allow: ['Bash(echo *)', `Edit(/${sbx.base}/**)`, 'Bash(cat *)'] } };
    const free = await run(raw, write, allowed);
    assert.deepEqual([free.exit.code, free.exit.sandbox?.backend], [0, 'none']);
    assert.equal(existsSync(marker), true);
    rmSync(marker);
    const [first] = raw.events(free.runId);
    assert.ok(first?.event.type === 'decided' && first.event.decision.notes.some((note) => /switched off/.test(note)));
    assert.equal((await run(raw, 'cd sub; pwd', allowed)).exit.cwd, path.join(sbx.workspace, 'sub'));
    assert.ok((await raw.call(5, 'session.update', { sandbox: true })).result);
    const inside = await run(raw, write);
    assert.equal(existsSync(marker), false);
    assert.equal(inside.exit.sandbox?.backend, 'bubblewrap');
  } finally {
    rmSync(policy);
  }
  raw.socket.close();
});

test('a session is come back to by its id, and ends with its last client', async () => {
  const { raw, session } = await enter({ keepMs: 60_000 });
  await run(raw, 'cd sub; echo kept > /tmp/kept');
  raw.socket.terminate();
  const back = await greet();
  const rejoined = await back.call(2, 'session.open', { sessionId: session.sessionId });
  assert.equal(rejoined.result?.['cwd'], path.join(sbx.workspace, 'sub'));
  assert.equal((await run(back, 'cat /tmp/kept')).out, 'kept\n');
  const mixed = await back.call(3, 'session.open', { sessionId: session.sessionId, cwd: '/' });
  assert.equal(mixed.error?.data.code, 'bad-request');
  assert.equal((await back.call(4, 'session.open', {})).error?.data.code, 'bad-request');
  assert.ok((await back.call(5, 'session.close')).result);
  assert.equal(
    (await back.call(6, 'session.open', { sessionId: session.sessionId })).error?.data.code,
    'unknown-session',
  );
  const { raw: brief, session: lost } = await enter();
  brief.socket.terminate();
  for (;;) {
    const sessions = (await back.call(7, 'session.list')).result?.['sessions'] as SessionInfo[];
    if (!sessions.some(({ sessionId }) => sessionId === lost.sessionId)) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  back.socket.close();
});

test('closing a session stops its runs', async () => {
  const { raw, session } = await enter();
  const watcher = await greet();
  await raw.call(3, 'run.start', {
    runId: 'to-close',
    command: 'sleep 60',
    stdin: 'none',
    approver: false,
    background: true,
  });
  await raw.until(() => raw.events('to-close').find(({ event }) => event.type === 'started'));
  assert.ok((await watcher.call(4, 'session.close', { sessionId: session.sessionId })).result);
  assert.equal((await raw.exit('to-close')).reason, 'cancelled');
  raw.socket.close();
  watcher.socket.close();
});

const server = `python3 -u -c '
import http.server
http.server.ThreadingHTTPServer(("127.0.0.1", 8765), http.server.SimpleHTTPRequestHandler).serve_forever()'`;
const fetch = `for i in {1..100}; do exec 3<>/dev/tcp/127.0.0.1/8765 && break; sleep 0.05; done 2>/dev/null
printf 'GET /page.txt HTTP/1.0\\r\\n\\r\\n' >&3 && tail -1 <&3`;

test('a server of one run answers the next run of the same session, and nobody else', async () => {
  writeFileSync(path.join(sbx.workspace, 'page.txt'), 'the page\n');
  const { raw } = await enter();
  const { raw: other } = await enter();
  const body = { runId: 'server', command: server, stdin: 'none', approver: false, background: true };
  assert.ok((await raw.call(3, 'run.start', body)).result);
  const allow = { flags: { allow: ['Bash'] }, approver: true };
  const asked = async (client: RawClient) => {
    const id = nextId++;
    const runId = `fetch-${id}`;
    const answer = await client.call(id, 'run.start', { runId, command: fetch, stdin: 'none', ...allow });
    const question = await client.until(
      () => client.events(runId).find(({ event }) => event.type === 'approvalNeeded' || event.type === 'exited')?.event,
    );
    if (question.type === 'approvalNeeded') {
      await client.call(nextId++, 'approval.answer', { approvalId: question.approval.approvalId, answer: 'once' });
    }
    await client.exit(runId);
    return client.output(Number(answer.result?.['run']));
  };
  assert.match(await asked(raw), /the page\n$/);
  assert.doesNotMatch(await asked(other), /the page/);
  await raw.call(4, 'run.stop', { runId: 'server', graceMs: 0 });
  await raw.exit('server');
  raw.socket.close();
  other.socket.close();
});

test('questions go to every approver, the first answer counts, and a stranger cannot give it', async () => {
  const { raw } = await enter();
  const [approver, second, stranger] = [await greet(['approver']), await greet(['approver']), await greet()];
  const ask = { approver: true, flags: { ask: ['Bash(echo *)'] } };
  const command = { command: 'echo asked', stdin: 'none', ...ask };
  const started = await raw.call(3, 'run.start', { runId: 'asked', ...command });
  const pending = (client: RawClient) =>
    client.until(
      () => client.messages.find(({ method }) => method === 'approval.pending')?.params as unknown as PendingApproval,
    );
  const [one, two] = [await pending(approver), await pending(second)];
  assert.deepEqual([one.runId, two.runId], ['asked', 'asked']);
  const late = await greet(['approver']);
  assert.equal((await pending(late)).runId, 'asked', 'who comes later is told what waits');
  const listed = async (client: RawClient) =>
    (await client.call(4, 'approval.list')).result?.['approvals'] as unknown[];
  assert.deepEqual(
    [(await listed(raw)).length, (await listed(approver)).length, (await listed(stranger)).length],
    [1, 1, 0],
  );
  const answer = { approvalId: one.approval.approvalId, answer: 'once' };
  assert.equal((await stranger.call(5, 'approval.answer', answer)).error?.data.code, 'unknown-approval');
  assert.ok((await second.call(6, 'approval.answer', { ...answer, comment: 'fine' })).result);
  assert.equal((await approver.call(7, 'approval.answer', answer)).error?.data.code, 'unknown-approval');
  const settled = await approver.until(() => approver.messages.find(({ method }) => method === 'approval.settled'));
  assert.deepEqual(settled.params, { approvalId: answer.approvalId, runId: 'asked', answer: 'once' });
  assert.equal((await raw.exit('asked')).code, 0);
  assert.equal(raw.output(Number(started.result?.['run'])), 'asked\n');
  const approved = raw.events('asked').find(({ event }) => event.type === 'approved')?.event;
  assert.ok(approved?.type === 'approved' && approved.comment === 'fine');
  for (const client of [raw, approver, second, stranger, late]) client.socket.close();
});

test('a question outlives the connection that asked it, when the run does', async () => {
  const { raw } = await enter();
  const body = {
    ...{ runId: 'patient', command: 'echo asked', stdin: 'none', approver: true },
    ...{ flags: { ask: ['Bash(echo *)'] }, onDisconnect: { keepMs: 60_000 } },
  };
  await raw.call(3, 'run.start', body);
  await raw.until(() => raw.events('patient').find(({ event }) => event.type === 'approvalNeeded'));
  raw.socket.terminate();
  const back = await greet();
  assert.ok((await back.call(3, 'run.attach', { runId: 'patient', write: true })).result);
  const question = await back.until(
    () => back.events('patient').find(({ event }) => event.type === 'approvalNeeded')?.event as { approval: Approval },
  );
  assert.ok(
    (await back.call(4, 'approval.answer', { approvalId: question.approval.approvalId, answer: 'once' })).result,
  );
  assert.equal((await back.exit('patient')).code, 0);
  back.socket.close();
});

test('a shell: what is typed is run, not decided; a policy, a denial or a missing sandbox forbids it', async () => {
  const { raw } = await enter();
  const pty = { size: { columns: 80, rows: 24 }, term: 'xterm' };
  const body = { shell: true, pty, env: { PATH: '/usr/bin:/bin' }, stdin: 'stream', approver: false };
  const started = await raw.call(3, 'run.start', { runId: 'shell', ...body });
  assert.ok(started.result, started.error?.message);
  const number = Number(started.result['run']);
  await raw.until(() => /sbx:.*[$#] /.test(raw.output(number)) || undefined);
  const line = `echo "typed $((6 * 7))"; exit 5\r`;
  await raw.call(4, 'run.stdin', { runId: 'shell', offset: 0, data: Buffer.from(line).toString('base64') });
  assert.equal((await raw.exit('shell')).code, 5);
  assert.match(raw.output(number), /typed 42/);
  for (const [what, more, reason] of [
    ['a rule against bash', { flags: { deny: ['Bash(bash *)'] } }, 'denied'],
    ['auto-allow off and nobody to ask', { autoAllow: false }, 'denied'],
  ] as const) {
    const runId = `shell-${nextId++}`;
    assert.ok((await raw.call(5, 'run.start', { runId, ...body, ...more })).result);
    assert.equal((await raw.exit(runId)).reason, reason, what);
  }
  const policy = path.join(sbx.home, '.config/sbx/policy.json');
  writeFileSync(policy, '{"sandbox": {"allowShell": false}}');
  try {
    assert.ok((await raw.call(6, 'run.start', { runId: 'shell-forbidden', ...body })).result);
    assert.equal((await raw.exit('shell-forbidden')).reason, 'denied');
  } finally {
    rmSync(policy);
  }
  const plain = { runId: 'shell-plain', shell: true, stdin: 'none', approver: false };
  assert.equal((await raw.call(7, 'run.start', plain)).error?.data.code, 'bad-request');
  assert.equal(
    (await raw.call(8, 'run.start', { ...body, runId: 'both', command: 'ls' })).error?.data.code,
    'bad-request',
  );
  raw.socket.close();
});

test('a daemon that is stopped ends its runs with a reason, and tells its clients why it closes', async () => {
  const own = new PrivateSbx();
  try {
    assert.equal((await own.run('true')).status, 0);
    const raw = await RawClient.open(own.socket);
    const watcher = await RawClient.open(own.socket);
    for (const client of [raw, watcher]) await client.call(1, 'hello', greeting);
    await raw.call(2, 'session.open', { cwd: own.workspace });
    await raw.call(3, 'run.start', { runId: 'live', command: 'echo on; sleep 60', stdin: 'none', approver: false });
    await raw.until(() => raw.frames[0]);
    await watcher.call(2, 'run.attach', { runId: 'live' });
    assert.ok((await watcher.call(3, 'daemon.stop', { when: 'now' })).result);
    const [code, reason] = [(await raw.closing()).code, (await watcher.closing()).reason];
    assert.deepEqual([code, reason], [1001, 'now']);
    for (const client of [raw, watcher]) {
      const last = client.events('live').at(-1)?.event;
      assert.ok(last?.type === 'exited' && last.exit.reason === 'daemon-stopped');
    }
  } finally {
    await own.close();
  }
});
