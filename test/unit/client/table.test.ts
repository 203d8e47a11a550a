import assert from 'node:assert/strict';
import test from 'node:test';
import { formatBytes, formatTime } from '../../../client/cli/amounts.ts';
import { cutText, layOut, measureText } from '../../../client/cli/table.ts';

const widths: readonly [string, number][] = [
  ['', 0],
  ['abc', 3],
  ['日本', 4],
  ['한', 2],
  ['ｗ', 2],
  ['👍', 2],
  ['e\u0301', 1],
  ['👩‍👩‍👧', 2],
];
for (const [text, width] of widths) {
  test(`${JSON.stringify(text)} takes ${width}`, () => assert.equal(measureText(text), width));
}

const cuts: readonly [string, number, string][] = [
  ['abc', 3, 'abc'],
  ['abcd', 3, 'ab…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
];
for (const [text, width, expected] of cuts) {
  test(`${text} in ${width}`, () => assert.equal(cutText(text, width), expected));
}

test('columns are as wide as their widest, an empty one is left out, the last takes the rest', () => {
  const lines = layOut(
    ['A', 'TAGS', 'COMMAND'],
    [
      ['日', '', 'one two three'],
      ['bbb', '', 'x'],
    ],
    12,
  );
  assert.deepEqual(lines, ['A    COMMAND', '日   one tw…', 'bbb  x']);
});

test('an endless width cuts nothing', () => {
  const long = 'x'.repeat(1000);
  assert.equal(layOut(['A'], [[long]], Number.POSITIVE_INFINITY)[1], long);
});

const bytes: readonly [number, string][] = [
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9951, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [1_073_741_824, '1.1 GB'],
];
for (const [amount, text] of bytes) test(`${amount} bytes`, () => assert.equal(formatBytes(amount), text));

const times: readonly [number, string][] = [
  [0, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
];
for (const [ms, text] of times) test(`${ms} ms`, () => assert.equal(formatTime(ms), text));
