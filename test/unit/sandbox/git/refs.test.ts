/** Names, packed references and logs, beside what git itself says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { applyDelta } from '../../../../daemon/sandbox/git/delta.ts';
import { readOpaqueFlags } from '../../../../daemon/sandbox/git/opaque-folders.ts';
import { parsePackedRefs, removeFromPackedRefs } from '../../../../daemon/sandbox/git/packed-refs.ts';
import { isRefName, parseRefValue } from '../../../../daemon/sandbox/git/ref-name.ts';
import { cleanReflog, findReflogChange } from '../../../../daemon/sandbox/git/reflog.ts';

const names = [
  ...[
    'refs/heads/a',
    'refs/heads/a/b',
    'refs/heads/-a',
    'refs/heads/a.b',
    'refs/heads/é',
    'refs/heads/a@b',
    'refs/heads/@',
    'refs/x/"q"',
  ],
  ...[
    'refs/heads/a..b',
    'refs/heads/.a',
    'refs/heads/a.',
    'refs/heads/a.lock',
    'refs/heads/a.lock/b',
    'refs/heads/a b',
    'refs/heads/a~',
    'refs/heads/a^',
  ],
  ...[
    'refs/heads/a:',
    'refs/heads/a?',
    'refs/heads/a*',
    'refs/heads/a[',
    'refs/heads/a\\b',
    'refs/heads/a@{b',
    'refs/heads//a',
    'refs/heads/a/',
    'refs/heads/a\x7f',
  ],
  ...['refs/heads/a\nb', 'refs/heads/../x', 'refs/heads/a/./b', 'refs/heads/a]', "refs/heads/'"],
];

test('a name is one exactly when git says so', () => {
  for (const name of names) {
    const git = spawnSync('git', ['check-ref-format', name]).status === 0;
    assert.equal(isRefName(name), git, JSON.stringify(name));
  }
  for (const name of ['HEAD', 'a', '../refs/a', '/refs/heads/a', 'refs', ''])
    assert.equal(isRefName(name), false, name);
});

test('a value is an object or a reference', () => {
  const parse = (text: string): string | undefined => parseRefValue(Buffer.from(text), 'sha1');
  const hash = 'a1'.repeat(20);
  assert.equal(parse(`${hash}\n`), hash);
  assert.equal(parse('ref: refs/heads/x\n'), 'ref: refs/heads/x');
  for (const text of [
    '',
    hash.slice(1),
    `${hash}0`,
    hash.toUpperCase(),
    'ref: ../x',
    'ref: HEAD',
    'ref: refs/heads/../x',
    `${hash}\n${hash}`,
  ]) {
    assert.equal(parse(text), undefined, text);
  }
});

test('a packed reference goes with its target, and nothing else', () => {
  const hash = 'a'.repeat(40);
  const text = `# pack-refs with: peeled fully-peeled sorted \n${hash} refs/heads/a\n${hash} refs/tags/t\n^${hash}\n${hash} refs/tags/u\n`;
  assert.deepEqual(
    [...parsePackedRefs(Buffer.from(text), 'sha1').keys()],
    ['refs/heads/a', 'refs/tags/t', 'refs/tags/u'],
  );
  assert.equal(
    removeFromPackedRefs(Buffer.from(text), 'refs/tags/t').toString(),
    text.replace(`${hash} refs/tags/t\n^${hash}\n`, ''),
  );
  assert.equal(removeFromPackedRefs(Buffer.from(text), 'refs/tags').toString(), text);
});

test('of a log only lines that are new are added, however often it is tried', () => {
  assert.deepEqual(findReflogChange(['1', '2', 'h'], ['1', '2', '3', '3']).added, ['3', '3']);
  assert.deepEqual(findReflogChange(['1', '2', '3', 'h'], ['1', '2', '3', '3']).added, ['3']);
  assert.deepEqual(findReflogChange(['1', '2'], ['2']).added, []);
  const hash = '0'.repeat(40);
  const line = `${hash} ${hash} A <a@b> 1 +0000\tcommit: x`;
  assert.deepEqual(cleanReflog([line, 'x', `${line}\x1b[0m\x07`, line.replace('+0000', 'x')], 'sha1'), [
    line,
    `${line} [0m `,
  ]);
});

test('a difference that does not fit is refused', () => {
  const base = Buffer.from('hello world');
  const good = Buffer.from([11, 8, 0x90, 5, 3, 0x20, 0x2d, 0x21]);
  assert.equal(applyDelta(base, good, 100)?.toString(), 'hello -!');
  assert.equal(applyDelta(base, good, 7), undefined);
  assert.equal(applyDelta(Buffer.from('x'), good, 100), undefined);
  for (let length = 0; length < good.length; length++)
    assert.equal(applyDelta(base, good.subarray(0, length), 100), undefined);
  assert.equal(applyDelta(base, Buffer.from([11, 8, 0x91, 9, 8]), 100), undefined);
  assert.equal(applyDelta(base, Buffer.from([11, 1, 0]), 100), undefined);
});

test('the attribute is read from its own folder only', () => {
  const block = (type: string, size: number): Buffer => {
    const header = Buffer.alloc(512);
    header.write('name');
    header.write(size.toString(8).padStart(11, '0'), 124);
    header.write(type, 156);
    return header;
  };
  const record = '38 SCHILY.xattr.user.overlay.opaque=y\n';
  const extended = (text: string): Buffer =>
    Buffer.concat([block('x', text.length), Buffer.from(text.padEnd(512, '\0'))]);
  const folder = block('5', 0);
  assert.deepEqual(readOpaqueFlags(Buffer.concat([folder, extended(record), folder, folder, Buffer.alloc(1024)])), [
    false,
    true,
    false,
  ]);
  assert.deepEqual(readOpaqueFlags(Buffer.concat([extended(record.replace('=y', '=n')), folder])), [false]);
  const inside = `${record.length + 20} path=${record}`;
  assert.deepEqual(readOpaqueFlags(Buffer.concat([extended(inside.replace(/^\d+/, String(inside.length))), folder])), [
    false,
  ]);
});
