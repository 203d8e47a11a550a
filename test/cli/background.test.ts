// Runs that go on when their client is gone: started, listed elsewhere, read, followed, ended.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const made = (name: string) => existsSync(path.join(sbx.workspace, name));

interface Listed {
  readonly runId: string;
  readonly state: string;
  readonly outputBytes: number;
}

async function begin(...args: string[]): Promise<string> {
  const { status, out, stderr } = await sbx.run('-d', ...args);
  assert.equal(status, 0, stderr);
  assert.match(out, /^[\da-f-]{36}\n$/);
  return out.trim();
}

async function look(runId: string): Promise<Listed> {
  const listed = JSON.parse((await sbx.call(['ps', '-a', '--json'])).out) as Listed[];
  const found = listed.find((run) => run.runId === runId);
  assert.ok(found, `${runId} is listed`);
  return found;
}

const patient = (name: string) =>
  `echo out; echo err >&2; while [ ! -e ${name} ]; do sleep 0.05; done; echo over; exit 3`;
const go = (name: string) => writeFileSync(path.join(sbx.workspace, name), '');

test('its id is printed and nothing else; it goes on; logs -f shows all of it and ends as it does', async () => {
  const started = await sbx.run('--background', patient('go-on'));
  assert.equal(started.status, 0);
  assert.equal(started.stderr, '');
  const runId = started.out.trim();
  assert.equal((await look(runId)).state, 'running');
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(/out/);
  go('go-on');
  const { out, stderr, status } = await logs.result;
  assert.deepEqual({ out, stderr, status }, { out: 'out\nover\n', stderr: 'err\n', status: 3 });
});

test('logs shows what there is, by the beginning of the id, and does not wait', async () => {
  const runId = await begin(patient('later'));
  const follower = sbx.start(['logs', '-f', runId]);
  await follower.seen(/out/);
  const { out, stderr, status } = await sbx.call(['logs', runId.slice(0, 12)]);
  assert.deepEqual({ out, stderr, status }, { out: 'out\n', stderr: 'err\n', status: 0 });
  go('later');
  assert.equal((await follower.result).status, 3);
  const ended = await sbx.call(['logs', runId]);
  assert.deepEqual([ended.out, ended.status], ['out\nover\n', 0]);
  assert.equal((await sbx.call(['logs', '-f', runId])).status, 3);
});

test('--tail shows the last lines', async () => {
  const runId = await begin('seq 1 1000');
  await sbx.call(['logs', '-f', runId]);
  assert.equal((await sbx.call(['logs', '--tail', '3', runId])).out, '998\n999\n1000\n');
  assert.equal((await sbx.call(['logs', runId, '-n', '0'])).out, '');
  assert.equal((await sbx.call(['logs', '-f', '-n1', runId])).out, '1000\n');
});

test('logs --json is one event a line, from the first to the last', async () => {
  const runId = await begin('echo x');
  const { out } = await sbx.call(['logs', '-f', '--json', runId]);
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; seq: number });
  assert.deepEqual(
    events.map(({ type, seq }) => [seq, type]),
    ['decided', 'started', 'output', 'exited'].map((type, seq) => [seq, type]),
  );
});

test('Ctrl-C on logs -f leaves the run alone', async () => {
  const runId = await begin(patient('alone'));
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(/out/);
  logs.child.kill('SIGINT');
  assert.equal((await logs.result).status, 130);
  assert.equal((await look(runId)).state, 'running');
  go('alone');
  assert.equal((await sbx.call(['logs', '-f', runId])).status, 3);
});

test('every byte is kept and comes back, to two readers at once', async () => {
  const runId = await begin('head -c 50000000 /dev/zero');
  const sum = createHash('sha256').update(Buffer.alloc(50_000_000)).digest('hex');
  const readers = await Promise.all([sbx.call(['logs', '-f', runId]), sbx.call(['logs', '-f', runId])]);
  for (const { stdout, status } of readers) {
    assert.equal(createHash('sha256').update(stdout).digest('hex'), sum);
    assert.equal(status, 0);
  }
});

test('a reader that is gone ends logs as SIGPIPE would, and not the run', async () => {
  const runId = await begin('yes');
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(/y/);
  logs.child.stdout?.destroy();
  assert.equal((await logs.result).status, 141);
  assert.equal((await look(runId)).state, 'running');
  assert.equal((await sbx.call(['kill', runId])).status, 0);
});

test('what is denied or not approved does not start', async () => {
  for (const rule of ['--deny', '--ask']) {
    const { status, out, stderr } = await sbx.run('-d', rule, 'Bash(touch *)', 'touch started');
    assert.equal(status, 126);
    assert.equal(out, '');
    assert.match(stderr, /^sbx: .*Bash\(touch \*\)/);
  }
  assert.equal(made('started'), false);
  const { out, status } = await sbx.run('-d', '--ask', 'Bash(touch *)', '--yes', 'touch started');
  assert.equal(status, 0);
  await sbx.call(['logs', '-f', out.trim()]);
  assert.ok(made('started'));
});

test('a person is asked, and told how to go on', async () => {
  const person = sbx.sit(['run', '-d', '--ask', 'Bash(echo *)', 'echo asked']);
  await person.sees(/Run it\?[\s\S]*no/);
  const moves = person.screen().match(/yes, /g)?.length ?? 0;
  for (let move = 0; move < moves; move++) person.type('\x1b[A');
  await person.sees(/● yes, this once/);
  person.type('\r');
  const [runId = ''] = /[\da-f]{8}-[\da-f-]{27}/.exec(await person.sees(/[\da-f]{8}-[\da-f-]{27}/)) ?? [];
  await person.sees(/sbx: runs in the background; sbx logs -f [\da-f]{8} shows its output/);
  assert.equal(await person.ended, 0);
  assert.equal((await sbx.call(['logs', '-f', runId])).out, 'asked\n');
});

test('--timeout ends it as well', async () => {
  const runId = await begin('--timeout', '300ms', 'sleep 1000');
  const { status, stderr } = await sbx.call(['logs', '-f', runId]);
  assert.equal(status, 124);
  assert.match(stderr, /^sbx: [^\n]+\n$/);
});

test('it has no stdin, and no terminal unless one is asked for', async () => {
  const plain = await begin('cat; tty; exit 0');
  assert.equal((await sbx.call(['logs', '-f', plain])).out, 'not a tty\n');
  const pty = await begin('--pty', 'tty -s && stty size');
  assert.equal((await sbx.call(['logs', '-f', pty])).out, '24 80\r\n');
});

test('a server in the background answers the next run, and not another session', async () => {
  const serve = `require("http").createServer((_, r) => r.end("hello")).listen(8017, "127.0.0.1", () => console.log("up"))`;
  const runId = await begin('--', process.execPath, '-e', serve);
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(/up/);
  const ask = `fetch("http://127.0.0.1:8017").then((r) => r.text()).then(console.log, () => process.exit(9))`;
  assert.equal((await sbx.run('--', process.execPath, '-e', ask)).out, 'hello\n');
  assert.equal((await sbx.run('--new-session', '--', process.execPath, '-e', ask)).status, 9);
  await sbx.call(['kill', runId]);
  assert.equal((await logs.result).status, 130);
});

test('kill stops what ignores TERM, waits for its end, and takes several', async () => {
  const stubborn = await begin('trap "" TERM; echo up; while :; do sleep 0.05; done');
  const willing = await begin('trap "echo caught; exit 0" TERM; echo up; while :; do sleep 0.05; done');
  const logs = [stubborn, willing].map((runId) => sbx.start(['logs', '-f', runId]));
  await Promise.all(logs.map((reader) => reader.seen(/up/)));
  const { status, out, stderr } = await sbx.call(['kill', stubborn, willing.slice(0, 12)]);
  assert.deepEqual({ status, out, stderr }, { status: 0, out: '', stderr: '' });
  assert.deepEqual([(await look(stubborn)).state, (await look(willing)).state], ['ended', 'ended']);
  assert.match((await sbx.call(['logs', willing])).out, /caught/);
  assert.equal((await sbx.call(['kill', willing])).status, 0, 'it has what it wants already');
});

test('kill -s sends just that signal', async () => {
  const runId = await begin('trap "echo one" USR1; trap "echo two; exit 5" HUP; echo up; while :; do sleep 0.05; done');
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(/up/);
  assert.equal((await sbx.call(['kill', '-s', 'USR1', runId])).status, 0);
  await logs.seen(/one/);
  assert.equal((await sbx.call(['kill', '--signal=1', runId])).status, 0);
  await logs.seen(/two/);
  assert.equal((await logs.result).status, 5);
});

test('a run that is not known does not keep the others alive', async () => {
  const runId = await begin('sleep 1000');
  const { status, stderr } = await sbx.call(['kill', 'nobody', runId]);
  assert.equal(status, 125);
  assert.equal(stderr, 'sbx: there is no run `nobody`; sbx ps -a lists them\n');
  assert.equal((await look(runId)).state, 'ended');
});

test('a reader that stalls holds the command back instead of filling memory or disk', async () => {
  const own = new PrivateSbx();
  const run = own.start(['run', 'yes']);
  try {
    await run.seen(/y/);
    run.child.stdout?.pause();
    const read = async <T>(...args: string[]) => JSON.parse((await own.call([...args, '--json'])).out) as T;
    const measure = async () => (await read<Listed[]>('ps'))[0]?.outputBytes ?? 0;
    let bytes = await measure();
    for (let before = -1; bytes !== before; bytes = await measure()) before = bytes;
    assert.ok(bytes > 0 && bytes < 32 * 1024 * 1024, `${bytes} bytes`);
    const { heldBytes } = await read<{ heldBytes: { memory: number; disk: number } }>('status');
    const held = heldBytes.memory + heldBytes.disk;
    assert.ok(held < 32 * 1024 * 1024, `${held} bytes`);
    run.child.stdout?.destroy();
    assert.equal((await run.result).status, 141);
  } finally {
    run.child.kill('SIGKILL');
    await own.close();
  }
});

test('stopping the daemon says what it waits for', async () => {
  const own = new PrivateSbx();
  try {
    const { out } = await own.run('-d', 'echo up; while [ ! -e go ]; do sleep 0.05; done');
    const follower = own.start(['logs', '-f', out.trim()]);
    await follower.seen(/up/);
    const stop = own.start(['daemon', 'stop', '--drain']);
    await stop.complains(/\n/);
    writeFileSync(path.join(own.workspace, 'go'), '');
    assert.equal((await follower.result).status, 0);
    const { status, stderr } = await stop.result;
    assert.match(
      stderr,
      /^sbx: waits for one run \(1 in the background\); end it with sbx kill [\da-f]{8}, or sbx daemon stop --now\n$/,
    );
    assert.equal(status, 0);
  } finally {
    await own.close();
  }
});

test('a run that the daemon takes along says so', async () => {
  const own = new PrivateSbx();
  try {
    const run = own.start(['run', 'echo up; sleep 1000']);
    await run.seen(/up/);
    assert.equal((await own.call(['daemon', 'stop'])).status, 0);
    const { status, stderr } = await run.result;
    assert.match(stderr, /^sbx: [^\n]*daemon[^\n]*\n$/);
    assert.equal(status, 125);
  } finally {
    await own.close();
  }
});
