// `sbx rules`: an answer of "always" is saved outside of the project, for this project alone, and can be taken back.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
mkdirSync(path.join(sbx.workspace, '.git'));
const other = path.join(sbx.home, 'other');
mkdirSync(path.join(other, '.git'), { recursive: true });
const folder = path.join(sbx.home, '.config/sbx/projects');
const up = '\x1b[A';
const rules = (...args: string[]) => sbx.call(['rules', ...args]);

test('nothing is saved at first', async () => {
  assert.equal((await rules()).out, 'no rule is saved\n');
  assert.equal((await rules('remove', '1')).status, 125);
});

test('"always" is saved for the workspace, not in it; the question names file and rule', async () => {
  // The sandbox is there before the answer, which makes a folder that it hides.
  assert.equal((await sbx.run('true')).status, 0);
  const person = sbx.sit(['run', '--no-auto-allow', 'touch always']);
  await person.sees(/Run it\?[\s\S]*no/);
  person.type(up);
  await person.sees(/saved in/);
  await person.sees(/projects/);
  person.type('\r');
  assert.equal(await person.ended, 0);
  assert.deepEqual(readdirSync(sbx.workspace).sort(), ['.git', 'always']);
  const [name = ''] = readdirSync(folder);
  assert.equal(JSON.parse(readFileSync(path.join(folder, name), 'utf8')).workspace, sbx.workspace);
  assert.equal((await sbx.run('--no-auto-allow', 'touch always')).status, 0);
  assert.equal((await sbx.call(['run', '--no-auto-allow', 'touch always'], { cwd: other })).status, 126);
});

test('they are listed with numbers, and removed by them', async () => {
  const [name = ''] = readdirSync(folder);
  const file = path.join(folder, name);
  const saved = JSON.parse(readFileSync(file, 'utf8')).permissions.allow as string[];
  writeFileSync(
    file,
    `{\n  "workspace": ${JSON.stringify(sbx.workspace)},\n  "permissions": {\n    "allow": [\n      ${JSON.stringify(saved[0])}, // first\n      "Bash(b)", // second\n      "Bash(c)" // third\n    ]\n  }\n}\n`,
  );
  const { out } = await rules();
  assert.match(out, /\n {3}1 {2}allow .*touch/);
  assert.match(out, /\n {3}3 {2}allow Bash\(c\)\n$/);
  assert.match((await rules('--all')).out, /allow Bash\(b\)/);
  assert.match((await sbx.call(['rules'], { cwd: other })).out, /no rule is saved/);
  assert.equal((await rules('remove', '4')).status, 125);
  assert.equal((await rules('remove', 'x')).status, 125);
  assert.equal((await rules('remove', '1', '3')).out, `removed ${saved[0]}\nremoved Bash(c)\n`);
  assert.match(readFileSync(file, 'utf8'), /"Bash\(b\)" \/\/ second/);
  assert.equal((await sbx.run('--no-auto-allow', 'touch always')).status, 126);
  const json = JSON.parse((await rules('--json')).out) as { rules: { rule: string }[] }[];
  assert.deepEqual(
    json[0]?.rules.map(({ rule }) => rule),
    ['Bash(b)'],
  );
});

test('a file with a mistake is left alone', async () => {
  const [name = ''] = readdirSync(folder);
  const file = path.join(folder, name);
  writeFileSync(file, '{"permissions": {"allow": ["Bash(a)"');
  const { status, stderr } = await rules('remove', '1');
  assert.equal(status, 125);
  assert.match(stderr, /has errors, so it is not changed/);
  assert.equal(readFileSync(file, 'utf8'), '{"permissions": {"allow": ["Bash(a)"');
  assert.ok(existsSync(file));
});
