/**
 * Ends a staged copy: what is safe in it is merged into the repository, then it is removed. One that cannot be merged
 * wholly is kept and named. Merges into one repository happen one after the other.
 */
import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import { runTool } from '../../platform/spawn.ts';
import { type Account, asAccount } from '../plan/account.ts';
import { requireTool } from '../tools.ts';
import type { GitBase } from './git-base.ts';
import { mergeAsAccount } from './merge-as-account.ts';
import type { RunRecord } from './run-record.ts';

export interface StagedCopy {
  readonly account: Account;
  /** Holds `run.json`, `up` and `work`. */
  readonly folder: string;
  readonly record: Pick<RunRecord, 'gitFolder' | 'workspace'>;
  /** Undefined after a crash. */
  readonly base: GitBase | undefined;
}

/**
 * A file's times have the grain of the kernel's clock tick. A run that began in the tick of a merge could not tell the
 * merged files from those that the host changes later.
 */
const tickMs = 11;

/** Names of copies that a run or a merge of this daemon has in use. */
export const liveCopies = new Set<string>();

const queues = new Map<string, Promise<unknown>>();
const mergedAt = new Map<string, number>();

/** Resolves when a run may begin: no merge into the repository is going on, and its tick is over. */
export async function waitForMerges(gitFolder: string): Promise<void> {
  await queues.get(gitFolder);
  const restMs = (mergedAt.get(gitFolder) ?? Number.NEGATIVE_INFINITY) + tickMs - performance.now();
  if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
}

/** To be called when no process is left that has the copy mounted. Never rejects. */
export async function settleCopy(copy: StagedCopy): Promise<readonly Violation[]> {
  const { gitFolder } = copy.record;
  const before = queues.get(gitFolder);
  const settled = (async () => {
    await before;
    try {
      return await mergeAndRemove(copy);
    } catch (error) {
      return [noteKept(copy, (error as Error).message)];
    } finally {
      copy.base?.close();
    }
  })();
  queues.set(gitFolder, settled);
  const notes = await settled;
  if (queues.get(gitFolder) === settled) queues.delete(gitFolder);
  return notes;
}

/** Never rejects: what cannot be removed now is when the next session opens. */
export async function discardCopy(copy: StagedCopy): Promise<void> {
  copy.base?.close();
  await removeCopy(copy).catch(() => undefined);
}

async function mergeAndRemove(copy: StagedCopy): Promise<readonly Violation[]> {
  const { account, base, folder, record } = copy;
  const upper = path.join(folder, 'up');
  if (await isUntouched(upper)) {
    await removeCopy(copy);
    return [];
  }
  const { mtimeMs: startedAtMs } = await lstat(path.join(folder, 'run.json'));
  const report = await mergeAsAccount(account, { ...record, upper, startedAtMs, base });
  mergedAt.set(record.gitFolder, performance.now());
  if (report.merged) await removeCopy(copy);
  return report.notes;
}

/** Also when the command never began and nothing was made. */
async function isUntouched(upper: string): Promise<boolean> {
  try {
    return (await readdir(upper)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
}

/** Root follows nobody's links in a folder of another account, so it removes with that account's rights. */
export async function removeCopy({ account, folder }: Pick<StagedCopy, 'account' | 'folder'>): Promise<void> {
  const prefix = asAccount(account, requireTool);
  if (prefix.length > 0) {
    const script = 'chmod 0700 "$1/work/work" 2>/dev/null; exec rm -rf -- "$1"';
    const removed = await runTool([...prefix, requireTool('bash'), '-c', script, 'sbx', folder]);
    if (!removed.ok) throw new Error(`\`${folder}\` could not be removed: ${removed.stderr.trim()}`);
    return;
  }
  // overlayfs leaves a folder of its own that nobody may read
  await chmod(path.join(folder, 'work', 'work'), 0o700).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
}

function noteKept({ folder, record }: StagedCopy, why: string): Violation {
  return {
    kind: 'git',
    target: record.gitFolder,
    message: `what the command did to the repository was not taken over (${why}); it is kept in \`${folder}/up\``,
  };
}
