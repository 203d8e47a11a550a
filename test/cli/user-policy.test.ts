// The user's own policy file at `sbx run`: one that forbids flags, and one with a mistake in it.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, afterEach } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const file = path.join(sbx.home, '.config/sbx/policy.json');
mkdirSync(path.dirname(file), { recursive: true });
const write = (text: string) => writeFileSync(file, text, { mode: 0o600 });
afterEach(() => rmSync(file, { force: true }));
const made = (name: string) => existsSync(path.join(sbx.workspace, name));

test('lockFlags: --yes answers nothing, the run ends as refused; what needs no answer runs', async () => {
  write('{"permissions": {"lockFlags": true, "ask": ["Bash(touch *)"]}}');
  const { status, out, stderr } = await sbx.run('--yes', 'touch locked');
  assert.match(stderr, /^sbx: the policy forbids answering with a flag \(`lockFlags`\); [^\n]+\n/);
  assert.equal(out, '');
  assert.equal(status, 126);
  assert.equal(made('locked'), false);
  const free = await sbx.run('--yes', 'echo free');
  assert.deepEqual([free.status, free.out, free.stderr], [0, 'free\n', '']);
});

const mistake = '{\n  "permissions": {\n    "alow": ["Bash(touch *)"]\n  }\n}\n';

test('a mistake in the file is what a refusal names first, with its place and its remedy', async () => {
  write(mistake);
  const { status, stderr } = await sbx.run('touch mistaken');
  assert.equal(status, 126);
  const [line = ''] = stderr.split('\n');
  assert.match(line, /^sbx: needs approval and nobody was asked: .*policy\.json:3:5: unknown key `alow`/);
  assert.match(line, /; did you mean `allow`\?$/);
  assert.equal(made('mistaken'), false);
});

test('a refusal for a reason of its own names that, and then the mistake', async () => {
  write(mistake);
  const { status, stderr } = await sbx.run('rm -rf ~');
  assert.equal(status, 126);
  assert.match(stderr, /^sbx: needs approval and nobody was asked: .*home directory.*\nsbx: .*policy\.json:3:5: /);
});

test('a person at a terminal is told of it before a command that needs no question', async () => {
  write(mistake);
  const person = sbx.sit(['run', 'echo "reads"-only']);
  await person.sees(/sbx: .*policy\.json:3:5: unknown key `alow`/);
  await person.sees(/reads-only/);
  assert.equal(await person.ended, 0);
  const quiet = await sbx.run('echo reads-only');
  assert.equal(quiet.stderr, '');
});
