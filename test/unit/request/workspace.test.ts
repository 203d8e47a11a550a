import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { chooseWorkspace, findWorkspaceObjection } from '../../../daemon/request/workspace.ts';

const objections: readonly [string, boolean][] = [
  ['/', true],
  ['/home', true],
  ['/home/u', true],
  ['/tmp', true],
  ['/etc', true],
  ['/etc/nginx', true],
  ['/usr/src/x', true],
  ['/proc/1', true],
  ['/home/u/.ssh', true],
  ['/home/u/.config', true],
  ['/home/u/.config/sbx', true],
  ['/home/u/.config/nvim', false],
  ['/home/u/code', false],
  ['/home/user2', false],
  ['/tmp/project', false],
  ['/srv/app', false],
  ['/usrlocal', false],
];
for (const [folder, refused] of objections) {
  test(`${folder} ${refused ? 'is refused as' : 'can be'} a workspace`, () => {
    assert.equal(findWorkspaceObjection(folder, '/home/u') !== undefined, refused);
  });
}

test('the workspace of a folder', async (t) => {
  const base = realpathSync(mkdtempSync('/tmp/sbx-workspace-'));
  t.after(() => rmSync(base, { recursive: true }));
  const home = path.join(base, 'home');
  mkdirSync(path.join(home, 'repo/.git'), { recursive: true });
  mkdirSync(path.join(home, 'repo/sub/deep'), { recursive: true });
  mkdirSync(path.join(home, 'plain ü'));
  writeFileSync(path.join(home, 'file'), '');
  symlinkSync(path.join(home, 'repo/sub'), path.join(home, 'link'));
  const choose = (cwd: string, workspace?: string) => chooseWorkspace({ cwd: path.join(home, cwd), workspace }, home);

  await t.test('is the git root', () => assert.equal(choose('repo/sub/deep').workspace, path.join(home, 'repo')));
  await t.test('is the folder itself without git', () =>
    assert.equal(choose('plain ü').workspace, path.join(home, 'plain ü')),
  );
  await t.test('follows links', () => {
    assert.deepEqual(choose('link'), {
      workspace: path.join(home, 'repo'),
      cwd: path.join(home, 'repo/sub'),
      notes: [],
    });
  });
  await t.test('is none in the home, with a note', () => {
    const chosen = choose('.');
    assert.equal(chosen.workspace, undefined);
    assert.equal(chosen.notes.length, 1);
  });
  await t.test('is not a git root that is the home', () => {
    mkdirSync(path.join(home, '.git'));
    assert.equal(choose('plain ü').workspace, path.join(home, 'plain ü'));
    assert.equal(choose('.').workspace, undefined);
  });
  await t.test('named by the caller is taken or refused', () => {
    assert.equal(choose('.', path.join(home, 'plain ü')).workspace, path.join(home, 'plain ü'));
    assert.throws(() => choose('.', home), { code: 'bad-workspace' });
    assert.throws(() => choose('.', path.join(home, 'missing')), { code: 'bad-workspace' });
  });
  await t.test('a home that is not there is no obstacle', () => {
    const chosen = chooseWorkspace({ cwd: path.join(home, 'plain ü'), workspace: undefined }, '/does/not/exist');
    assert.ok(chosen.workspace?.startsWith(home));
  });
  await t.test('a start folder that is missing or a file is an error', () => {
    assert.throws(() => choose('missing'), { code: 'bad-cwd', message: /does not exist/ });
    assert.throws(() => choose('file/below'), { code: 'bad-cwd', message: /does not exist/ });
    assert.throws(() => choose('file'), { code: 'bad-cwd', message: /not a directory/ });
  });
});
