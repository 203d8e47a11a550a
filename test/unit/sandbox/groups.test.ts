/** Where groups are looked for, what is written into one, and when a command gets one. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parseMountTable } from '../../../daemon/platform/mount-table.ts';
import { parseHardLimits } from '../../../daemon/platform/resource-limits.ts';
import { asPrlimit, asUlimits, limitInside } from '../../../daemon/sandbox/command/process-limits.ts';
import { findOwnGroup } from '../../../daemon/sandbox/groups/group-parent.ts';
import { explainAbsence, needsGroup, OwnGroups } from '../../../daemon/sandbox/groups/run-groups.ts';
import { limitsNumbers } from '../../../daemon/sandbox/plan/kernel-limits.ts';

const unified = '30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n';
const hybrid =
  '31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 24 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n';
const inContainer = '33 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n';

const rows: readonly [what: string, mounts: string, membership: string, folder: string | undefined][] = [
  [
    "a user's service",
    unified,
    '0::/user.slice/user-1000.slice/user@1000.service/app.slice/sbx.scope\n',
    '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/sbx.scope',
  ],
  ['the root', unified, '0::/\n', '/sys/fs/cgroup'],
  ['both versions', hybrid, '4:memory:/other\n0::/own\n', '/sys/fs/cgroup/unified/own'],
  ['a mount of a part', inContainer, '0::/docker/abc/init\n', '/sys/fs/cgroup/init'],
  ['a group outside of the part', inContainer, '0::/docker/other\n', undefined],
  ['a group outside of the namespace', unified, '0::/../other\n', undefined],
  ['version 1 alone', '31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n', '4:memory:/\n', undefined],
];
for (const [what, mounts, membership, folder] of rows) {
  test(`the own group: ${what}`, () => {
    assert.equal(findOwnGroup(parseMountTable(mounts), membership), folder);
  });
}

test('a group gets the limits of its command, and no others', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-groups-'));
  try {
    const groups = new OwnGroups({ folder, controllers: new Set(['memory', 'pids']) });
    groups.make({ memoryBytes: 1024 ** 3, swapBytes: 0, processes: 100 });
    groups.make({ processes: 100 });
    const base = path.join(folder, readdirSync(folder)[0] ?? '');
    const read = (name: string): string => readFileSync(path.join(base, name), 'utf8');
    assert.equal(read('run-1/memory.max'), String(1024 ** 3));
    assert.equal(read('run-1/memory.oom.group'), '1');
    assert.equal(read('run-1/pids.max'), '104');
    assert.equal(read('run-2/pids.max'), '104');
    assert.throws(() => read('run-2/memory.max'), { code: 'ENOENT' });
    assert.throws(() => read('run-1/memory.swap.max'), { code: 'ENOENT' }, 'a kernel without swap has no such file');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a command gets a group only for what nothing else holds', () => {
  const withBoth = { controllers: new Set(['memory', 'pids'] as const), make: () => assert.fail() };
  const without = { controllers: new Set<'memory'>(), make: () => assert.fail() };
  const user = { isRoot: false, processes: 4096 };
  const root = { isRoot: true, processes: 4096 };
  assert.equal(needsGroup({ memoryBytes: 1 }, withBoth, user), true);
  assert.equal(needsGroup({ memoryBytes: 1 }, without, user), false);
  assert.equal(needsGroup({ processes: 10, openFiles: 10, fileBytes: 10, cpuSeconds: 1 }, withBoth, user), false);
  assert.equal(needsGroup({ processes: 10 }, withBoth, root), true);
  assert.equal(needsGroup({ processes: 4096 }, withBoth, root), false);
  assert.equal(explainAbsence(withBoth, 'memory'), undefined);
  assert.match(explainAbsence(without, 'memory')?.because ?? '', /memory/);
});

const ceilings = {
  processes: 4096,
  hard: {
    core: Number.POSITIVE_INFINITY,
    cpu: Number.POSITIVE_INFINITY,
    fsize: 1024 ** 3,
    nofile: 20_000,
    nproc: 9000,
  },
};

test('resource limits are never above the daemon’s own, and cores are never written', () => {
  assert.equal(asUlimits({}, ceilings), '-c:0:0,-u:4096:4096');
  assert.equal(
    asUlimits({ openFiles: 65_536, fileBytes: 2 * 1024 ** 3, cpuSeconds: 10, processes: 99_999 }, ceilings),
    '-c:0:0,-n:20000:20000,-u:9000:9000,-f:1048576:1048576,-t:10:15',
  );
  assert.deepEqual(asPrlimit('prlimit', { fileBytes: 5000, openFiles: 100 }, ceilings), [
    ...['prlimit', '--core=0:0', '--nofile=100:100', '--nproc=4096:4096', '--fsize=4096:4096'],
  ]);
});

test('a lower number of processes is set inside, others are not', () => {
  assert.deepEqual(limitInside('prlimit', { processes: 10 }, ceilings), ['prlimit', '--nproc=10:10']);
  assert.deepEqual(limitInside('prlimit', { processes: 4096 }, ceilings), []);
  assert.deepEqual(limitInside('prlimit', {}, ceilings), []);
});

test('the daemon’s own limits are read as the kernel writes them', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max file size             1024                 2048                 bytes     ',
    'Max core file size        0                    unlimited            bytes     ',
    'Max processes             96365                96366                processes ',
    'Max open files            1024                 20000                files     ',
  ].join('\n');
  const none = Number.POSITIVE_INFINITY;
  assert.deepEqual(parseHardLimits(text), { core: none, cpu: none, fsize: 2048, nofile: 20_000, nproc: 96_366 });
});

for (const [release, expected] of [
  ['6.14.0', true],
  ['6.18.5-fc', true],
  ['7.0.0', true],
  ['6.13.9', false],
  ['6.1.0-28-amd64', false],
  ['5.15.0', false],
  ['unknown', false],
] as const) {
  test(`process numbers are ${expected ? '' : 'not '}limited per namespace by Linux ${release}`, () => {
    assert.equal(limitsNumbers(release), expected);
  });
}
