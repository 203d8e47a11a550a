/**
 * Outlives the daemon for a moment: a small shell waits for the end of a pipe that only the daemon holds open. When the
 * daemon is killed while a run goes on, what that run planted would lie there until somebody starts the next one; the shell
 * then starts the program that puts it aside. It costs a daemon one idle process, and a run nothing.
 */
import path from 'node:path';
import { findPackageRoot } from '../../platform/package-root.ts';
import { findTool, startProcess } from '../../platform/spawn.ts';

const script = `read -r _
for record in "$1"/*.json; do
  [[ -e $record ]] && exec "$2" "$3" "$1"
done
`;

const kept = new Set<string>();

/** Once for a folder of records. Without it, what is left is settled when the workspace is next opened. */
export function keepWatch(records: string): void {
  if (kept.has(records)) return;
  const bash = findTool('bash');
  if (bash === undefined) return;
  const program = path.join(findPackageRoot(), 'dist', 'settle-records.js');
  const words = ['--norc', '--noprofile', '-c', script, 'sbx-keeper', records, process.execPath, program];
  try {
    const keeper = startProcess([bash, ...words], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      outlives: true,
    });
    kept.add(records);
    keeper.streams[0]?.on('error', () => {});
    void keeper.exit.then(() => kept.delete(records));
  } catch {
    // no process to be had: the next opening of the workspace has to do
  }
}
