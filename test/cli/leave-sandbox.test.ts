// A command that the user's policy lets out of the sandbox really runs outside, and the line beside it really stays inside.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const file = path.join(sbx.home, '.config/sbx/policy.json');
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(
  file,
  JSON.stringify({ permissions: { allow: [{ rule: 'Bash(touch *)', sandbox: 'off' }, 'Edit(~/**)', 'Bash(env)'] } }),
  { mode: 0o600 },
);
const made = (name: string) => existsSync(path.join(sbx.home, name));

test('alone it writes where the sandbox would not let it, with the tools’ own caches', async () => {
  const { status, stderr } = await sbx.run('touch ~/outside');
  assert.deepEqual([status, stderr, made('outside')], [0, '', true]);
  const told = (await sbx.run('--json', 'touch ~/outside')).out;
  assert.match(told, /"backend":"none"/);
  assert.match(told, /it runs outside the sandbox, as `Bash\(touch \*\)`/);
});

test('with a command that may not leave, all of the line stays inside', async () => {
  const { status, out } = await sbx.run('--json', 'touch ~/beside; node -e 0');
  assert.equal(made('beside'), false);
  assert.match(out, /all of it stays inside the sandbox: `node -e 0` has no rule/);
  assert.match(out, /"backend":"bubblewrap"/);
  assert.equal(status, 0);
});
