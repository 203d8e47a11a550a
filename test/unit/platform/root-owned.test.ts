/** Whether managed policy is the administrator's own, on machines that are made up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FileLook, findOwnerObjection } from '../../../daemon/platform/root-owned.ts';

const folder: FileLook = { kind: 'directory', uid: 0, mode: 0o40755, target: '' };
const file: FileLook = { kind: 'file', uid: 0, mode: 0o100644, target: '' };
const link = (target: string, uid = 0): FileLook => ({ kind: 'link', uid, mode: 0o120777, target });

const sound: Readonly<Record<string, FileLook>> = {
  '/': folder,
  '/etc': folder,
  '/etc/sbx': folder,
  '/etc/sbx/policy.json': file,
  '/opt': folder,
  '/opt/p': folder,
  '/opt/p/policy.json': file,
  '/tmp': { ...folder, mode: 0o41777 },
  '/tmp/policy.json': file,
  '/home': folder,
  '/home/u': { ...folder, uid: 1000 },
  '/home/u/policy.json': file,
};

const rows: readonly [name: string, changes: Readonly<Record<string, FileLook>>, objection: RegExp | undefined][] = [
  ['root’s own', {}, undefined],
  ['of a user', { '/etc/sbx/policy.json': { ...file, uid: 1000 } }, /policy\.json` does not belong to root/],
  [
    'written by a group',
    { '/etc/sbx/policy.json': { ...file, mode: 0o100664 } },
    /others than root can write `\/etc\/sbx\/policy\.json`/,
  ],
  ['written by everybody', { '/etc/sbx/policy.json': { ...file, mode: 0o100646 } }, /others than root/],
  ['in a folder of a user', { '/etc/sbx': { ...folder, uid: 1000 } }, /`\/etc\/sbx` does not belong/],
  ['in a folder that a group writes', { '/etc/sbx': { ...folder, mode: 0o40775 } }, /can write `\/etc\/sbx`/],
  ['below such a folder', { '/etc': { ...folder, mode: 0o40777 } }, /can write `\/etc`/],
  ['under a root that others write', { '/': { ...folder, mode: 0o40777 } }, /can write `\/`/],
  ['a link of root to a sound place', { '/etc/sbx/policy.json': link('/opt/p/policy.json') }, undefined],
  ['a link up and over', { '/etc/sbx/policy.json': link('../../opt/p/policy.json') }, undefined],
  ['a folder that is a link to a sound place', { '/etc/sbx': link('../opt/p') }, undefined],
  ['a link of a user', { '/etc/sbx/policy.json': link('/opt/p/policy.json', 1000) }, /does not belong to root/],
  [
    'a link into a folder that all may write',
    { '/etc/sbx/policy.json': link('/tmp/policy.json') },
    /can write `\/tmp`/,
  ],
  ['a link into a home', { '/etc/sbx': link('/home/u') }, /`\/home\/u` does not belong/],
  ['a link to itself', { '/etc/sbx': link('/etc/sbx') }, /too many links/],
  ['a dangling link', { '/etc/sbx/policy.json': link('/opt/none') }, /does not exist/],
];

describe('a managed file is', () => {
  for (const [name, changes, objection] of rows) {
    it(name, () => {
      const machine = { ...sound, ...changes };
      const found = findOwnerObjection('/etc/sbx/policy.json', (place) => machine[place]);
      if (objection === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', objection);
    });
  }
});
