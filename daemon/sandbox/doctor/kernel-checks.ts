/** What the kernel must give before a session can be made, each tried with the program that will ask for it. */
import { findTool, runTool } from '../../platform/spawn.ts';
import { assembleFilter } from '../seccomp/filter.ts';
import { findArchitecture } from '../seccomp/syscalls.ts';
import { failed, firstLine, type Outcome, passed } from './check.ts';
import { explainConfinement, readConfinement } from './container.ts';
import { explainUserNamespaces, readSetting } from './remedies.ts';
import { parseVersion, supportsDisableUserns } from './version.ts';

/** As a template is made, without its mounts. */
function namespacesArgv(script: string, options: readonly string[] = []): string[] {
  return [
    findTool('bwrap') ?? '',
    ...['--unshare-user', '--unshare-net', '--unshare-pid', '--ro-bind', '/', '/', '--cap-add', 'ALL'],
    ...options,
    // with a socket for its input, bash would read a start-up file
    ...['/bin/bash', '--norc', '--noprofile', '-c', script],
  ];
}

export async function checkUserNamespaces(): Promise<Outcome> {
  const tried = await runTool(namespacesArgv(':'));
  if (tried.ok) return passed;
  return failed(`a user namespace cannot be made: ${firstLine(tried.stderr)}`, explainUserNamespaces(tried.stderr));
}

/** Apart from each other: each may be refused for a reason of its own, and all remedies are told at once. */
export async function checkMounts(): Promise<Outcome> {
  const [proc, overlay] = await Promise.all([
    runTool(namespacesArgv('mount -n -t proc proc /proc', ['--bind', '/proc', '/proc'])),
    runTool(
      namespacesArgv(
        'mkdir /tmp/top /tmp/hide && mknod /tmp/hide/x c 0 0 && ' +
          'mount -n -t overlay -o ro,lowerdir=/tmp/top:/tmp/hide:/usr,userxattr overlay /usr',
        ['--tmpfs', '/tmp'],
      ),
    ),
  ]);
  if (proc.ok && overlay.ok) return passed;
  const refused = [...(proc.ok ? [] : (['proc'] as const)), ...(overlay.ok ? [] : (['overlay'] as const))];
  const names = { proc: 'a /proc', overlay: 'an overlay' };
  const what = refused.map((each) => names[each]).join(' and ');
  return failed(
    `${what} cannot be mounted in a user namespace: ${firstLine((proc.ok ? overlay : proc).stderr)}`,
    explainConfinement(refused, readConfinement()) ??
      (proc.ok
        ? 'the kernel must be 5.11 or later with overlayfs (`modprobe overlay`)'
        : 'start sbx outside of the sandbox or container that it was started in'),
  );
}

export async function checkNestedNamespaces(): Promise<Outcome> {
  const { stdout } = await runTool([findTool('bwrap') ?? '', '--version']);
  if (supportsDisableUserns(parseVersion(stdout))) return passed;
  const message = `${stdout.trim()} cannot close user namespaces; the system call filter alone does`;
  return { ...failed(message, 'install bubblewrap 0.8 or later'), optional: true };
}

export function checkFilter(): Outcome {
  const architecture = findArchitecture(process.arch);
  if (architecture === undefined) return failed(`there is no system call filter for \`${process.arch}\``);
  const filter = assembleFilter(architecture, { unixSockets: 'allowed', userNamespaces: 'closed' });
  if (filter.length > 4096 * 8) return failed('the filter is too long');
  const known = readSetting('kernel/seccomp/actions_avail') ?? '';
  if (known.includes('kill_process') && known.includes('errno')) return passed;
  return failed('the kernel has no system call filters', 'use a kernel with CONFIG_SECCOMP_FILTER');
}
