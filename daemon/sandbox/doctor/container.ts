/**
 * What the container or sandbox around sbx takes away, and the exact options with which a container gives it back. Only
 * those that what was refused needs: each of them also weakens the container.
 *
 * There is no weaker sandbox for where one is missing: bubblewrap looks a process up in the /proc of its own pid namespace,
 * so a session needs a /proc of its own, and without a pid namespace of its own a command could outlive its run.
 */
import { readFileSync } from 'node:fs';
import { type Mount, readMountTable } from '../../platform/mount-table.ts';

export interface Confinement {
  /** A system call filter holds for this process. */
  readonly filtered: boolean;
  /** An AppArmor profile does. */
  readonly profiled: boolean;
  /** Something is mounted over parts of /proc: then the kernel lets nobody below mount another one. */
  readonly coveredProc: boolean;
  /** In a user namespace that somebody made, as in rootless containers and other sandboxes. */
  readonly inUserNamespace: boolean;
}

export type Refused = 'user namespaces' | 'proc' | 'overlay';

/** Source: mount_too_revealing() of the kernel; what covers an empty folder of /proc does not count. */
const emptyProcFolders = ['/proc/sys/fs/binfmt_misc', '/proc/fs/nfsd'];

export function coversProc(mounts: readonly Pick<Mount, 'path'>[]): boolean {
  return mounts.some(({ path }) => path.startsWith('/proc/') && !emptyProcFolders.includes(path));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

export function readConfinement(): Confinement {
  return {
    filtered: /^Seccomp:\s*2$/m.test(readText('/proc/self/status')),
    profiled: /\((?:enforce|kill|complain)\)\s*$/.test(readText('/proc/self/attr/current')),
    coveredProc: coversProc(readMountTable('self')),
    inUserNamespace: !/^\s*0\s+0\s+4294967295\s*$/.test(readText('/proc/self/uid_map')),
  };
}

/** Undefined where nothing around this process explains it. Source: docker-run(1), podman-run(1), Kubernetes `procMount`. */
export function explainConfinement(refused: readonly Refused[], confinement: Confinement): string | undefined {
  const mountsRefused = refused.some((what) => what !== 'proc') || !confinement.coveredProc;
  // where namespaces are refused, what would be refused after them has not been tried
  const needsProc = confinement.coveredProc && refused.some((what) => what !== 'overlay');
  const docker = [
    ...(mountsRefused && confinement.filtered ? ['seccomp=unconfined'] : []),
    ...(mountsRefused && confinement.profiled ? ['apparmor=unconfined'] : []),
    ...(needsProc ? ['systempaths=unconfined'] : []),
  ];
  if (docker.length === 0) return undefined;
  const write = (options: readonly string[]): string => options.map((each) => `--security-opt ${each}`).join(' ');
  const podman = docker.map((each) => (each === 'systempaths=unconfined' ? 'unmask=ALL' : each));
  return [
    `start the container with \`${write(docker)}\``,
    ...(needsProc ? [`(Podman: \`${write(podman)}\`; Kubernetes: \`procMount: Unmasked\`)`] : []),
  ].join(' ');
}
