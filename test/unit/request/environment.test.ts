import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { parse } from 'jsonc-parser';
import { limits } from '../../../client/protocol/limits.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { type EnvironmentLists, selectEnvironment } from '../../../daemon/request/environment.ts';

const lists = parse(
  readFileSync(path.join(findPackageRoot(), 'policies/environment.jsonc'), 'utf8'),
) as EnvironmentLists;
const select = (env: Record<string, string>, grants: string[] = []) => [
  ...selectEnvironment({ env, grants }, lists).keys(),
];

const rows: readonly [string, boolean][] = [
  ['PATH', true],
  ['HOME', true],
  ['LC_ALL', true],
  ['CI', true],
  ['VIRTUAL_ENV', true],
  ['GITHUB_TOKEN', false],
  ['AWS_SECRET_ACCESS_KEY', false],
  ['OPENAI_API_KEY', false],
  ['npm_config__auth', false],
  ['DATABASE_URL', false],
  ['SSH_AUTH_SOCK', false],
  ['MY_APP_SETTING', false],
  ['BASH_ENV', false],
  ['LD_PRELOAD', false],
  ['BASH_FUNC_ls%%', false],
  ['lc_all', false],
];
for (const [name, passes] of rows) {
  test(`${name} ${passes ? 'passes' : 'is withheld'}`, () =>
    assert.deepEqual(select({ [name]: 'x' }), passes ? [name] : []));
}

test('a grant by exact name passes what the list withholds, and nothing else', () => {
  assert.deepEqual(select({ GITHUB_TOKEN: 'x', GITLAB_TOKEN: 'y' }, ['GITHUB_TOKEN']), ['GITHUB_TOKEN']);
});

for (const name of ['BASH_ENV', 'ENV', 'SHELLOPTS', 'PS4', 'BASH_FUNC_ls%%', 'LD_PRELOAD']) {
  test(`${name} is refused even when granted`, () => {
    assert.throws(() => select({ [name]: 'x' }, [name]), { code: 'bad-environment' });
  });
}
for (const name of ['', 'A=B', 'A\0B']) {
  test(`the name ${JSON.stringify(name)} is refused`, () => {
    assert.throws(() => select({}, [name]), { code: 'bad-environment' });
  });
}
test('a value with a NUL byte is refused, not cut', () => {
  assert.throws(() => select({ LANG: 'a\0b' }), { code: 'bad-environment' });
});

test('more than the limit is refused; what is withheld does not count, and just below passes', () => {
  const large = (bytes: number) => 'x'.repeat(bytes);
  const room = limits.maxEnvironmentBytes - 'LANG'.length - 2;
  assert.throws(() => select({ LANG: large(room + 1) }), { code: 'bad-environment' });
  assert.deepEqual(select({ LANG: large(room), GITHUB_TOKEN: large(room) }), ['LANG']);
  assert.throws(() => select({ LANG: 'C', A: large(room) }, ['A']), { code: 'bad-environment' });
});
