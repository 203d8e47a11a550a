/** Plans as data: the same request and facts give the same template. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findMountAt, parseMountTable } from '../../../daemon/platform/mount-table.ts';
import { describeExit } from '../../../daemon/sandbox/command/exit.ts';
import { parseVersion, supportsDisableUserns } from '../../../daemon/sandbox/doctor/version.ts';
import type { Account } from '../../../daemon/sandbox/plan/account.ts';
import { findAliases } from '../../../daemon/sandbox/plan/aliases.ts';
import { listHiddenPlaces, loadCredentials, parseCredentials } from '../../../daemon/sandbox/plan/credentials.ts';
import type { HostFacts } from '../../../daemon/sandbox/plan/facts.ts';
import { planSession } from '../../../daemon/sandbox/plan/plan.ts';
import { type CompiledHolder, compileHolder } from '../../../daemon/sandbox/template/holder.ts';
import { verifyMounts } from '../../../daemon/sandbox/template/template.ts';

const account: Account = { uid: 1000, gid: 1000, name: 'ann', home: '/home/ann', known: true };
const workspace = '/home/ann/work';

function facts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    account,
    hidden: [
      { path: '/home/ann/.aws', kind: 'folder', except: [] },
      { path: '/home/ann/.ssh', kind: 'folder', except: ['known_hosts'] },
      { path: '/home/ann/.netrc', kind: 'file', except: [] },
      { path: '/home/ann/.config/gh', kind: 'absent', except: [] },
    ],
    folders: new Map([
      ['/home/ann', 0o750],
      ['/home/ann/.config', 0o700],
      ['/home/ann/.aws', 0o700],
      ['/home/ann/.ssh', 0o700],
      [workspace, 0o755],
      ['/var', 0o755],
    ]),
    mounts: ['/', '/proc', '/sys', '/dev'],
    sockets: [],
    nameFiles: { resolver: undefined, hosts: undefined },
    gitFolders: [],
    nestedGitFolders: [],
    pins: [],
    absentPins: [],
    loosePins: [],
    protection: [],
    open: [],
    because: new Map(),
    searches: [],
    remarks: [],
    lookedFor: [],
    caches: [],
    resolver: undefined,
    runLinks: [],
    hasVarTmp: true,
    limitsNumbers: true,
    inotify: { instances: 128, watches: 65_536 },
    ...changes,
  };
}

const input = { workspace, protectedPaths: [] };

describe('plan', () => {
  test('the home is an overlay: folders empty, files empty, absent names hidden', () => {
    const home = planSession(input, facts()).overlays.find((place) => place.path === '/home/ann');
    assert.deepEqual(home, {
      path: '/home/ann',
      mode: 0o750,
      topFolders: [
        ['.aws', 0o700],
        ['.ssh', 0o700],
      ],
      topFiles: ['.ssh/known_hosts', '.netrc'],
      hideFolders: [['.config', 0o700]],
      whiteouts: ['.aws', '.ssh', '.config/gh'],
      exceptions: ['.ssh/known_hosts'],
    });
  });

  test('a mount below the home: masks take the place of the overlay, with a warning', () => {
    const plan = planSession(input, facts({ mounts: ['/', '/home/ann/data'] }));
    assert.deepEqual(
      plan.overlays.map((place) => place.path),
      ['/var', '/home/ann/.config'],
    );
    assert.deepEqual(plan.masks, [
      { path: '/home/ann/.aws', kind: 'folder', except: [] },
      { path: '/home/ann/.netrc', kind: 'file', except: [] },
      { path: '/home/ann/.ssh', kind: 'folder', except: [['known_hosts', 'file']] },
    ]);
    assert.match(plan.warnings.join(), /mount lies below the home/);
  });

  test('every folder above a pin is held', () => {
    const plan = planSession(input, facts({ pins: [`${workspace}/a/b/c`, `${workspace}/.mcp.json`] }));
    assert.deepEqual(plan.held, [`${workspace}/a`, `${workspace}/a/b`]);
  });

  test('a socket in a writable place blocks unix sockets, one elsewhere is covered', () => {
    assert.equal(planSession(input, facts({ sockets: [`${workspace}/s`] })).unixSockets, 'blocked');
    const elsewhere = planSession(
      input,
      facts({ sockets: ['/srv/db/s', '/run/docker.sock', '/tmp/x'], folders: new Map([['/srv/db', 0o755]]) }),
    );
    assert.equal(elsewhere.unixSockets, 'allowed');
    assert.deepEqual(
      elsewhere.overlays.map((place) => place.path),
      ['/srv/db'],
    );
  });

  test('hidden places inside a writable one are masked by mounts', () => {
    const plan = planSession({ workspace: '/home/ann', protectedPaths: [] }, facts());
    assert.deepEqual(
      plan.masks.map((mask) => mask.path),
      ['/home/ann/.aws', '/home/ann/.netrc', '/home/ann/.ssh'],
    );
  });

  test('root is warned about', () => {
    const plan = planSession(input, facts({ account: { ...account, uid: 0, name: 'root' } }));
    assert.match(plan.warnings.join(), /root/);
  });

  test('without a workspace nothing but the fresh folders is writable', () => {
    const { expected } = compileHolder(planSession({ workspace: undefined, protectedPaths: [] }, facts()));
    assert.deepEqual(
      expected.filter(([, access]) => access === 'rw').map(([place]) => place),
      ['/tmp', '/var/tmp'],
    );
  });
});

describe('holder', () => {
  test('outer mounts come before inner ones, whatever kind they are', () => {
    const { steps } = compileHolder(planSession({ workspace: '/tmp/w', protectedPaths: [] }, facts()));
    const at = (...words: string[]): number =>
      steps.findIndex((_, index) => words.every((word, offset) => steps[index + offset] === word));
    const overlayVar = steps.lastIndexOf('/var');
    assert.ok(overlayVar >= 0 && overlayVar < steps.lastIndexOf('/var/tmp'));
    assert.ok(at('fresh') < at('folders', '1', '/tmp/w'));
    assert.ok(at('folders', '1', '/tmp/w') < at('move'));
  });

  test('no path of a plan is part of a mount option or of an option of bubblewrap', () => {
    const odd = '/home/ann/a,b:c\\d "e"';
    const { options, steps } = compileHolder(planSession({ workspace: odd, protectedPaths: [] }, facts()));
    const named = [...options, ...steps].filter((word) => word.includes('a,b'));
    assert.ok(named.length > 1);
    for (const word of named) assert.match(word, /^\/[a-z0-9/]*\/a,b:c\\d "e"$/);
  });
});

describe('mount table', () => {
  const table = parseMountTable(
    [
      '1 0 8:1 / / ro - ext4 /dev/sda rw',
      '2 1 0:2 / /var/tmp rw - tmpfs t rw',
      '3 1 0:3 / /var ro - overlay o rw',
      '4 3 0:4 / /var/a\\040b rw - tmpfs t rw',
      '',
    ].join('\n'),
  );
  const rows: readonly [place: string, id: number][] = [
    ['/', 1],
    ['/usr', 1],
    ['/var', 3],
    ['/var/tmp', 3],
    ['/var/a b', 4],
  ];
  for (const [place, id] of rows)
    test(`${place} is mount ${id}`, () => assert.equal(findMountAt(table, place)?.id, id));
});

describe('credentials', () => {
  test('the file can be read, and each place has a reason', () => {
    assert.ok(loadCredentials().length > 50);
    assert.deepEqual(
      loadCredentials().filter((place) => !place.why),
      [],
    );
  });
  test('paths of the home, of the system, and added ones', () => {
    const places = parseCredentials('{"places":[{"path":"~/.a","why":"x"},{"path":"/etc/b","for":"root","why":"x"}]}');
    assert.deepEqual(
      listHiddenPlaces(places, '/h', false, ['/z']).map((place) => place.path),
      ['/h/.a', '/z'],
    );
    assert.deepEqual(
      listHiddenPlaces(places, '/h', true).map((place) => place.path),
      ['/h/.a', '/etc/b'],
    );
  });
  test('a place that is not absolute is an error', () => {
    assert.throws(() => parseCredentials('{"places":[{"path":".aws","why":"x"}]}'), /not absolute/);
    assert.throws(() => parseCredentials('{'), /cannot be read/);
  });
});

describe('template as planned', () => {
  const mount = (id: number, parent: number, root: string, place: string, options: string): string =>
    `${id} ${parent} 8:1 ${root} ${place} ${options} - ext4 /dev/sda1 rw`;
  const table = (shown: string, flags = 'nosuid,nodev'): ReturnType<typeof parseMountTable> =>
    parseMountTable(
      [
        mount(1, 0, '/', '/', 'ro'),
        mount(2, 1, '/home/dev/app', '/home/dev/app', 'rw'),
        mount(3, 2, shown, '/home/dev/app/.git/config', `ro,${flags}`),
      ].join('\n'),
    );
  const compiled: CompiledHolder = {
    options: [],
    steps: [],
    expected: [['/home/dev/app/.git/config', 'ro']],
    same: ['/home/dev/app/.git/config'],
  };
  test('a pin that shows its own file', () => {
    assert.doesNotThrow(() => verifyMounts(table('/home/dev/app/.git/config'), compiled));
  });
  test('a pin that a link, swapped in for a folder, made show a hidden file', () => {
    assert.throws(() => verifyMounts(table('/home/dev/.ssh/config'), compiled), /shows another file/);
  });
  test('a mount on which device files or set-user-ID programs would work', () => {
    for (const flags of ['nosuid,relatime', 'nodev,relatime']) {
      assert.throws(() => verifyMounts(table('/home/dev/app/.git/config', flags), compiled), /may have devices/);
    }
  });
});

describe('aliases', () => {
  const mounts = parseMountTable(
    [
      '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
      '2 1 8:1 /data/home /home rw - ext4 /dev/sda1 rw',
      '3 1 8:2 /data/home /other rw - ext4 /dev/sdb1 rw',
      '4 1 8:1 /data/home/dev /mnt/dev rw - ext4 /dev/sda1 rw',
    ].join('\n'),
  );
  test('every other path of the same file system, no path of another', () => {
    assert.deepEqual(findAliases(mounts, '/home/dev/.netrc'), ['/data/home/dev/.netrc', '/mnt/dev/.netrc']);
    assert.deepEqual(findAliases(mounts, '/data/home/dev/.netrc'), ['/home/dev/.netrc', '/mnt/dev/.netrc']);
    assert.deepEqual(findAliases(mounts, '/etc/shadow'), []);
  });
  test('a path that another mount covers is none', () => {
    const covered = [...mounts, ...parseMountTable('5 1 8:3 / /data rw - ext4 /dev/sdc1 rw')];
    assert.deepEqual(findAliases(covered, '/home/dev/.netrc'), ['/mnt/dev/.netrc']);
  });
});

describe('exit', () => {
  const rows: readonly [name: string, ...Parameters<typeof describeExit>, Partial<ReturnType<typeof describeExit>>][] =
    [
      ['own code', 3, 3, new Set(), false, '', { code: 3, signal: undefined, failure: undefined }],
      ['own 137', 137, 137, new Set(), false, '', { code: 137, signal: undefined, failure: undefined }],
      [
        'killed on request',
        137,
        137,
        new Set(['SIGTERM', 'SIGKILL'] as const),
        false,
        '',
        { code: 137, signal: 'SIGKILL' },
      ],
      ['trapped the signal', 0, 0, new Set(['SIGTERM'] as const), false, '', { code: 0, signal: undefined }],
      [
        'stopped before it began',
        undefined,
        143,
        new Set(['SIGTERM'] as const),
        false,
        '',
        { code: 143, signal: 'SIGTERM', failure: undefined },
      ],
      [
        'never began',
        undefined,
        1,
        new Set(),
        false,
        '',
        { code: 1, failure: 'the sandbox could not start the command (status 1)' },
      ],
      [
        'never began, and said why',
        undefined,
        1,
        new Set(),
        false,
        "bwrap: Can't bind mount /x: No such device\n",
        { failure: "the sandbox could not start the command (bwrap: Can't bind mount /x: No such device)" },
      ],
      [
        'a folder of the host that the session has anew',
        undefined,
        1,
        new Set(),
        false,
        "bwrap: Can't chdir to /tmp/build: No such file or directory\n",
        {
          failure:
            "the folder `/tmp/build` is not there inside the sandbox: `/tmp` is the session's own, not the host's",
        },
      ],
      [
        'session gone',
        undefined,
        undefined,
        new Set(),
        true,
        '',
        { failure: 'the session ended before the command did' },
      ],
    ];
  for (const [name, code, carrierCode, sent, sessionEnded, message, expected] of rows) {
    test(name, () => {
      const exit = describeExit(code, carrierCode, sent, sessionEnded, message);
      assert.deepEqual({ ...exit, ...expected }, exit);
    });
  }
});

test('versions of bubblewrap', () => {
  assert.deepEqual(parseVersion('bubblewrap 0.8.0'), [0, 8, 0]);
  assert.deepEqual(
    ['0.6.1', '0.7.0', '0.8.0', '0.11', '1.0.0'].map((text) => supportsDisableUserns(parseVersion(text))),
    [false, false, true, true, true],
  );
  assert.equal(supportsDisableUserns(undefined), false);
});
