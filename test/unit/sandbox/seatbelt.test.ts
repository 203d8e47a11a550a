/** Profiles for macOS, compared with ones that are written out. They were not run on a Mac. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionPlan } from '../../../daemon/sandbox/plan/plan.ts';
import { compileSeatbelt } from '../../../daemon/sandbox/seatbelt/profile.ts';

const place = { temporaryFolder: '/private/var/folders/zz/sbx', absent: ['/Users/ann/work/.envrc'] };
const workspace = '/Users/ann/work';

function plan(changes: Partial<SessionPlan> = {}): SessionPlan {
  return {
    account: { uid: 501, gid: 20, name: 'ann', home: '/Users/ann', known: true },
    workspace,
    overlays: [
      {
        path: '/Users/ann',
        mode: 0o755,
        topFolders: [['.ssh', 0o700]],
        topFiles: ['.ssh/known_hosts', '.netrc'],
        hideFolders: [],
        whiteouts: ['.ssh', '.aws'],
        exceptions: ['.ssh/known_hosts'],
      },
    ],
    writable: [{ source: workspace, target: workspace }],
    held: [`${workspace}/.vscode`],
    pins: [`${workspace}/.vscode/tasks.json`],
    gitFolders: [`${workspace}/.git`],
    nestedGitFolders: [],
    staged: undefined,
    masks: [{ path: '/Library/keys', kind: 'folder', except: [['public', 'folder']] }],
    network: undefined,
    resolver: undefined,
    runLinks: [],
    freshFolders: ['/tmp'],
    caches: undefined,
    tmpBytes: 1,
    processes: 1,
    processNumbers: undefined,
    inotify: { instances: 0, watches: 0 },
    unixSockets: 'allowed',
    userNamespaces: 'closed',
    warnings: [],
    ...changes,
  };
}

/** The rules of one operation, one filter a line, as they stand in the profile. */
function block(profile: string, head: string): string[] {
  const lines = profile.split('\n');
  const start = lines.indexOf(head);
  return start < 0 ? [] : lines.slice(start + 1, lines.indexOf(')', start)).map((line) => line.trim());
}

describe('seatbelt', () => {
  const profile = compileSeatbelt(plan(), place);

  test('nothing is allowed that is not named', () => {
    assert.deepEqual(profile.split('\n').slice(0, 2), ['(version 1)', '(deny default)']);
  });

  test('the workspace and the private folder are writable, protected paths in them are not, present or absent', () => {
    assert.deepEqual(block(profile, '(allow file-write*'), [
      '(subpath "/Users/ann/work")',
      '(subpath "/private/var/folders/zz/sbx")',
    ]);
    assert.deepEqual(block(profile, '(deny file-write*'), [
      '(subpath "/Users/ann/work/.envrc")',
      '(subpath "/Users/ann/work/.git")',
      '(subpath "/Users/ann/work/.vscode/tasks.json")',
    ]);
  });

  test('a home that is hidden: what is seen in it comes after the denial, and before what is hidden there', () => {
    const [home] = plan().overlays;
    assert.ok(home);
    const cargo = { ...home, path: '/Users/ann/.cargo', topFolders: [], topFiles: ['credentials'], whiteouts: [] };
    const emptied = {
      ...home,
      emptied: true as const,
      topFiles: ['.gitconfig'],
      exceptions: ['.gitconfig'],
      whiteouts: [],
    };
    const text = compileSeatbelt(plan({ overlays: [{ ...cargo, exceptions: [] }, emptied] }), place);
    const order = [
      '(deny file-read* file-write*\n  (subpath "/Users/ann")\n)',
      '(allow file-read*\n  (subpath "/Users/ann/.cargo")\n  (subpath "/Users/ann/work")\n  (subpath "/Users/ann/work/.git")\n)',
      '(allow file-write*\n  (subpath "/Users/ann/work")',
      '(deny file-read* file-write*\n  (subpath "/Library/keys")\n  (subpath "/Users/ann/.cargo/credentials")\n)',
      '(subpath "/Users/ann/.gitconfig")',
    ].map((part) => text.indexOf(part));
    assert.deepEqual(order.includes(-1), false, text);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test('folders above a protected path cannot be renamed away', () => {
    assert.deepEqual(block(profile, '(deny file-write-unlink'), [
      '(literal "/Users/ann/work")',
      '(literal "/Users/ann/work/.vscode")',
      '(literal "/private/var/folders/zz/sbx")',
    ]);
  });

  test('credentials are hidden whether they are there or not, their exceptions are not', () => {
    assert.deepEqual(block(profile, '(deny file-read* file-write*'), [
      '(subpath "/Library/keys")',
      '(subpath "/Users/ann/.aws")',
      '(subpath "/Users/ann/.netrc")',
      '(subpath "/Users/ann/.ssh")',
    ]);
    const lines = profile.split('\n');
    assert.deepEqual(block(profile, '(allow file-read*'), [
      '(subpath "/Library/keys/public")',
      '(subpath "/Users/ann/.ssh/known_hosts")',
    ]);
    // the last rule that fits decides
    assert.ok(lines.indexOf('(allow file-read*') > lines.indexOf('(deny file-read* file-write*'));
    assert.ok(lines.indexOf('(deny file-write*') > lines.indexOf('(allow file-write*'));
  });

  test('the network is the loopback, and unix sockets only where the command may write', () => {
    const network = profile.split('\n').filter((line) => line.includes('network'));
    assert.deepEqual(network, [
      '(allow network* (local ip "localhost:*"))',
      '(allow network-outbound (remote ip "localhost:*"))',
      '(allow network*',
    ]);
    const blocked = compileSeatbelt(plan({ unixSockets: 'blocked' }), place);
    assert.equal(blocked.split('\n').includes('(allow network*'), false);
  });

  test('a name cannot end its string, and one with a control character is refused', () => {
    const pins = ['/Users/ann/work/a") (allow default) ("', '/Users/ann/work/b\\'];
    assert.deepEqual(block(compileSeatbelt(plan({ pins }), { ...place, absent: [] }), '(deny file-write*'), [
      '(subpath "/Users/ann/work/.git")',
      '(subpath "/Users/ann/work/a\\") (allow default) (\\"")',
      '(subpath "/Users/ann/work/b\\\\")',
    ]);
    assert.throws(() => compileSeatbelt(plan({ pins: ['/Users/ann/work/a\nb'] }), place), {
      code: 'bad-workspace',
    });
  });
});
