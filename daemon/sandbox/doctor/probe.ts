/**
 * Tries every mechanism of the sandbox for real and names the remedy of each that fails. Nothing is concluded from
 * version numbers or settings alone where trying is possible; settings only choose the words of the remedy.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SbxError } from '../../../client/protocol/errors.ts';
import { readMountTable } from '../../platform/mount-table.ts';
import { findTool, runTool } from '../../platform/spawn.ts';
import type { ApprovedPlan } from '../model.ts';
import { assembleFilter } from '../seccomp/filter.ts';
import { findArchitecture } from '../seccomp/syscalls.ts';
import { openSession } from '../session.ts';
import { sessionMountSource } from '../template/holder.ts';
import { requireTool } from '../tools.ts';
import { parseVersion, supportsDisableUserns } from './version.ts';

export interface ProbeCheck {
  readonly name:
    | 'platform'
    | 'nesting'
    | 'tools'
    | 'user namespaces'
    | 'overlay'
    | 'system call filter'
    | 'nested namespaces'
    | 'a command';
  readonly ok: boolean;
  readonly message: string;
  readonly help?: string;
  /** Without it the sandbox still stands; the result of a run says what is missing. */
  readonly optional?: true;
}

export interface ProbeResult {
  readonly available: boolean;
  readonly message: string;
  readonly help?: string;
  readonly checks: readonly ProbeCheck[];
}

type Outcome = Omit<ProbeCheck, 'name'>;

function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** INVARIANT(inside-is-seen): by a mount that every template has, not by a variable that anyone can set or clear. */
export function isInsideSandbox(): boolean {
  try {
    return readMountTable('self').some((mount) => mount.type === 'tmpfs' && mount.source === sessionMountSource);
  } catch {
    return false;
  }
}

function isInContainer(): boolean {
  const root = readMountTable('self').find((mount) => mount.path === '/');
  return root?.type === 'overlay' || readMountTable('self').some((mount) => mount.path === '/proc/kcore');
}

const containerHelp =
  'start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`';

/** The remedy for a kernel that refuses user namespaces, by the setting that refuses them. */
function explainUserNamespaces(): string {
  if (readSetting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return (
      'install an AppArmor profile for bubblewrap (`apt-get install apparmor-profiles`, then ' +
      '`ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`), ' +
      'or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`'
    );
  }
  if (readSetting('kernel/unprivileged_userns_clone') === '0')
    return 'run `sysctl -w kernel.unprivileged_userns_clone=1`';
  if (readSetting('user/max_user_namespaces') === '0') return 'run `sysctl -w user.max_user_namespaces=15000`';
  return isInContainer() ? containerHelp : 'allow unprivileged user namespaces in this kernel';
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

const passed: Outcome = { ok: true, message: 'works' };

function checkTools(): Outcome {
  try {
    for (const name of [
      'bash',
      'bwrap',
      'nsenter',
      'prlimit',
      'setsid',
      'setpriv',
      'mount',
      'umount',
      'mknod',
      'mkdir',
      'chmod',
    ])
      requireTool(name);
    return passed;
  } catch (error) {
    const { message, help } = error as SbxError;
    return { ok: false, message, ...(help === undefined ? {} : { help }) };
  }
}

async function checkUserNamespaces(bwrap: string): Promise<Outcome> {
  const tried = await runTool([
    bwrap,
    '--unshare-user',
    '--unshare-net',
    '--unshare-pid',
    '--ro-bind',
    '/',
    '/',
    '--cap-add',
    'ALL',
    '/bin/bash',
    '-c',
    ':',
  ]);
  if (tried.ok) return passed;
  return {
    ok: false,
    message: `a user namespace cannot be made: ${firstLine(tried.stderr)}`,
    help: explainUserNamespaces(),
  };
}

async function checkOverlay(bwrap: string): Promise<Outcome> {
  const script = [
    'mount -n -t proc proc /proc && mkdir /tmp/top /tmp/hide && mknod /tmp/hide/x c 0 0',
    'mount -n -t overlay -o ro,lowerdir=/tmp/top:/tmp/hide:/usr,userxattr overlay /usr',
  ].join(' && ');
  const tried = await runTool([
    bwrap,
    '--unshare-user',
    '--unshare-net',
    '--unshare-pid',
    '--ro-bind',
    '/',
    '/',
    '--bind',
    '/proc',
    '/proc',
    '--tmpfs',
    '/tmp',
    '--cap-add',
    'ALL',
    '/bin/bash',
    '-c',
    script,
  ]);
  if (tried.ok) return passed;
  const help = isInContainer() ? containerHelp : 'the kernel must be 5.11 or later with overlayfs (`modprobe overlay`)';
  return {
    ok: false,
    message: `/proc or an overlay cannot be mounted in a user namespace: ${firstLine(tried.stderr)}`,
    help,
  };
}

async function checkNestedNamespaces(bwrap: string): Promise<Outcome> {
  const { stdout } = await runTool([bwrap, '--version']);
  if (supportsDisableUserns(parseVersion(stdout))) return passed;
  return {
    ok: false,
    optional: true,
    message: `${stdout.trim()} cannot close user namespaces; the system call filter alone does`,
    help: 'install bubblewrap 0.8 or later',
  };
}

function checkFilter(): Outcome {
  const architecture = findArchitecture(process.arch);
  if (architecture === undefined)
    return { ok: false, message: `there is no system call filter for \`${process.arch}\`` };
  if (assembleFilter(architecture, { unixSockets: 'allowed', userNamespaces: 'closed' }).length > 4096 * 8)
    return { ok: false, message: 'the filter is too long' };
  const known = readSetting('kernel/seccomp/actions_avail') ?? '';
  if (known.includes('kill_process') && known.includes('errno')) return passed;
  return {
    ok: false,
    message: 'the kernel has no system call filters',
    help: 'use a kernel with CONFIG_SECCOMP_FILTER',
  };
}

/** A whole session in an empty folder, with the filter, and a command that must fail and one that must work. */
async function checkCommand(): Promise<Outcome> {
  const workspace = mkdtempSync(path.join(os.tmpdir(), 'sbx-probe-'));
  try {
    const session = await openSession({ workspace, protectedPaths: [] });
    try {
      const plan = {
        command: 'set -e; : >made; grep -qx "Seccomp:\\s*2" /proc/self/status; ! : 2>/dev/null >/etc/made',
        shell: false,
        cwd: workspace,
        env: new Map([['PATH', '/usr/bin:/bin']]),
        umask: 0o22,
        pty: undefined,
        stdin: 'none',
        reportCwd: false,
        limits: {},
      };
      // the text is ours, so nobody has to approve it
      const command = await session.launch(plan as unknown as ApprovedPlan);
      command.stdout?.resume();
      let errors = '';
      command.stderr?.on('data', (chunk: Buffer) => {
        errors += chunk.toString();
      });
      const { code, failure } = await command.exit;
      if (code === 0 && failure === undefined) return passed;
      return {
        ok: false,
        message: `a command does not run as it should: ${firstLine(errors) || failure || `status ${code}`}`,
      };
    } finally {
      await session.close();
    }
  } catch (error) {
    const known = error instanceof SbxError ? error : new SbxError('internal', String(error));
    return { ok: false, message: known.message };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** Checks in the order in which they build on each other; after the first failure the later ones would only repeat it. */
export async function probeSandbox(): Promise<ProbeResult> {
  const bwrap = (): string => findTool('bwrap') ?? '';
  const steps: readonly (readonly [ProbeCheck['name'], () => Outcome | Promise<Outcome>])[] = [
    [
      'platform',
      () =>
        process.platform === 'linux'
          ? passed
          : { ok: false, message: `the sandbox needs Linux, this is ${process.platform}` },
    ],
    [
      'nesting',
      () =>
        isInsideSandbox()
          ? { ok: false, message: 'already inside sbx', help: 'run sbx outside of its own sandbox' }
          : passed,
    ],
    ['tools', checkTools],
    ['user namespaces', () => checkUserNamespaces(bwrap())],
    ['overlay', () => checkOverlay(bwrap())],
    ['system call filter', checkFilter],
    ['nested namespaces', () => checkNestedNamespaces(bwrap())],
    ['a command', checkCommand],
  ];
  const checks: ProbeCheck[] = [];
  for (const [name, run] of steps) {
    const check: ProbeCheck = { name, ...(await run()) };
    checks.push(check);
    if (!check.ok && check.optional === undefined) {
      return {
        available: false,
        message: check.message,
        ...(check.help === undefined ? {} : { help: check.help }),
        checks,
      };
    }
  }
  return { available: true, message: 'the sandbox works', checks };
}
