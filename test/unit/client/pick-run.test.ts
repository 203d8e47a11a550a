import assert from 'node:assert/strict';
import test from 'node:test';
import { pickRun } from '../../../client/cli/pick-run.ts';
import { shortenIds } from '../../../client/cli/short-ids.ts';

const ids = ['11111111-aaaa', '11111111-abbb', '12222222-cccc', 'build', 'build-2'];
const found = ids.map((runId) => ({ info: { runId } }));
const pick = (name: string) => pickRun(found, name).info.runId;

test('the whole id', () => assert.equal(pick('12222222-cccc'), '12222222-cccc'));
test('a beginning that no other has', () => assert.equal(pick('12'), '12222222-cccc'));
test('an id that is the beginning of another', () => assert.equal(pick('build'), 'build'));
test('a beginning that several have', () =>
  assert.throws(() => pick('1111'), {
    code: 'bad-usage',
    message: '`1111` is the beginning of 2 ids: 11111111-aa, 11111111-ab',
  }));
for (const name of ['', 'x', '12222222-ccccc', '\x1b[1m']) {
  test(`no run ${JSON.stringify(name)}`, () =>
    assert.throws(() => pick(name), { code: 'unknown-run', message: /^there is no run `[ -~]*`$/ }));
}

test('short ids are eight characters, more where that is not enough, and never more than there are', () => {
  assert.deepEqual(
    [...shortenIds(ids)],
    [
      ['11111111-aaaa', '11111111-aa'],
      ['11111111-abbb', '11111111-ab'],
      ['12222222-cccc', '12222222'],
      ['build', 'build'],
      ['build-2', 'build-2'],
    ],
  );
});
