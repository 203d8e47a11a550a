// `sbx shell`: an interactive bash that only the sandbox holds, and that says so.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { cliPath, PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const prompt = /sbx:.*[$#] /;

test('it says what holds its lines before the first prompt, runs them, and ends with the status of the last', async () => {
  const outside = path.join(sbx.home, 'outside');
  const person = sbx.sit(['shell']);
  await person.sees(/sbx: lines typed here are not decided one by one; only the sandbox holds them\r\n/);
  const writable = await person.sees(/sbx: writable: .*of the network what the policy or you allow[\s\S]*?\r\n/);
  assert.match(writable.replaceAll('\r\n', ''), /a project ü/);
  await person.sees(prompt);
  person.type('tty -s && stty size && pwd\r');
  await person.sees(/24 80\r\n/);
  await person.sees(/a project ü/);
  person.type('echo in > inside; echo out > "$HOME/outside"; echo "failed $?"\r');
  await person.sees(/failed 1/);
  assert.ok(existsSync(path.join(sbx.workspace, 'inside')));
  assert.equal(existsSync(outside), false);
  person.type('exit 7\r');
  assert.equal(await person.ended, 7);
});

test('Ctrl-C is for the line, Ctrl-D ends the shell, the terminal is as it was', async () => {
  const compare =
    'before=$(stty -g); "$@"; echo "status $?"; test "$before" = "$(stty -g)" && echo same || echo changed';
  const person = sbx.sit([cliPath, 'shell'], { program: ['bash', '-c', compare, 'bash', process.execPath] });
  await person.sees(prompt);
  person.type('sh -c \'echo "u"p; exec sleep 1000\'\r');
  await person.sees(/[\r\n]up\r\n/);
  person.type('\x03');
  await person.sees(prompt);
  person.type('true\r');
  await person.sees(prompt);
  person.type('\x04');
  await person.sees(/status 0/);
  await person.sees(/same/);
});

test('--cwd, --workspace and --env', async () => {
  const other = path.join(sbx.home, 'other');
  mkdirSync(path.join(other, 'inner'), { recursive: true });
  const person = sbx.sit([
    'shell',
    '--workspace',
    other,
    '--cwd',
    path.join(other, 'inner'),
    '--env',
    'SECRET_KEY=k3y',
  ]);
  await person.sees(prompt);
  person.type('echo "[$PWD $SECRET_KEY]"; touch here\r');
  await person.sees(/\[.*\/other\/inner k3y\]/);
  await person.sees(prompt);
  assert.ok(existsSync(path.join(other, 'inner', 'here')));
  person.type('exit\r');
  assert.equal(await person.ended, 0);
});

test("it is in the workspace's session, or in one of its own", async () => {
  await sbx.run('echo shared > /tmp/of-session');
  for (const [args, expected] of [
    [['shell'], /<shared>/],
    [['shell', '--new-session'], /<>/],
  ] as const) {
    const person = sbx.sit(args);
    await person.sees(prompt);
    person.type('echo "<$(cat /tmp/of-session 2>/dev/null)>"; exit\r');
    await person.sees(expected);
    assert.equal(await person.ended, 0);
  }
});

test('without a terminal: one sentence', async () => {
  const { status, out, stderr } = await sbx.call(['shell']);
  assert.equal(stderr, "sbx: a shell needs a terminal on stdin and stdout; write sbx run 'COMMAND' instead\n");
  assert.equal(out, '');
  assert.equal(status, 125);
});

test('it ends with its terminal', async () => {
  const person = sbx.sit(['shell']);
  await person.sees(prompt);
  process.kill(person.pid, 'SIGHUP');
  await person.ended;
  for (;;) if ((await sbx.call(['ps', '--json'])).out === '[]\n') break;
});

test('a policy can forbid it', async () => {
  const own = new PrivateSbx();
  try {
    const folder = path.join(own.home, '.config/sbx');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'policy.json'), '{ "sandbox": { "allowShell": false } }');
    const person = own.sit(['shell']);
    await person.sees(/sbx: denied: the policy forbids interactive shells/);
    assert.equal(await person.ended, 126);
    assert.doesNotMatch(person.screen(), /lines typed here/);
    assert.equal((await own.run('echo works')).out, 'works\n');
  } finally {
    await own.close();
  }
});
