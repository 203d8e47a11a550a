import assert from 'node:assert/strict';
import test from 'node:test';
import { readOptions } from '../../../client/cli/read-options.ts';

const table = {
  '--allow': 'list',
  '--cwd': 'value',
  '--json': 'flag',
  '--pty': 'flag',
  '--no-pty': 'flag',
  '--no-prompt': 'flag',
} as const;
const read = (...args: string[]) => readOptions(table, args, 'sbx run');

const rows: readonly [string, string[], ReturnType<typeof read>][] = [
  ['no options', ['ls'], { options: {}, words: ['ls'], separated: false }],
  ['nothing at all', [], { options: {}, words: [], separated: false }],
  [
    'a word ends the options',
    ['grep', '--json', 'f'],
    { options: {}, words: ['grep', '--json', 'f'], separated: false },
  ],
  ['-- ends the options', ['--', '--json'], { options: {}, words: ['--json'], separated: true }],
  ['only the first -- counts', ['--', 'a', '--', 'b'], { options: {}, words: ['a', '--', 'b'], separated: true }],
  [
    'a -- after the command belongs to it',
    ['git', '--', 'x'],
    { options: {}, words: ['git', '--', 'x'], separated: false },
  ],
  ['a lone - is a word', ['-', '--json'], { options: {}, words: ['-', '--json'], separated: false }],
  ['a value of its own', ['--cwd', '/x', 'ls'], { options: { '--cwd': '/x' }, words: ['ls'], separated: false }],
  ['a value after =', ['--cwd=/x=y', 'ls'], { options: { '--cwd': '/x=y' }, words: ['ls'], separated: false }],
  [
    'a value may look like an option',
    ['--cwd', '--json', 'ls'],
    { options: { '--cwd': '--json' }, words: ['ls'], separated: false },
  ],
  ['the last value counts', ['--cwd=a', '--cwd=b', 'x'], { options: { '--cwd': 'b' }, words: ['x'], separated: false }],
  [
    'lists keep all',
    ['--allow', 'A', '--allow=B', 'x'],
    { options: { '--allow': ['A', 'B'] }, words: ['x'], separated: false },
  ],
  [
    'the last of a pair counts',
    ['--pty', '--no-pty', 'x'],
    { options: { '--no-pty': true }, words: ['x'], separated: false },
  ],
  [
    'the pair the other way',
    ['--no-pty', '--pty', 'x'],
    { options: { '--pty': true }, words: ['x'], separated: false },
  ],
];
for (const [name, args, expected] of rows) {
  test(name, () => assert.deepEqual(read(...args), expected));
}

const wrong: readonly [string, string[], RegExp, RegExp][] = [
  ['unknown', ['--jsno', 'ls'], /unknown option `--jsno`/, /did you mean `--json`/],
  ['nothing is near', ['--qqqqqq', 'ls'], /unknown option/, /sbx run --help/],
  ['a flag with a value', ['--json=1', 'ls'], /takes no value/, /--help/],
  ['a missing value', ['--cwd'], /needs a value/, /--help/],
  ['an empty value', ['--cwd=', 'ls'], /needs a value/, /--help/],
  ['a short cluster', ['-xyz', 'ls'], /unknown option `-xyz`/, /--help/],
  ['a name of Object.prototype', ['--constructor', 'ls'], /unknown option/, /./],
  ['escape sequences are shown', ['--\x1b[2J', 'ls'], /unknown option `--\\x1b\[2J`/, /./],
];
for (const [name, args, message, help] of wrong) {
  test(`refused: ${name}`, () => assert.throws(() => read(...args), { code: 'bad-usage', message, help }));
}
