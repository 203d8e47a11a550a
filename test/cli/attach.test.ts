// `sbx attach`: somebody else's run, seen and typed into, and left again without harm.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { cliPath, PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const detach = '\x10\x11';

async function begin(...args: string[]): Promise<string> {
  const { status, out, stderr } = await sbx.run('-d', ...args);
  assert.equal(status, 0, stderr);
  return out.trim();
}

/** It has set its traps and shown something. */
async function seen(runId: string, pattern: RegExp): Promise<void> {
  const logs = sbx.start(['logs', '-f', runId]);
  await logs.seen(pattern);
  logs.child.kill('SIGINT');
  await logs.result;
}

async function isLive(runId: string): Promise<boolean> {
  const listed = JSON.parse((await sbx.call(['ps', '--json'])).out) as { runId: string }[];
  return listed.some((run) => run.runId === runId);
}

const shell = ['--pty', 'PS1="ready> " bash --norc --noprofile -i'] as const;

test('what is typed reaches it, detaching leaves it, its status comes back', async () => {
  const runId = await begin(...shell);
  const first = sbx.sit(['attach', runId]);
  await first.sees(/ready> /);
  first.type('echo one$((1+1))\r');
  await first.sees(/[\r\n]one2\r\n/);
  first.type(detach);
  await first.sees(/\nsbx: detached; the run goes on\r\n/);
  assert.equal(await first.ended, 0);
  assert.ok(await isLive(runId));
  const second = sbx.sit(['attach', runId.slice(0, 12)]);
  await second.sees(/one2/);
  await second.sees(/ready> /);
  second.type('exit 6\r');
  assert.equal(await second.ended, 6);
});

test('the size of the terminal is that of who attaches, and it is told to draw anew', async () => {
  // The size is looked at again and again: bash drops a signal that comes while the trap of another one still runs.
  const look = 'while :; do now=$(stty size); [ "$now" = "$last" ] || echo "$now"; last=$now; sleep 0.05; done';
  const runId = await begin('--pty', `trap "echo drawn" WINCH; echo up; ${look}`);
  await seen(runId, /24 80/);
  const person = sbx.sit(['attach', runId]);
  // Although nothing has changed.
  await person.sees(/drawn/);
  person.resize(101, 33);
  await person.sees(/33 101\r\n/);
  person.type(detach);
  assert.equal(await person.ended, 0);
  await sbx.call(['kill', runId]);
});

test('keys go to the command: Ctrl-C, and Ctrl-P where it is followed by something else', async () => {
  const runId = await begin('--pty', 'trap "echo caught" INT; echo up; read -r line; echo "<$line>"; exit 5');
  const person = sbx.sit(['attach', runId]);
  await person.sees(/up/);
  person.type('\x03');
  await person.sees(/caught/);
  person.type('a\x10');
  person.type('b\r');
  await person.sees(/<a\x10?b>/);
  assert.equal(await person.ended, 5);
});

test('other keys for it can be chosen', async () => {
  const runId = await begin(...shell);
  const person = sbx.sit(['attach', '--detach-keys', 'ctrl-],q', runId]);
  await person.sees(/ready> /);
  person.type('\x1dq');
  await person.sees(/detached/);
  assert.equal(await person.ended, 0);
  const { status, stderr } = await sbx.call(['attach', '--detach-keys', 'strg-q', runId]);
  assert.match(stderr, /^sbx: `--detach-keys`: `strg-q` are no keys; /);
  assert.equal(status, 125);
  await sbx.call(['kill', runId]);
});

test('two see the same, one types', async () => {
  const runId = await begin(...shell);
  const writer = sbx.sit(['attach', runId]);
  await writer.sees(/ready> /);
  const refused = sbx.sit(['attach', runId]);
  await refused.sees(/sbx: somebody else types into this run; sbx attach --no-stdin shows it without typing/);
  assert.equal(await refused.ended, 125);
  const viewer = sbx.sit(['attach', '--no-stdin', runId]);
  await viewer.sees(/ready> /);
  writer.type('echo se$((1+1))n\r');
  await viewer.sees(/se2n/);
  viewer.type('echo typed\r');
  viewer.type('\x03');
  assert.equal(await viewer.ended, 130);
  assert.ok(await isLive(runId), 'looking on ended nothing');
  writer.type('exit 0\r');
  assert.equal(await writer.ended, 0);
  assert.doesNotMatch(writer.screen(), /typed/);
});

test('the last of what was there is shown, no more than the terminal holds', async () => {
  const runId = await begin('seq 1 100; sleep 1000');
  await seen(runId, /\n100\n/);
  const person = sbx.sit(['attach', runId]);
  await person.sees(/\n100\r?\n/);
  assert.match(person.screen(), /^78\r?\n/);
  const few = sbx.start(['attach', '--tail', '2', runId]);
  await few.seen(/^99\n100\n/);
  // Without a terminal: an interrupt is for the command.
  few.child.kill('SIGINT');
  assert.equal((await few.result).status, 130);
  assert.equal(await person.ended, 130);
  assert.equal(await isLive(runId), false);
});

test('whoever ends sbx attach does not end the run', async () => {
  const runId = await begin('echo up; while :; do sleep 0.05; done');
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const attached = sbx.start(['attach', '--tail', '5', runId]);
    await attached.seen(/up/);
    attached.child.kill(signal);
    assert.equal((await attached.result).status, status);
  }
  assert.ok(await isLive(runId));
  await sbx.call(['kill', runId]);
});

test('afterwards the terminal is as it was', async () => {
  const runId = await begin(...shell);
  const compare =
    'before=$(stty -g); "$@"; echo "status $?"; test "$before" = "$(stty -g)" && echo same || echo changed';
  const person = sbx.sit([cliPath, 'attach', runId], { program: ['bash', '-c', compare, 'bash', process.execPath] });
  await person.sees(/ready> /);
  person.type(detach);
  await person.sees(/status 0/);
  await person.sees(/same/);
  await sbx.call(['kill', runId]);
});

test('input from a pipe is typed, and its end is not the end of the run', async () => {
  const runId = await begin('--pty', 'read -r a; read -r b; echo "<$a$b>"; exit 4');
  const first = sbx.start(['attach', runId], { input: 'x\n' });
  await first.seen(/x/);
  first.child.kill('SIGTERM');
  await first.result;
  const { out, status } = await sbx.call(['attach', runId], { input: 'y\n' });
  assert.match(out, /<xy>/);
  assert.equal(status, 4);
});

test('one that has ended, and one that never was', async () => {
  const runId = await begin('true');
  await sbx.call(['logs', '-f', runId]);
  const { status, stderr } = await sbx.call(['attach', runId]);
  assert.equal(stderr, `sbx: the run has ended; sbx logs ${runId} shows its output\n`);
  assert.equal(status, 125);
  assert.equal((await sbx.call(['attach', 'nobody'])).status, 125);
});
