/** System programs that the sandbox stage uses, by absolute path. */
import { SbxError } from '../../client/protocol/errors.ts';
import { findTool } from '../platform/spawn.ts';

const packages: Record<string, string> = {
  bwrap: 'bubblewrap',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
};

/** The command that installs a package with the package manager that is there. */
export function installCommand(packageName: string): string {
  const managers: readonly (readonly [tool: string, command: string])[] = [
    ['apt-get', 'apt-get install -y'],
    ['dnf', 'dnf install -y'],
    ['zypper', 'zypper install -y'],
    ['pacman', 'pacman -S --noconfirm'],
    ['apk', 'apk add'],
  ];
  const found = managers.find(([tool]) => findTool(tool) !== undefined);
  const prefix = process.getuid?.() === 0 ? '' : 'sudo ';
  return found === undefined ? `install ${packageName}` : `${prefix}${found[1]} ${packageName}`;
}

/** @throws {SbxError} `sandbox-unavailable` when it is not installed. */
export function requireTool(name: string): string {
  const found = findTool(name);
  if (found !== undefined) return found;
  throw new SbxError('sandbox-unavailable', `\`${name}\` is not installed`, {
    help: `run \`${installCommand(packages[name] ?? name)}\``,
  });
}
