/** The whole `sbx run true` process against the smallest Node process. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { startBenchDaemon } from './daemon.ts';
import { type Row, ratioRow, timeInTurns } from './measure.ts';

export async function benchCli(): Promise<Row[]> {
  const daemon = await startBenchDaemon();
  const root = findPackageRoot();
  const finish = (program: string, args: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: daemon.workspace,
        env: daemon.env,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      child.once('error', reject);
      child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
    });
  const times = await timeInTurns(
    {
      script: () => finish(path.join(root, 'scripts/sbx'), ['run', 'true']),
      bundle: () => finish(process.execPath, [path.join(root, 'dist/sbx.cjs'), 'run', 'true']),
      node: () => finish(process.execPath, ['-e', '0']),
    },
    40,
  );
  await daemon.stop();
  return [
    ratioRow('`sbx run true`, whole process / `node -e 0`', times['bundle'] ?? [], times['node'] ?? [], '<= 1.4x'),
    ratioRow('`scripts/sbx run true` from the checkout / `node -e 0`', times['script'] ?? [], times['node'] ?? [], '-'),
  ];
}
