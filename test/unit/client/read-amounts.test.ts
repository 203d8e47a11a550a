import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDuration } from '../../../client/cli/read-amounts.ts';

const good: readonly [string, number][] = [
  ['90', 90_000],
  ['90s', 90_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['0.001', 1],
  ['24d'.replace('d', 'h'), 86_400_000],
];
for (const [text, ms] of good) {
  test(`\`${text}\` is ${ms} ms`, () => assert.equal(parseDuration(text, '--timeout'), ms));
}

for (const text of ['', '0', '0.0001', '-1', '5 m', '5d', 's', '1e3', '0x10', '600h', 'Infinity', '１']) {
  test(`\`${text}\` is refused`, () => {
    assert.throws(() => parseDuration(text, '--timeout'), { code: 'bad-usage', message: /--timeout/ });
  });
}
