import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import '../../fixtures/seed.ts';
import { DetachKeys } from '../../../client/cli/detach-keys.ts';

const standard = 'ctrl-p,ctrl-q';
/** What is passed on for each piece that is typed, and `!` where it detaches. */
function type(keys: string, ...pieces: readonly string[]): string[] {
  const detachKeys = new DetachKeys(keys);
  return pieces.map((piece) => {
    const { passed, detached } = detachKeys.filter(Buffer.from(piece, 'latin1'));
    return passed.toString('latin1') + (detached ? '!' : '');
  });
}

const rows: readonly [string, string, string[], string[]][] = [
  ['other keys pass', standard, ['ls -la\r', '\x03'], ['ls -la\r', '\x03']],
  ['both in one piece', standard, ['\x10\x11'], ['!']],
  ['one after the other', standard, ['\x10', '\x11'], ['', '!']],
  ['what stands before passes', standard, ['ab\x10\x11cd'], ['ab!']],
  ['only the first: passed with what follows', standard, ['\x10', 'x'], ['', '\x10x']],
  ['the first twice', standard, ['\x10\x10\x11'], ['\x10!']],
  ['the second alone', standard, ['\x11'], ['\x11']],
  ['a beginning within the sequence', 'a,a,b', ['aa', 'ab'], ['', 'a!']],
  ['a longer one', 'a,b,a,c', ['abab', 'ac'], ['ab', '!']],
  ['printable keys', 'ctrl-],~', ['\x1d~'], ['!']],
];
for (const [name, keys, pieces, expected] of rows) {
  test(name, () => assert.deepEqual(type(keys, ...pieces), expected));
}

test('whatever is typed, it detaches at the first sequence, and every byte before passes', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 20 });
  const keys = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(text, keys, fc.nat(20), (typed, sequence, cut) => {
      const all = typed.join('');
      const at = all.indexOf(sequence.join(''));
      const shown = type(sequence.join(','), all.slice(0, cut), all.slice(cut));
      const first = shown.findIndex((piece) => piece.endsWith('!'));
      const joined = (first < 0 ? shown : shown.slice(0, first + 1)).join('');
      if (at >= 0) assert.equal(joined, `${all.slice(0, at)}!`);
      else assert.ok(all.startsWith(joined) && sequence.join('').startsWith(all.slice(joined.length)));
    }),
  );
});

for (const text of ['', 'ctrl-', 'ctrl-ü', 'ctrl-p,', 'ctrl-p ctrl-q', 'ab', '\x10', 'shift-a']) {
  test(`refused: ${JSON.stringify(text)}`, () =>
    assert.throws(() => new DetachKeys(text), { code: 'bad-usage', message: /are no keys/ }));
}
