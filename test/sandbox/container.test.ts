/**
 * Inside what a container or another sandbox leaves, made with bubblewrap: the probe tries for real, refuses, and names
 * exactly what is missing; with it, the sandbox works. Nothing weaker is taken by itself.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import type { ProbeResult } from '../../daemon/sandbox/doctor/probe.ts';
import { type Account, asAccount } from '../../daemon/sandbox/plan/account.ts';
import { requireTool } from '../../daemon/sandbox/tools.ts';
import { cliPath } from '../fixtures/private-sbx.ts';
import { listTestAccounts } from '../fixtures/sandbox-session.ts';

const container = [
  ...['bwrap', '--unshare-user', '--unshare-pid', '--die-with-parent'],
  ...['--bind', '/', '/', '--dev-bind', '/dev', '/dev', '--proc', '/proc'],
];
/** bubblewrap covers parts of the /proc that it gives to root. */
const uncover = ['bash', '-c', 'mount -t proc proc /proc && exec "$@"', 'bash'];

function probeIn(account: Account, options: readonly string[]): ProbeResult {
  const argv = [
    ...asAccount(account, requireTool),
    ...container,
    // as root of a container; bubblewrap itself gives an ordinary user's programs no rights, and refuses to run with some
    ...(account.uid === 0 ? ['--cap-add', 'ALL'] : []),
    ...options,
    // a home without a daemon, so that the program itself tries
    ...[process.execPath, cliPath, 'doctor', '--json'],
  ];
  const [program = '', ...rest] = argv;
  const { stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' },
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as ProbeResult;
}

for (const account of listTestAccounts()) {
  describe(`in a container as ${account.name}`, { timeout: 120_000 }, () => {
    test('parts of /proc are covered: refused, with the one option that helps', () => {
      const covered = ['--ro-bind', '/dev/null', '/proc/interrupts', '--ro-bind', '/proc/sys', '/proc/sys'];
      const { available, checks, help, message } = probeIn(account, covered);
      assert.equal(available, false);
      assert.match(message, /^a \/proc cannot be mounted in a user namespace: /);
      assert.match(help ?? '', /^start the container with `--security-opt systempaths=unconfined` \(Podman: /);
      assert.equal(checks.find(({ name }) => name === 'user namespaces')?.ok, true);
    });

    test('user namespaces are closed: refused, in a sentence that says by whom', () => {
      const { available, help, message } = probeIn(account, ['--disable-userns']);
      assert.equal(available, false);
      assert.match(message, /^a user namespace cannot be made: /);
      assert.match(help ?? '', /^what sbx was started in has closed user namespaces for good/);
    });

    test('nothing is covered: the whole sandbox works', () => {
      const { available, checks } = probeIn(account, account.uid === 0 ? uncover : []);
      assert.deepEqual(
        checks.filter(({ ok, optional }) => !ok && optional === undefined),
        [],
      );
      assert.equal(available, true);
    });
  });
}
