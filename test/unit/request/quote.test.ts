import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import fc from 'fast-check';
import '../../fixtures/seed.ts';
import { quoteArgv } from '../../../daemon/request/quote.ts';

const rows: readonly [readonly string[], string][] = [
  [['git', 'commit', '-m', 'two words'], `git commit -m 'two words'`],
  [['node', '--version'], 'node --version'],
  [['npm', 'run', 'x', '--port=80'], 'npm run x --port=80'],
  [['A=b', 'x'], `'A=b' x`],
  [['echo', 'A=b'], 'echo A=b'],
  [['if', 'if'], `'if' if`],
  [['echo', ''], `echo ''`],
  [['echo', "it's"], `echo 'it'\\''s'`],
  [['echo', '~', '*', '$HOME', '{a,b}', '#x', '!x', 'a\nb'], `echo '~' '*' '$HOME' '{a,b}' '#x' '!x' 'a\nb'`],
  [['echo', '=x', 'é'], `echo '=x' 'é'`],
];

for (const [argv, text] of rows) {
  test(`${JSON.stringify(argv)} is ${text}`, () => assert.equal(quoteArgv(argv), text));
}

test('bash reads back exactly the argv, whatever the words', () => {
  const word = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'aZ0 \t\n\'"\\$`*?[]{}()<>|&;!#~=^%@,.:/-_'), maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\0', '').toWellFormed()),
    fc.constantFrom('if', 'time', '[[', '{', 'A=1', '-n', '~root'),
  );
  // A function cannot be shadowed by quoting, so the first word is a recorder and the rest is what is compared.
  fc.assert(
    fc.property(fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 40 }), (lines) => {
      const script = lines.map((words) => `${quoteArgv(['record', ...words])}; record END`).join('\n');
      const run = spawnSync(
        '/bin/bash',
        ['--norc', '-c', `record() { printf '%s\\0' "$@"; printf '\\1\\0'; }\n${script}`],
        {
          env: { PATH: '', LC_ALL: 'C.UTF-8' },
          encoding: 'utf8',
          timeout: 20_000,
        },
      );
      const expected = lines
        .map((words) => [...words, '\x01', 'END', '\x01'].map((item) => `${item}\0`).join(''))
        .join('');
      assert.equal(run.stdout, expected);
    }),
    { numRuns: 25 },
  );
});
