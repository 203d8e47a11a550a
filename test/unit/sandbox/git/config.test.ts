/** The configuration: git's syntax, edits that leave the rest alone, and which changes are taken. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { listConfigChanges } from '../../../../daemon/sandbox/git/config-changes.ts';
import { parseConfig, setConfig, valuesByKey } from '../../../../daemon/sandbox/git/config-file.ts';

const samples: readonly string[] = [
  '[core]\n\tbare = false\n',
  '[a]x=1\n y = 2 ; note\n[a "B c"] z = "q # w" e # note\n',
  '[a]\n\tx = one \\\n  two\n\ty\n\tz =\n',
  '[a "q\\"u\\\\o"]\n\tX-y = "a\\tb\\nc\\\\" \n# end',
  '[A.b]\nx=1\r\n[a "B"]\r\ny = 2\r\n',
  '\ufeff[a]\nx = 1',
  '[a]\n\tx = a  b   \n',
  '[remote "origin"]\n\turl = x\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\tfetch = +refs/tags/*:refs/remotes/origin/t/*\n',
];

function askGit(text: string): string[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-config-'));
  try {
    const file = path.join(folder, 'config');
    writeFileSync(file, text);
    return execFileSync('git', ['config', '--file', file, '--list', '-z'], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1)
      .sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ours = (text: string): string[] =>
  [...valuesByKey(parseConfig(text) ?? assert.fail(text))]
    .flatMap(([key, values]) => values.map((value) => (value === undefined ? key : `${key}\n${value}`)))
    .sort();

test('settings are read as git reads them', () => {
  for (const text of samples) {
    // the mark at the start is one byte order mark, which latin1 shows as three characters
    const latin1 = Buffer.from(text).toString('latin1');
    assert.deepEqual(ours(latin1.replace(/^\xef\xbb\xbf/, '')), askGit(text), text);
  }
  // git takes it for a setting of no section
  assert.equal(parseConfig('x = 1'), undefined);
  for (const text of ['[a\nx=1', '[a]\nx = "1', '[a]\n1x = 2', '[a]\nx = \\q', '[a] x y']) {
    assert.equal(parseConfig(text), undefined, text);
    assert.throws(() => askGit(text), text);
  }
});

test('an edit changes one setting and nothing else', () => {
  const text =
    '# mine\n[core]\n\tbare = false ; note\n[branch "a"]\n\tremote = x\n\t# kept\n\tmerge = refs/heads/a\n[branch "b"]\n\tremote = x\n[z]y=1';
  const set = (section: string, name: string, values: readonly string[]): string =>
    setConfig(text, section, name, values) ?? '';
  assert.equal(
    set('branch.a', 'remote', ['y']),
    text.replace('\tremote = x\n\t# kept', '\t# kept').replace('refs/heads/a\n', 'refs/heads/a\n\tremote = y\n'),
  );
  assert.equal(set('branch.b', 'remote', []), text.replace('[branch "b"]\n\tremote = x\n', ''));
  assert.equal(set('branch.a', 'remote', []), text.replace('\tremote = x\n\t# kept', '\t# kept'));
  assert.equal(set('branch.q"\\', 'merge', ['m']), `${text}\n[branch "q\\"\\\\"]\n\tmerge = m\n`);
  assert.equal(set('z', 'y', ['2', '3']), text.replace('[z]y=1', '[z]\n\ty = 2\n\ty = 3\n'));
  for (const [section, name] of [
    ['branch.a', 'remote'],
    ['branch.new', 'merge'],
    ['z', 'y'],
    ['core', 'new'],
  ] as const) {
    const before = askGit(text).filter((line) => !line.startsWith(`${section}.${name}\n`));
    assert.deepEqual(
      askGit(set(section, name, ['v', 'w'])),
      [...before, `${section}.${name}\nv`, `${section}.${name}\nw`].sort(),
    );
    assert.deepEqual(askGit(set(section, name, [])), before);
  }
});

const rows: readonly (readonly [setting: string, isSafe: boolean])[] = [
  ['branch.a.remote=origin', true],
  ['branch.a.remote=.', true],
  ['branch.a/b.merge=refs/heads/x', true],
  ['branch.a.rebase=true', true],
  ['remote.origin.fetch=+refs/heads/*:refs/remotes/origin/*', true],
  ['remote.origin.fetch=refs/pull/*/head:refs/remotes/origin/pr/*', true],
  ['branch.a.remote=other', false],
  ['branch.a.remote=ext::sh -c x', false],
  ['branch.a.remote=../x', false],
  ['branch.a.pushremote=origin', false],
  ['branch.a.mergeoptions=--strategy=x', false],
  ['branch.a.merge=main', false],
  ['branch.a.merge=refs/heads/../x', false],
  ['branch.a.rebase=x', false],
  ['branch.a b.remote=origin', false],
  ['remote.origin.fetch=+refs/heads/*:refs/heads/*', false],
  ['remote.origin.fetch=refs/heads/*:refs/remotes/other/*', false],
  ['remote.origin.fetch=refs/heads/*:refs/remotes/origin/x', false],
  ['remote.origin.fetch=^refs/heads/x', false],
  ['remote.other.fetch=refs/heads/*:refs/remotes/other/*', false],
  ['remote.origin.url=x', false],
  ['remote.origin.uploadpack=x', false],
  ['core.fsmonitor=x', false],
  ['user.name=x', false],
];

test('only what a branch follows and what is fetched of a known remote is taken', () => {
  const real = new Map([['remote.origin.url', ['u']]]);
  for (const [setting, isSafe] of rows) {
    const at = setting.indexOf('=');
    const [change] = listConfigChanges(new Map(), new Map([[setting.slice(0, at), [setting.slice(at + 1)]]]), real);
    assert.equal(change?.isSafe, isSafe, setting);
  }
});
