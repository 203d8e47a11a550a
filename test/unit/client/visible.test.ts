import assert from 'node:assert/strict';
import test from 'node:test';
import { showBlock, showText } from '../../../client/protocol/visible.ts';

const rows: readonly [string, string, string][] = [
  ['plain text stays', 'grep -c "ä € 中 😀" f', 'grep -c "ä € 中 😀" f'],
  ['escape sequences', '\x1b[2Jx', '\\x1b[2Jx'],
  ['carriage return', 'rm x\rls', 'rm x\\rls'],
  ['tab and line feed', 'a\tb\nc', 'a\\tb\\nc'],
  ['delete and C1', '\x7f\x9b1m', '\\x7f\\x9b1m'],
  ['bidi override', 'a\u202eb', 'a\\u202eb'],
  ['bidi isolate', 'a\u2066b', 'a\\u2066b'],
  ['zero width', 'r\u200bm\u200d\ufeff', 'r\\u200bm\\u200d\\ufeff'],
  ['soft hyphen', 'r\u00adm', 'r\\xadm'],
  ['tag characters', 'a\u{e0041}', 'a\\U000e0041'],
  ['variation selectors', 'a\ufe0f\u{e0100}', 'a\\ufe0f\\U000e0100'],
  ['Hangul filler', 'a\u3164b\uffa0', 'a\\u3164b\\uffa0'],
  ['blank braille', 'a\u2800b', 'a\\u2800b'],
  ['blanks that are no space', 'a\u00a0b\u2003c\u3000d', 'a\\xa0b\\u2003c\\u3000d'],
  ['line separators', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['a lone surrogate', 'a\ud800b', 'a\\ud800b'],
  ['private use', 'a\ue000\u{f0000}', 'a\\ue000\\U000f0000'],
];
for (const [name, text, shown] of rows) {
  test(name, () => assert.equal(showText(text), shown));
}

test('a block keeps its line ends and nothing else', () => {
  assert.equal(showBlock('a\n\tb\r\n\x1b'), 'a\n\\tb\\r\n\\x1b');
});

test('what is shown shows nothing else the second time', () => {
  for (const [, text] of rows) assert.equal(showText(showText(text)), showText(text));
});
