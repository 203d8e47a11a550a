import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCount, parseDuration, parseSize } from '../../../client/cli/read-amounts.ts';

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

const sizes: readonly [string, number][] = [
  ['100', 100],
  ['100b', 100],
  ['64K', 65_536],
  ['64k', 65_536],
  ['64KiB', 65_536],
  ['1.5M', 1_572_864],
  ['2GB', 2_147_483_648],
  ['1T', 1_099_511_627_776],
];
for (const [text, bytes] of sizes) {
  test(`\`${text}\` is ${bytes} bytes`, () => assert.equal(parseSize(text, '--memory'), bytes));
}
for (const text of ['', '0', '-1', '1 M', 'M', '1P', '1Ki', '0x10', '1e3', '99999T', '1,5M']) {
  test(`the size \`${text}\` is refused`, () => {
    assert.throws(() => parseSize(text, '--memory'), { code: 'bad-usage', message: /--memory/ });
  });
}
for (const text of ['', '0', '-1', '1.5', '1k', '9999999999']) {
  test(`the count \`${text}\` is refused`, () => {
    assert.throws(() => parseCount(text, '--processes'), { code: 'bad-usage', message: /--processes/ });
  });
}
test('`12` is a count', () => assert.equal(parseCount('12', '--processes'), 12));
