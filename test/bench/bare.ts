/** What a run is compared with: programs started from Node without us, and one bubblewrap with the mounts of a plan. */
import { execFileSync, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import type { PlanReport } from '../../daemon/methods/describe-plan.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

export function finish(program: string, args: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}: ${errors}`)),
    );
  });
}

const rest = ['--unshare-all', '--die-with-parent', 'bash', '-c'];

/** Nothing but a read-only root: the least that anybody would call a sandbox. */
export function bareBubblewrap(command: string): Promise<void> {
  return finish('bwrap', ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', ...rest, command]);
}

/** The places that `sbx plan` shows, hides and lets be written, as a mount each of one bubblewrap. */
export function planBubblewrap(workspace: string, env: Record<string, string>): (command: string) => Promise<void> {
  const sbx = path.join(findPackageRoot(), 'dist', 'sbx.cjs');
  const text = execFileSync(process.execPath, [sbx, 'plan', '--json', 'true'], {
    cwd: workspace,
    env,
    encoding: 'utf8',
  });
  const plan = JSON.parse(text) as PlanReport;
  const mounts = [
    ...['--tmpfs', '/run'],
    ...plan.writable.flatMap(({ path: place }) =>
      place === workspace
        ? ['--bind', place, place]
        : isThere(place) || place.startsWith('/run/')
          ? ['--tmpfs', place]
          : [],
    ),
    ...plan.readOnly.flatMap(({ path: place }) => ['--ro-bind', place, place]),
    ...plan.hidden.flatMap(({ path: place }) =>
      !isThere(place) ? [] : statSync(place).isDirectory() ? ['--tmpfs', place] : ['--ro-bind', '/dev/null', place],
    ),
  ];
  // bubblewrap mounts in the order of its options: outer places first, and the workspace above a fresh /var/tmp
  const sorted = sortByDepth(mounts);
  return (command) =>
    finish('bwrap', ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', ...sorted, ...rest, command]);
}

function isThere(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false }) !== undefined;
}

function sortByDepth(options: readonly string[]): string[] {
  const mounts: string[][] = [];
  for (const word of options) {
    if (word.startsWith('--')) mounts.push([word]);
    else mounts.at(-1)?.push(word);
  }
  const depth = (mount: readonly string[]): number => mount.at(-1)?.split('/').length ?? 0;
  return mounts.sort((a, b) => depth(a) - depth(b)).flat();
}
