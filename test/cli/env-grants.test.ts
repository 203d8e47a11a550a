// `sandbox.env` as somebody uses it: a variable reaches commands by its exact name, from the user at once and from a
// project after trust; what is withheld is told with the grant.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import type { PlanReport } from '../../daemon/methods/describe-plan.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
const write = (file: string, policy: object): void => {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(policy));
};
const user = path.join(sbx.home, '.config/sbx/policy.json');
write(user, {
  permissions: { allow: ['Bash(printenv *)', 'Bash(bash -c *)'] },
  sandbox: { env: ['NPM_TOKEN', 'ABSENT', 'CARGO_HOME'] },
});
write(path.join(sbx.workspace, '.sbx/policy.json'), { sandbox: { env: ['DEPLOY_KEY'] } });
after(async () => {
  if (existsSync(sbx.socket)) await sbx.call(['daemon', 'stop']);
  await sbx.close();
});
const env = { NPM_TOKEN: 'granted', NPM_TOKEN_2: 'other', DEPLOY_KEY: 'deployed', DATABASE_URL: 'postgres://u:pw@h/d' };
const printed = async (name: string): Promise<string> => (await sbx.call(['run', 'printenv', name], { env })).out;

test('what the user names is passed on, nothing else of that kind is', async () => {
  assert.equal(await printed('NPM_TOKEN'), 'granted\n');
  for (const name of ['NPM_TOKEN_2', 'DATABASE_URL', 'ABSENT', 'DEPLOY_KEY'])
    assert.equal(await printed(name), '', name);
  assert.match(await printed('CARGO_HOME'), /cargo\n$/, 'a grant of what the caller has not keeps what is set');
});

test('plan and policy show say what is passed on, and where that stands', async () => {
  const { out } = await sbx.call(['plan', '--json', 'printenv', 'NPM_TOKEN'], { env });
  const { environment } = JSON.parse(out) as PlanReport;
  assert.equal(environment.passed.includes('NPM_TOKEN'), true);
  assert.deepEqual(
    environment.withheld.filter(({ name }) => name.startsWith('D')),
    [
      { name: 'DATABASE_URL', because: 'it is not on the list' },
      { name: 'DEPLOY_KEY', because: 'its name looks like a secret' },
    ],
  );
  const shown = await sbx.call(['policy', 'show']);
  assert.match(shown.out, /variables that are passed on\n {2}NPM_TOKEN +.*policy\.json:1:\d+/);
  assert.match(shown.out, /pass on the variable `DEPLOY_KEY`/);
});

test('a command that misses one is told its name and both grants', async () => {
  const { stderr } = await sbx.call(['run', 'bash -c "echo DATABASE_URL is not set >&2; exit 1"'], { env });
  assert.match(stderr, /`DATABASE_URL` of your environment is not passed on/);
  assert.match(stderr, /--env DATABASE_URL, or .*"env": \["DATABASE_URL"\]/);
});

test('what a project names is passed on once it is trusted with it', async () => {
  assert.equal((await sbx.call(['trust', '--yes'])).status, 0);
  assert.equal(await printed('DEPLOY_KEY'), 'deployed\n');
});
