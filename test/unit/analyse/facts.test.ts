/** Which paths are asked about, and what the real file system answers. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { collectPaths, maxPaths } from '../../../daemon/analyse/collect-paths.ts';
import { lookUpFacts } from '../../../daemon/platform/facts.ts';
import { parser } from './workbench.ts';

function collect(text: string): readonly string[] {
  const script = parser.parse(text);
  assert.equal(script.kind, 'script');
  return script.kind === 'script'
    ? collectPaths(script, { home: '/home/dev', cwd: '/work/app', workspace: '/work/app' })
    : [];
}

test('operands, redirections, option values and cd targets are asked about', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['cat a ../b', ['/work/app/a', '/work/b']],
    ['echo x > ~/.bashrc', ['/home/dev/.bashrc']],
    ['cd sub && cat f', ['/work/app/sub', '/work/app/sub/f']],
    ['sort --output=out f', ['/work/app/out']],
    ['tar -xf a -C /opt/x', ['/opt/x', '/opt/x/a']],
    ['D=build; rm -rf "$D/x"', ['/work/app/build/x']],
    ['{ cat; } < in', ['/work/app/in']],
    ['for f in a b; do cat "$f"; done', ['/work/app/a', '/work/app/b']],
    ['cat "$HOME/k"', ['/home/dev/k']],
  ];
  for (const [text, expected] of rows) {
    const paths = collect(text);
    for (const place of expected)
      assert.ok(paths.includes(place), `\`${text}\` asks about ${place}: ${paths.join(' ')}`);
  }
  assert.ok(!collect('cat "$X"').some((place) => place.includes('$')));
});

test('the number of paths is bounded', () => {
  assert.ok(collect(`ls ${Array.from({ length: 1200 }, (_, index) => `f${index}`).join(' ')}`).length <= maxPaths);
});

test('facts say kind, link target and repository', () => {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'sbx-facts-')));
  try {
    mkdirSync(path.join(root, 'repo/.git'), { recursive: true });
    mkdirSync(path.join(root, 'repo/src'));
    writeFileSync(path.join(root, 'repo/src/a'), '');
    symlinkSync('../outside', path.join(root, 'repo/dangling'));
    symlinkSync('src', path.join(root, 'repo/link'));
    symlinkSync('loop', path.join(root, 'repo/loop'));
    const at = (name: string): string => path.join(root, name);
    const base = {
      home: root,
      workspace: undefined,
      cwd: at('repo'),
      additionalDirectories: [],
      temporaryDirectories: [],
    };
    const { paths } = lookUpFacts(
      [at('repo/src/a'), at('repo/link/a'), at('repo/dangling'), at('repo/new/x'), at('plain'), at('repo/loop')],
      base,
    );
    assert.deepEqual(paths.get(at('repo')), { kind: 'directory', resolved: at('repo'), repository: at('repo') });
    assert.deepEqual(paths.get(at('repo/src/a')), { kind: 'file', resolved: at('repo/src/a'), repository: at('repo') });
    assert.deepEqual(paths.get(at('repo/link/a')), {
      kind: 'file',
      resolved: at('repo/src/a'),
      repository: at('repo'),
    });
    assert.deepEqual(paths.get(at('repo/dangling')), { kind: 'link', resolved: at('outside'), repository: undefined });
    assert.deepEqual(paths.get(at('repo/new/x')), {
      kind: 'missing',
      resolved: at('repo/new/x'),
      repository: at('repo'),
    });
    assert.equal(paths.get(at('plain'))?.kind, 'missing');
    assert.equal(paths.get(at('repo/loop'))?.kind, 'link');
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('existing paths lead where the kernel says, through chains, `..` and absolute links', () => {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'sbx-facts-')));
  try {
    const at = (name: string): string => path.join(root, name);
    for (const folder of ['a/b/c', 'd/e', 'd/b']) mkdirSync(at(folder), { recursive: true });
    for (const file of ['a/f', 'a/b/f', 'd/f', 'd/b/f', 'd/e/f']) writeFileSync(at(file), file);
    symlinkSync('../d/e', at('a/to-e'));
    symlinkSync('to-e/../b', at('a/up-from-e'));
    symlinkSync(at('d'), at('a/absolute'));
    symlinkSync('absolute/../a/up-from-e/./f', at('a/chain'));
    symlinkSync('/', at('a/top'));
    const base = { home: root, workspace: undefined, cwd: root, additionalDirectories: [], temporaryDirectories: [] };
    const places = [
      'a/f',
      'a/to-e/f',
      'a/up-from-e',
      'a/up-from-e/f',
      'a/absolute/b/f',
      'a/chain',
      'a/top',
      `a/top${root}/d/f`,
    ];
    const { paths } = lookUpFacts(places.map(at), base);
    for (const place of places) assert.equal(paths.get(at(place))?.resolved, realpathSync.native(at(place)), place);
    assert.equal(paths.get(at('a/up-from-e'))?.resolved, at('d/b'));
  } finally {
    rmSync(root, { recursive: true });
  }
});
