/** Words of help for a kernel that refuses something, chosen by the settings that make it refuse. */
import { readFileSync } from 'node:fs';
import { readMountTable } from '../../platform/mount-table.ts';

export function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function isInContainer(): boolean {
  const root = readMountTable('self').find((mount) => mount.path === '/');
  return root?.type === 'overlay' || readMountTable('self').some((mount) => mount.path === '/proc/kcore');
}

export const containerHelp =
  'start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`';

/** The remedy for a kernel that refuses user namespaces, by the setting that refuses them. */
export function explainUserNamespaces(): string {
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
