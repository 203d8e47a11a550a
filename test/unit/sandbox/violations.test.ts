/** What is made of the error output of real programs, against a plan. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { loadSessionData } from '../../../daemon/platform/session-data.ts';
import type { SessionPlan } from '../../../daemon/sandbox/plan/plan.ts';
import { explainFailure } from '../../../daemon/sandbox/violations/explain-failure.ts';
import { explainPath } from '../../../daemon/sandbox/violations/explain-path.ts';
import type { PathSetting } from '../../../daemon/sandbox/violations/file-violations.ts';
import type { HostLook } from '../../../daemon/sandbox/violations/host-look.ts';
import { misses, pins, reads, type ViolationRow, writes } from '../../cases/violations.ts';

const home = '/home/ann';
const workspace = `${home}/work`;

const plan: SessionPlan = {
  account: { uid: 1000, gid: 1000, name: 'ann', home, known: true },
  workspace,
  overlays: [
    {
      path: home,
      mode: 0o755,
      topFolders: [
        ['.aws', 0o700],
        ['.ssh', 0o700],
        ['.gnupg', 0o700],
      ],
      topFiles: ['.ssh/known_hosts', '.netrc'],
      hideFolders: [],
      whiteouts: ['.aws', '.ssh', '.gnupg', '.kube'],
      exceptions: ['.ssh/known_hosts'],
    },
  ],
  writable: [
    { source: workspace, target: workspace },
    { source: `${home}/.cache/sbx/workspaces/1`, target: '/run/sbx/cache' },
  ],
  held: [`${workspace}/.git`],
  pins: [`${workspace}/.vscode`, `${workspace}/.npmrc`, `${workspace}/.git/hooks`],
  gitFolders: [],
  nestedGitFolders: [],
  staged: undefined,
  masks: [],
  network: undefined,
  resolver: undefined,
  runLinks: [],
  freshFolders: ['/tmp', '/var/tmp'],
  caches: undefined,
  tmpBytes: 1,
  processes: 1,
  processNumbers: undefined,
  userNamespaces: 'closed',
  inotify: { instances: 1, watches: 1 },
  unixSockets: 'allowed',
  warnings: [],
};

const kinds: Readonly<Record<string, ReturnType<HostLook['kindOf']>>> = {
  [home]: 'folder',
  [`${home}/logs`]: 'folder',
  [`${home}/logs/old.log`]: 'file',
  [`${home}/odd dir`]: 'folder',
  '/etc': 'folder',
  '/etc/hosts': 'file',
  '/tmp/host.txt': 'file',
  '/run/postgresql/.s.PGSQL.5432': 'other',
  '/var/run/postgresql/.s.PGSQL.5432': 'other',
  '/dev/video0': 'other',
};

const setting: PathSetting = {
  plan,
  host: {
    kindOf: (place) => kinds[place] ?? 'absent',
    resolve: (place) => place,
    mayWrite: (place) => place in kinds && place.startsWith(home),
  },
  credentials: [{ path: `${home}/.aws`, because: 'cloud credentials' }],
  protectedPaths: loadSessionData().protectedPaths,
};

const explain = (text: string, changes: { cut?: boolean; withheld?: string[]; setting?: PathSetting } = {}) =>
  explainFailure(
    { text, isCut: changes.cut ?? false, cwd: `${workspace}/src`, withheld: changes.withheld ?? [] },
    changes.setting ?? setting,
  );

const groups: Readonly<Record<string, readonly ViolationRow[]>> = { writes, pins, reads, misses };
for (const [group, rows] of Object.entries(groups)) {
  describe(group, () => {
    for (const [what, text, target] of rows) {
      test(what, () =>
        assert.deepEqual(
          explain(text)
            .map((violation) => violation.target)
            .slice(0, 1),
          target === undefined ? [] : [target],
        ),
      );
    }
  });
}

test('a hidden home: what it shows is told by itself, everything else alike, whether it is there or not', () => {
  const emptied = {
    path: home,
    mode: 0o755,
    topFolders: [],
    topFiles: [],
    hideFolders: [],
    whiteouts: [],
    exceptions: [],
  };
  const tools = { ...emptied, path: `${home}/.cargo/bin` };
  const hidden = { ...setting, plan: { ...plan, overlays: [tools, { ...emptied, emptied: true as const }] } };
  const [seen, absent] = [`${home}/logs/old.log`, `${home}/logs/none`].map(
    (target) => explain(`cat: ${target}: No such file or directory`, { setting: hidden })[0],
  );
  assert.match(seen?.message ?? '', /the home is hidden by the policy/);
  assert.equal(absent?.message, seen?.message.replace('old.log', 'none'));
  assert.match(seen?.howToAllow ?? '', /allowRead": \["~\/logs\/old\.log"\]/);
  assert.deepEqual(explain(`cat: ${home}/.cargo/bin/x: No such file or directory`, { setting: hidden }), []);
  const [write] = explain(`bash: ${home}/logs/new: Read-only file system`, { setting: hidden });
  assert.match(write?.howToAllow ?? '', /allowWrite": \["~\/logs"\]/);
});

test('a relative name after a cd: the folder in which it is read-only, and none for what is missing', () => {
  const failed = (text: string, folders: string[]) =>
    explainFailure({ text, isCut: false, cwd: workspace, withheld: [], folders }, setting).map(({ target }) => target);
  assert.deepEqual(failed('bash: hosts: Read-only file system', [workspace, '/etc']), ['/etc/hosts']);
  assert.deepEqual(failed('bash: hosts: Read-only file system', [workspace, `${workspace}/src`]), []);
  assert.deepEqual(failed('cat: config: No such file or directory', [workspace, `${home}/.aws`]), []);
});

describe('the narrowest grant', () => {
  const rows: readonly [what: string, text: string, howToAllow: RegExp][] = [
    [
      'a file that is there: the file',
      `bash: ${home}/logs/old.log: Read-only file system`,
      /allowWrite": \["~\/logs\/old\.log"\]/,
    ],
    ['a new file: its folder', `bash: ${home}/logs/new: Read-only file system`, /allowWrite": \["~\/logs"\]/],
    [
      'a removed file: its folder',
      `rm: cannot remove '${home}/logs/old.log': Read-only file system`,
      /allowWrite": \["~\/logs"\]/,
    ],
    [
      'never the home: what is missing',
      `mkdir: cannot create directory '${home}/.foo': Read-only file system`,
      /^make ~\/\.foo outside the sandbox first.*allowWrite": \["~\/\.foo"\]/,
    ],
    [
      'the topmost missing folder',
      `open ${home}/.foo/a/b: read-only file system`,
      /^make ~\/\.foo outside the sandbox first/,
    ],
    ['nothing of the system', 'bash: /etc/hosts: Read-only file system', /run it outside the sandbox$/],
    ['nothing that runs code by itself', `bash: ${home}/.bashrc: Read-only file system`, /run it outside the sandbox$/],
    [
      'nothing that is a pattern',
      `bash: ${home}/logs/../od[d]/*: Read-only file system`,
      /run it outside the sandbox$/,
    ],
    ['a protected name', `bash: ${workspace}/.vscode/tasks.json: Read-only file system`, /"unprotect": \["\.vscode"\]/],
    [
      'a hidden file: itself',
      `cat: ${home}/.aws/config: No such file or directory`,
      /allowRead": \["~\/\.aws\/config"\]/,
    ],
  ];
  for (const [what, text, howToAllow] of rows)
    test(what, () => assert.match(explain(text)[0]?.howToAllow ?? '', howToAllow));

  test('several files of one folder are told once, and never more than a handful', () => {
    const lines = Array.from(
      { length: 40 },
      (_, index) => `cp: cannot create regular file '${home}/logs/${index}': Read-only file system`,
    );
    assert.equal(explain(lines.join('\n')).length, 1);
    const folders = Array.from(
      { length: 40 },
      (_, index) => `mkdir: cannot create directory '${home}/f${index}': Read-only file system`,
    );
    assert.equal(explain(folders.join('\n')).length, 5);
  });

  test('a first line that is cut names nothing', () => {
    const text = `/logs/x: Read-only file system\ntouch: cannot touch '${home}/logs/y': Read-only file system`;
    assert.deepEqual(
      explain(text, { cut: true }).map(({ target }) => target),
      [`${home}/logs/y`],
    );
    assert.deepEqual(
      explain(text).map(({ target }) => target),
      ['/logs/x', `${home}/logs/y`],
    );
  });
});

describe('what cannot work inside', () => {
  const rows: readonly [text: string, target: string | undefined, withheld?: string[]][] = [
    [
      'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'the container engine',
    ],
    [
      'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock',
      'the container engine',
    ],
    [
      'error during connect: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info": dial unix /var/run/docker.sock: connect: no such file or directory',
      'the container engine',
    ],
    [
      '[0101/000000.000000:FATAL:zygote_host_impl_linux.cc(126)] No usable sandbox! Update your kernel',
      'user namespaces',
    ],
    ['unshare: unshare failed: Operation not permitted', 'user namespaces'],
    [
      'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces',
      'user namespaces',
    ],
    ['Could not open a connection to your authentication agent.', 'the ssh agent', ['SSH_AUTH_SOCK']],
    ['Could not open a connection to your authentication agent.', undefined],
    ['error: gpg failed to sign the data\nfatal: failed to write commit object', 'the gpg agent'],
    ["gpg: can't connect to the agent: IPC connect call failed", 'the gpg agent'],
    [
      "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down",
      'the service manager',
    ],
    ['Failed to connect to bus: No medium found', 'the service manager'],
    [
      "sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set or an NFS file system without root privileges?",
      "another account's rights",
    ],
    [
      'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.',
      "another account's rights",
    ],
    ['ping: socket: Operation not permitted', 'raw sockets'],
    [
      'ping: socktype: SOCK_RAW\nping: socket: Operation not permitted\nping: => missing cap_net_raw+p capability or setuid?',
      'raw sockets',
    ],
    ['mount: /mnt: must be superuser to use mount.', 'mounts'],
    ["fuse: device not found, try 'modprobe fuse' first", 'FUSE'],
    ['strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted', 'processes outside the command'],
    [
      'Could not access KVM kernel module: No such file or directory\nqemu-system-x86_64: failed to initialize kvm: No such file or directory',
      'virtual machines',
    ],
    ['Error: cannot open display: :0', 'the screen', ['DISPLAY']],
    ['Error: cannot open display: :0', undefined],
    ['_tkinter.TclError: no display name and no $DISPLAY environment variable', 'the screen', ['DISPLAY']],
    ['Unable to locate credentials. You can configure credentials by running "aws configure".', 'cloud credentials'],
    ['The connection to the server localhost:8080 was refused - did you specify the right host or port?', undefined],
    ["fatal: could not read Username for 'https://example.com': terminal prompts disabled", 'code host passwords'],
    ['tar: a: Cannot change ownership to uid 1000, gid 1000: Operation not permitted', undefined],
    ['not ok 1 - mounts the volume\n  mount failed', undefined],
    ['docker: command not found', undefined],
    ['Error: Permission denied', undefined],
  ];
  for (const [text, target, withheld] of rows) {
    test(text.slice(0, 60), () => assert.equal(explain(text, { withheld: withheld ?? [] })[0]?.target, target));
  }

  test('owners of files are told to root alone', () => {
    const asRoot = { ...setting, plan: { ...plan, account: { ...plan.account, uid: 0 } } };
    const text = 'tar: a: Cannot change ownership to uid 1000, gid 1000: Operation not permitted';
    assert.equal(explain(text, { setting: asRoot })[0]?.target, 'owners of files');
  });
});

describe('a path in the plan', () => {
  const rows: readonly [place: string, state: string][] = [
    [workspace, 'writable'],
    [`${workspace}/.git/index`, 'writable'],
    [`${workspace}/.git/hooks/x`, 'pinned'],
    [`${home}/.ssh/id`, 'hidden'],
    [`${home}/.ssh/known_hosts`, 'read-only'],
    [`${home}/.sshx`, 'read-only'],
    ['/tmp/a', 'own'],
    ['/run/sbx/cache/npm', 'writable'],
    ['/run/sbx', 'own'],
    ['/var/run/x', 'own'],
    ['/dev/kvm', 'kernel'],
    ['/usr/bin', 'read-only'],
    [path.join(workspace, '../logs'), 'read-only'],
  ];
  for (const [place, state] of rows)
    test(`${place}: ${state}`, () => assert.equal(explainPath(plan, place).state, state));
});
