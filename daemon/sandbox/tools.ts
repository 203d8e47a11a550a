/** System programs that the sandbox stage uses, by absolute path. */
import { SbxError } from '../../client/protocol/errors.ts';
import { findTool } from '../platform/spawn.ts';

const packages: Record<string, string> = {
  bwrap: 'bubblewrap',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  setsid: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  mknod: 'coreutils',
  mkdir: 'coreutils',
  chmod: 'coreutils',
  rmdir: 'coreutils',
  ln: 'coreutils',
};

/** Without one of these no session can be made. */
export const neededTools: readonly string[] = [
  ...[
    'bash',
    'bwrap',
    'nsenter',
    'prlimit',
    'setsid',
    'setpriv',
    'unshare',
    'mount',
    'umount',
    'mknod',
    'mkdir',
    'chmod',
    'rmdir',
    'ln',
  ],
];

const managers: readonly (readonly [tool: string, ...words: string[]])[] = [
  ['apt-get', 'install', '-y', '--no-install-recommends'],
  ['dnf', 'install', '-y'],
  ['zypper', '--non-interactive', 'install'],
  ['pacman', '-S', '--noconfirm'],
  ['apk', 'add'],
];

/** Words that install a package with the package manager that is there; undefined where none is known. */
function installWords(packageName: string): readonly string[] | undefined {
  const found = managers.find(([tool]) => findTool(tool) !== undefined);
  if (found === undefined) return undefined;
  return [...(process.getuid?.() === 0 ? [] : ['sudo']), ...found, packageName];
}

/** The command that installs a package. */
export function installCommand(packageName: string): string {
  return installWords(packageName)?.join(' ') ?? `install ${packageName}`;
}

/** For each package that is missing, the argv that installs it: absolute, and without a question where sudo would ask one. */
export function missingPackages(): { readonly name: string; readonly argv: readonly string[] | undefined }[] {
  const missing = new Set(
    neededTools.filter((tool) => findTool(tool) === undefined).map((tool) => packages[tool] ?? tool),
  );
  return [...missing].map((name) => {
    const [program, ...rest] = installWords(name) ?? [];
    const found = program === undefined ? undefined : findTool(program);
    return { name, argv: found === undefined ? undefined : [found, ...(program === 'sudo' ? ['-n'] : []), ...rest] };
  });
}

/** @throws {SbxError} `sandbox-unavailable` when it is not installed. */
export function requireTool(name: string): string {
  const found = findTool(name);
  if (found !== undefined) return found;
  throw new SbxError('sandbox-unavailable', `\`${name}\` is not installed`, {
    help: `run \`${installCommand(packages[name] ?? name)}\``,
  });
}
