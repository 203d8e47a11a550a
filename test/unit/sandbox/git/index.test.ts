/** The index: what is read, what is refused, and what comes of two sides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIndex, type IndexEntry, parseIndex } from '../../../../daemon/sandbox/git/index-file.ts';
import { mergeIndex } from '../../../../daemon/sandbox/git/index-merge.ts';

function entry(path: string, hash = 'a', changes: Partial<IndexEntry> = {}): IndexEntry {
  const flags = { assumeValid: false, skipWorktree: false, intentToAdd: false };
  return { path, stage: 0, mode: 0o100644, hash: hash.repeat(40), ...flags, stat: Buffer.alloc(40, 7), ...changes };
}

const read = (entries: readonly IndexEntry[]): ReturnType<typeof parseIndex> =>
  parseIndex(formatIndex(entries, 'sha1'), 'sha1');

test('an index is read as it was written', () => {
  const entries = [
    entry('a'),
    entry('a/b', 'b', { mode: 0o120000 }),
    entry('c', 'c', { skipWorktree: true, intentToAdd: true }),
  ];
  const back = read(entries);
  assert.ok('entries' in back);
  assert.deepEqual(
    back.entries.map(({ stat: _, ...rest }) => rest),
    entries.map(({ stat: _, ...rest }) => rest),
  );
  const wide = entry('x', 'd', { hash: 'd'.repeat(64) });
  assert.deepEqual(parseIndex(formatIndex([wide], 'sha256'), 'sha256'), {
    entries: [
      { ...wide, stat: Buffer.concat([Buffer.alloc(24, 7), Buffer.from([0, 0, 0x81, 0xa4]), Buffer.alloc(12, 7)]) },
    ],
  });
});

test('paths that lead elsewhere, or into a git folder, are refused', () => {
  const bad = [
    '.git/config',
    'a/.git/hooks/x',
    '.GIT/x',
    'git~1/x',
    '.git./x',
    '.git /x',
    '.git::$INDEX_ALLOCATION/x',
    '..',
    '../x',
    'a/../b',
    '/etc/x',
    'a//b',
    'a/.',
    './a',
    '.git',
    'a/',
    '.g\u200cit/x',
    '.git\\x',
  ];
  for (const path of bad) assert.ok('unusable' in read([entry(Buffer.from(path).toString('latin1'))]), path);
  for (const path of ['.gitignore', '.github/x', 'a.git/x', 'git/x', '...', '.gitmodules', 'é']) {
    assert.ok('entries' in read([entry(Buffer.from(path).toString('latin1'))]), path);
  }
});

test('damage is refused', () => {
  const bytes = formatIndex([entry('a'), entry('b')], 'sha1');
  for (let length = 0; length < bytes.length; length++)
    assert.ok('unusable' in parseIndex(bytes.subarray(0, length), 'sha1'));
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    assert.ok('unusable' in parseIndex(damaged, 'sha1'), `byte ${at}`);
  }
  assert.ok('unusable' in read([entry('b'), entry('a')]));
  assert.ok('unusable' in read([entry('a'), entry('a')]));
  assert.ok('unusable' in read([entry('a', 'a', { mode: 0o100600 })]));
});

const rows: readonly (readonly [
  name: string,
  base: string,
  current: string,
  wanted: string,
  merged: string | undefined,
])[] = [
  ['nobody changed', 'a1 b1', 'a1 b1', 'a1 b1', 'a1 b1'],
  ['the command changed', 'a1 b1', 'a1 b1', 'a2 b1', 'a2 b1'],
  ['the host changed', 'a1 b1', 'a2 b1', 'a1 b1', 'a2 b1'],
  ['each another', 'a1 b1', 'a2 b1', 'a1 b2', 'a2 b2'],
  ['both the same', 'a1', 'a2', 'a2', 'a2'],
  ['both one, differently', 'a1', 'a2', 'a3', undefined],
  ['the command removed', 'a1 b1', 'a1 b1', 'b1', 'b1'],
  ['the host removed', 'a1 b1', 'b1', 'a1 b1', 'b1'],
  ['removed by one, changed by the other', 'a1', '', 'a2', undefined],
  ['added by each', '', 'a1', 'b1', 'a1 b1'],
  ['added by both, differently', '', 'a1', 'a2', undefined],
  ['a file and a folder', '', 'a1', 'a/b1', undefined],
  ['a file that became a folder', 'a1', 'a1', 'a/b1', 'a/b1'],
];

test('two sides, path by path', () => {
  const parse = (text: string): IndexEntry[] =>
    text
      .split(' ')
      .filter(Boolean)
      .map((word) => entry(word.slice(0, -1), word.slice(-1)));
  for (const [name, base, current, wanted, merged] of rows) {
    const result = mergeIndex(parse(base), parse(current), parse(wanted));
    const shown = 'entries' in result ? result.entries.map(({ path, hash }) => path + hash[0]).join(' ') : undefined;
    assert.equal(shown, merged, name);
    if ('entries' in result) assert.equal(result.isChanged, merged !== current, name);
  }
});

test('without a base only what both agree on is merged', () => {
  assert.ok('entries' in mergeIndex(undefined, [entry('a')], [entry('a')]));
  assert.ok('conflict' in mergeIndex(undefined, [entry('a')], [entry('a', 'b')]));
});

test('what the command tells about files is never believed', () => {
  const lie = Buffer.alloc(40, 9);
  const result = mergeIndex(
    [entry('a'), entry('b')],
    [entry('a'), entry('b')],
    [entry('a', 'a', { stat: lie }), entry('b', 'b', { stat: lie })],
  );
  assert.ok('entries' in result);
  assert.deepEqual(
    result.entries.map(({ stat }) => stat),
    [Buffer.alloc(40, 7), Buffer.alloc(40)],
  );
});
