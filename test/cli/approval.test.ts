// A command that a rule asks about: a person answers on the terminal, a flag answers, or nobody can.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const asking = ['run', '--ask', 'Bash(touch *)'];
const up = '\x1b[A';
const made = (name: string) => existsSync(path.join(sbx.workspace, name));

test('nobody to ask: refused, with the rule that asked and the one that would allow it', async () => {
  const { status, out, stderr } = await sbx.run('--ask', 'Bash(touch *)', 'touch none');
  assert.equal(status, 126);
  assert.equal(out, '');
  assert.match(stderr, /^sbx: needs approval and nobody was asked: .*Bash\(touch \*\)/);
  assert.equal(made('none'), false);
});

test('--no-auto-allow asks for what no rule allows, and the rule it prints allows it', async () => {
  const refused = await sbx.run('--no-auto-allow', 'touch printed');
  assert.equal(refused.status, 126);
  const rule = /--allow '?([^'\n]+)'?/.exec(refused.stderr)?.[1];
  assert.ok(rule, refused.stderr);
  const allowed = await sbx.run('--no-auto-allow', '--allow', rule, 'touch printed');
  assert.equal(allowed.status, 0, allowed.stderr);
  assert.ok(made('printed'));
});

test('--no-prompt and CI never ask, although there is a terminal', async () => {
  for (const [extra, env] of [
    [['--no-prompt'], {}],
    [[], { CI: 'true' }],
  ] as const) {
    const person = sbx.sit([...asking, ...extra, 'touch silent'], { env });
    await person.sees(/nobody was asked/);
    assert.equal(await person.ended, 126);
  }
  assert.equal(made('silent'), false);
});

test('--yes answers once', async () => {
  const { status, stderr } = await sbx.run('--ask', 'Bash(touch *)', '--yes', 'touch yes');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.ok(made('yes'));
});

test('a denied command is refused, with or without --yes', async () => {
  const { status, stderr } = await sbx.run('--deny', 'Bash(touch *)', '--yes', 'touch denied');
  assert.equal(status, 126);
  assert.match(stderr, /^sbx: denied: .*Bash\(touch \*\)/);
  assert.equal(made('denied'), false);
});

test('the question shows what, where and why; Enter alone is no', async () => {
  const person = sbx.sit([...asking, 'touch "e\u202enter"']);
  const question = await person.sees(/Run it\?[\s\S]*no/);
  assert.match(person.screen(), /touch "e\\u202enter"/);
  assert.match(person.screen(), /folder .*a project ü/);
  assert.match(person.screen(), /why .*/);
  assert.doesNotMatch(person.screen(), /\u202e/);
  assert.match(question, /yes, this once/);
  person.type('\r');
  await person.sees(/sbx: not approved/);
  assert.equal(await person.ended, 126);
  assert.equal(made('e\u202enter'), false);
});

test('what was typed before the question does not answer it', async () => {
  const person = sbx.sit([...asking, 'touch early']);
  person.type(`${up}\r${up}\r\r`);
  await person.sees(/Run it\?/);
  person.type('\r');
  assert.equal(await person.ended, 126);
  assert.equal(made('early'), false);
});

test('a move and Enter is yes, this once; the question is there although stdin is a file', async () => {
  const { cliPath } = await import('../fixtures/private-sbx.ts');
  const script = 'echo from-stdin | "$@" > out; echo "status $?"; cat out';
  const person = sbx.sit([cliPath, ...asking, 'touch once; cat'], {
    program: ['bash', '-c', script, 'bash', process.execPath],
  });
  await person.sees(/Run it\?[\s\S]*no/);
  const moves = person.screen().match(/yes, /g)?.length ?? 0;
  for (let move = 0; move < moves; move++) person.type(up);
  await person.sees(/● yes, this once|>.*yes, this once/);
  person.type('\r');
  await person.sees(/status 0/);
  await person.sees(/from-stdin/);
  assert.equal(await person.ended, 0);
  assert.ok(made('once'));
});

test('Ctrl-C at the question cancels', async () => {
  const person = sbx.sit([...asking, 'touch cancelled']);
  await person.sees(/Run it\?[\s\S]*no/);
  person.type('\x03');
  assert.equal(await person.ended, 130);
  assert.equal(made('cancelled'), false);
});

test('"always" saves the rule in the named file, and the next run does not ask', async () => {
  const person = sbx.sit(['run', '--no-auto-allow', 'touch always']);
  await person.sees(/Run it\?[\s\S]*no/);
  person.type(up);
  await person.sees(/saved in/);
  person.type('\r');
  assert.equal(await person.ended, 0, person.screen());
  const folder = path.join(sbx.home, '.config/sbx/projects');
  const saved = path.join(folder, readdirSync(folder)[0] ?? '');
  assert.match(readFileSync(saved, 'utf8'), /touch always/);
  const { status, stderr } = await sbx.run('--no-auto-allow', 'touch always');
  assert.equal(status, 0, stderr);
  const other = await sbx.run('--no-auto-allow', 'touch another');
  assert.equal(other.status, 126);
});

test('"in this session" holds in the session and is not saved', async () => {
  const person = sbx.sit(['run', '--no-auto-allow', 'touch session']);
  await person.sees(/Run it\?[\s\S]*no/);
  person.type(`${up}${up}`);
  await person.sees(/● yes, in this session/);
  person.type('\r');
  assert.equal(await person.ended, 0);
  assert.equal((await sbx.run('--no-auto-allow', 'touch session')).status, 0);
  assert.equal((await sbx.run('--no-auto-allow', '--new-session', 'touch session')).status, 126);
});
