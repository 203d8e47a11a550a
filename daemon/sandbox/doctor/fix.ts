/** `sbx doctor --fix`: only what is safe to do unasked, which is installing system packages that are missing. */
import { findTool, runTool } from '../../platform/spawn.ts';
import { missingPackages } from '../tools.ts';
import { firstLine } from './check.ts';

/** Package managers start others by name, and must not ask. */
const surroundings = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive'];

/** Longer than any package of this size takes on a slow line. */
const installTimeoutMs = 300_000;

export interface Repair {
  readonly package: string;
  readonly ok: boolean;
  readonly message: string;
}

/** Never throws; what could not be installed says why. */
export async function fixSandbox(): Promise<readonly Repair[]> {
  const repairs: Repair[] = [];
  for (const { name, argv } of missingPackages()) {
    if (argv === undefined) {
      repairs.push({ package: name, ok: false, message: `no known package manager was found; install \`${name}\`` });
      continue;
    }
    const { ok, stderr } = await runTool([findTool('env') ?? 'env', ...surroundings, ...argv], installTimeoutMs);
    const message = ok ? 'installed' : `\`${argv.join(' ')}\` failed: ${firstLine(stderr)}`;
    repairs.push({ package: name, ok, message });
  }
  return repairs;
}
