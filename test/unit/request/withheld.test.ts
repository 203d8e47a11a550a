/** A variable is named only when the caller has it, the command does not, and the command misses it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { findWithheldViolations, listWithheld } from '../../../daemon/request/withheld.ts';

const withheld = ['GITHUB_TOKEN', 'NPM_TOKEN', 'DATABASE_URL', 'AWS_PROFILE', 'Foo'];

const rows: readonly [text: string, names: readonly string[]][] = [
  ['Error: GITHUB_TOKEN is not set', ['GITHUB_TOKEN']],
  ['bash: line 1: NPM_TOKEN: unbound variable', ['NPM_TOKEN']],
  ['bash: line 1: NPM_TOKEN: parameter null or not set', ['NPM_TOKEN']],
  ["KeyError: 'DATABASE_URL'", ['DATABASE_URL']],
  ['thread main panicked: DATABASE_URL must be set: NotPresent', ['DATABASE_URL']],
  ['Failed to replace env in config: ${NPM_TOKEN}', ['NPM_TOKEN']],
  ['please export GITHUB_TOKEN=… and try again', ['GITHUB_TOKEN']],
  ['missing environment variables: GITHUB_TOKEN, NPM_TOKEN', ['GITHUB_TOKEN', 'NPM_TOKEN']],
  ['\x1b[31mGITHUB_TOKEN\x1b[0m is required', ['GITHUB_TOKEN']],
  ['MY_GITHUB_TOKEN is not set', []],
  ['GITHUB_TOKENS is not set', []],
  ['github_token is not set', []],
  ['HOME is not set', []],
  ['pushed with GITHUB_TOKEN', []],
  ['GITHUB_TOKEN\nthis is not set', []],
];
for (const [text, names] of rows) {
  test(text, () =>
    assert.deepEqual(
      findWithheldViolations(text, withheld).map(({ target }) => target),
      names,
    ),
  );
}

test('what is told says how to pass it on', () => {
  const [violation] = findWithheldViolations('NPM_TOKEN is not set', withheld);
  assert.equal(violation?.kind, 'environment');
  assert.match(violation?.message ?? '', /`NPM_TOKEN` of your environment is not passed on/);
  assert.match(
    violation?.howToAllow ?? '',
    /--env NPM_TOKEN, or to every command with "sandbox": \{"env": \["NPM_TOKEN"\]\}/,
  );
});

test('withheld is what the caller has and the command does not get, but for what shells set themselves', () => {
  const caller = { PATH: '/bin', NPM_TOKEN: 'x', PWD: '/', SHLVL: '1', 'BASH_FUNC_x%%': '()' };
  assert.deepEqual(listWithheld(caller, new Map([['PATH', '/bin']])), ['NPM_TOKEN']);
});
