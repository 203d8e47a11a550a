// A person at a terminal: the command has one too, with its size, its keys and its job control, and gets it back whole.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { cliPath, PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
/** Says so itself: bash between an `echo` and its exec can swallow a signal. */
const waiting = 'echo ready >said; exec tail -f said';

test('the command is on a terminal of the same size, and its status comes back', async () => {
  const person = sbx.sit(['run', 'tty -s && stty size && exit 7']);
  await person.sees(/24 80\r\n/);
  assert.equal(await person.ended, 7);
});

test('without a terminal on stdout there is none inside', async () => {
  const { out } = await sbx.run('tty -s; echo $?');
  assert.equal(out, '1\n');
});

test('--no-pty and --pty choose', async () => {
  const person = sbx.sit(['run', '--no-pty', 'test -t 1; echo "out $?"']);
  await person.sees(/out 1\r?\n/);
  assert.equal(await person.ended, 0);
  const { out } = await sbx.run('--pty', 'test -t 1; echo "out $?"');
  assert.equal(out, 'out 0\r\n');
});

test('--pty without input ends the input', async () => {
  const { out, status } = await sbx.call(['run', '--pty', 'cat; echo over'], { input: 'no line end' });
  assert.match(out, /no line end/);
  assert.match(out, /over\r\n$/);
  assert.equal(status, 0);
});

test('a new size reaches the command', async () => {
  const person = sbx.sit(['run', 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done']);
  await person.sees(/ready/);
  person.resize(101, 33);
  await person.sees(/33 101\r\n/);
  assert.equal(await person.ended, 0);
});

test('Ctrl-C interrupts the command, not sbx', async () => {
  const person = sbx.sit(['run', 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done']);
  await person.sees(/ready/);
  person.type('\x03');
  await person.sees(/caught/);
  assert.equal(await person.ended, 5);
});

test('Ctrl-C ends a command that does not care, with 130', async () => {
  const person = sbx.sit(['run', waiting]);
  await person.sees(/ready/);
  person.type('\x03');
  assert.equal(await person.ended, 130);
});

test('what is typed reaches the command, Ctrl-D ends it', async () => {
  const person = sbx.sit(['run', 'read line; echo "<$line>"; cat; echo over']);
  person.type('hello ü\r');
  await person.sees(/<hello ü>/);
  person.type('\x04');
  await person.sees(/over/);
  assert.equal(await person.ended, 0);
});

test('job control works inside', async () => {
  const person = sbx.sit(['run', 'PS1="ready> " bash --norc --noprofile -i']);
  await person.sees(/ready> /);
  // Printed by the job itself: before that the shell, which ignores the key, may still be in the foreground.
  person.type('sh -c \'echo "u"p; exec sleep 1000\'\r');
  await person.sees(/[\r\n]up\r\n/);
  person.type('\x1a');
  await person.sees(/Stopped/);
  await person.sees(/ready> /);
  person.type('kill %1; wait; jobs; echo "left $?"\r');
  await person.sees(/left 0/);
  person.type('exit 4\r');
  assert.equal(await person.ended, 4);
});

const compareTerminal =
  'before=$(stty -g); sh -c "echo pid=\\$\\$; exec \\"\\$@\\"" sh "$@"; echo "status $?"; test "$before" = "$(stty -g)" && echo same || echo changed';
const comparing = ['bash', '-c', compareTerminal, 'bash', process.execPath] as const;

test('afterwards the terminal is as it was', async () => {
  const person = sbx.sit([cliPath, 'run', 'stty raw -echo; kill -KILL $$'], { program: comparing });
  await person.sees(/status 137/);
  await person.sees(/same/);
  assert.equal(await person.ended, 0);
});

test('also when sbx is told to end', async () => {
  const person = sbx.sit([cliPath, 'run', waiting], { program: comparing });
  const pid = Number((await person.sees(/pid=\d+/)).slice(4));
  await person.sees(/ready/);
  process.kill(pid, 'SIGTERM');
  await person.sees(/status 143/);
  await person.sees(/same/);
  assert.equal(await person.ended, 0);
});

test('a background job leaves the terminal alone and still runs', async () => {
  const script = 'set -m; "$@" </dev/tty & wait $!; echo "status $?"';
  const person = sbx.sit([cliPath, 'run', 'echo ran; exit 3'], {
    program: ['bash', '-c', script, 'bash', process.execPath],
  });
  await person.sees(/ran/);
  await person.sees(/status 3/);
  assert.equal(await person.ended, 0);
});
