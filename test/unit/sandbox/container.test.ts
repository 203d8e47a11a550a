/** The options that a container needs: those that give back what was refused, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Confinement,
  coversProc,
  explainConfinement,
  type Refused,
} from '../../../daemon/sandbox/doctor/container.ts';

const free: Confinement = { filtered: false, profiled: false, coveredProc: false, inUserNamespace: false };
const docker: Confinement = { ...free, filtered: true, profiled: true, coveredProc: true };
const rows: readonly [what: string, refused: readonly Refused[], around: Confinement, options: string | undefined][] = [
  ['no container', ['user namespaces'], free, undefined],
  [
    'user namespaces in a usual container',
    ['user namespaces'],
    docker,
    'seccomp=unconfined apparmor=unconfined systempaths=unconfined',
  ],
  [
    'without AppArmor',
    ['user namespaces'],
    { ...docker, profiled: false },
    'seccomp=unconfined systempaths=unconfined',
  ],
  ['namespaces work, /proc is covered', ['proc'], docker, 'systempaths=unconfined'],
  [
    '/proc is not covered: something forbids to mount',
    ['proc'],
    { ...docker, coveredProc: false },
    'seccomp=unconfined apparmor=unconfined',
  ],
  ['overlays are refused', ['overlay'], docker, 'seccomp=unconfined apparmor=unconfined'],
  ['both are', ['proc', 'overlay'], docker, 'seccomp=unconfined apparmor=unconfined systempaths=unconfined'],
  ['nothing around explains it', ['overlay'], { ...free, coveredProc: true }, undefined],
];
for (const [what, refused, around, options] of rows) {
  test(what, () => {
    const [, told] = /^start the container with `([^`]*)`/.exec(explainConfinement(refused, around) ?? '') ?? [];
    assert.equal(told?.replaceAll('--security-opt ', ''), options);
  });
}

test('mounts over empty folders of /proc cover nothing', () => {
  assert.equal(coversProc([{ path: '/proc' }, { path: '/proc/sys/fs/binfmt_misc' }, { path: '/process/x' }]), false);
  assert.equal(coversProc([{ path: '/proc' }, { path: '/proc/kcore' }]), true);
});
