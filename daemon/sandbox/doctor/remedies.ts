/** Words of help for a kernel that refuses something, chosen by the settings that make it refuse. */
import { readFileSync } from 'node:fs';
import { explainConfinement, readConfinement } from './container.ts';

export function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * The remedy for a kernel that refuses user namespaces, by the setting that refuses them.
 * @param message of who tried to make one.
 */
export function explainUserNamespaces(message: string): string {
  if (readSetting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return (
      'install an AppArmor profile for bubblewrap (`apt-get install apparmor-profiles`, then ' +
      '`ln -s /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict`), ' +
      'or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`'
    );
  }
  if (readSetting('kernel/unprivileged_userns_clone') === '0')
    return 'run `sysctl -w kernel.unprivileged_userns_clone=1`';
  const confinement = readConfinement();
  const closed = readSetting('user/max_user_namespaces') === '0';
  // a limit that a namespace above has set shows only as this error
  const closedAbove = /ENOSPC|No space left/.test(message);
  if ((closed || closedAbove) && confinement.inUserNamespace) {
    return 'what sbx was started in has closed user namespaces for good: start sbx outside of that sandbox or container';
  }
  if (closed) return 'run `sysctl -w user.max_user_namespaces=15000`';
  return explainConfinement(['user namespaces'], confinement) ?? 'allow unprivileged user namespaces in this kernel';
}
