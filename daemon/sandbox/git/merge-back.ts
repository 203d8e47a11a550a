/**
 * Takes over what a command did in a staged git folder. The folder's content is hostile: nothing is taken because it is
 * there, only what this code knows, has checked, and can put where it belongs without losing what the host did meanwhile.
 * Objects come first, then references, then HEAD and the index, each in one step; so a merge that is killed anywhere has
 * lost nothing, and doing it again finishes it. What cannot be taken over stays where it is, and is told.
 */
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import path from 'node:path';
import type { Violation } from '../../../client/protocol/events.ts';
import { BaseContents } from './base-contents.ts';
import { parseConfig, valuesByKey } from './config-file.ts';
import { UnusableFile } from './folder-tree.ts';
import type { GitBase } from './git-base.ts';
import { mergeLargeFiles } from './large-files.ts';
import { reportLeftovers } from './leftovers.ts';
import { listWorktrees, registerWorktree, removeWorktrees } from './linked-worktrees.ts';
import { Locks } from './locks.ts';
import { mergeCheckouts } from './merge-checkout.ts';
import { mergeConfig } from './merge-config.ts';
import { mergeObjects } from './merge-objects.ts';
import { Notes } from './notes.ts';
import type { ObjectFormat } from './object-format.ts';
import { ObjectStore } from './object-store.ts';
import type { Repository } from './repository.ts';
import { mergeShallow } from './shallow.ts';
import { StagedLayer } from './staged-layer.ts';
import { listSubmodules, type SubmodulePlace } from './submodules.ts';
import { TargetFolder } from './target-folder.ts';

const maxConfigBytes = 4 * 2 ** 20;

export interface MergeBackInput {
  /** The real one, links resolved. */
  readonly gitFolder: string;
  /** The overlay's upper layer. Beside it the merge writes down what it is about to lock. */
  readonly upper: string;
  /** By the clock of the git folder's file system, before the overlay was mounted. */
  readonly startedAtMs: number;
  /** Undefined after a crash; then a file counts as the run found it when nobody has written it since. */
  readonly base: GitBase | undefined;
  readonly workspace: string;
}

export interface MergeReport {
  /** Nothing is left in the staged folder that wants keeping. */
  readonly merged: boolean;
  readonly notes: readonly Violation[];
}

/**
 * To be called as the account that the commands ran as, when none of the run's processes is left, and not twice at a time
 * for one staged folder. It may be called again for the same one.
 * @param beforeStep called before each change of a file; what it throws ends the merge there.
 */
export async function mergeBack(
  input: MergeBackInput,
  beforeStep: (step: string) => void = () => undefined,
): Promise<MergeReport> {
  const { gitFolder, upper } = input;
  const notes = new Notes();
  try {
    const mark = createHash('sha256').update(upper).digest('hex').slice(0, 16);
    const target = new TargetFolder(gitFolder, mark, beforeStep);
    try {
      if (readlinkSync(`/proc/self/fd/${target.descriptor}`) !== gitFolder) {
        throw new UnusableFile('a link leads to it now');
      }
      await mergeInto(target, input, notes);
    } finally {
      target.close();
    }
  } catch (error) {
    if (!(error instanceof UnusableFile) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    notes.addKept(
      gitFolder,
      `what the command did in it is not taken over: ${(error as Error).message}; it is kept in ${upper}`,
    );
  }
  return { merged: !notes.keep, notes: notes.list() };
}

async function mergeInto(target: TargetFolder, input: MergeBackInput, notes: Notes): Promise<void> {
  const { gitFolder, upper, workspace, startedAtMs } = input;
  const beside = path.dirname(upper);
  // a time in milliseconds is rounded: the file system's are finer
  const startedAtNs = BigInt(Math.floor(startedAtMs * 1000)) * 1000n - 1000n;
  const locks = new Locks(target, beside);
  locks.recover();
  const base = new BaseContents(input.base, target, startedAtNs, beside);
  const staged = await StagedLayer.open(upper, target);
  try {
    if (!staged.isComplete) {
      const because = 'GNU tar is not there to tell which folders were made anew';
      notes.addKept(gitFolder, `removals in it may be missed, because ${because}`);
    }
    const shared = { target, staged, locks, notes, base, workspace, upper, folder: gitFolder, startedAtNs };
    await mergeRepository(shared, { prefix: '', workTree: workspace });
  } finally {
    staged.close();
  }
}

/** The git folder itself, or that of a submodule, with the submodules in it. */
async function mergeRepository(
  shared: Omit<Repository, 'prefix' | 'commonPrefix' | 'format' | 'store'>,
  { prefix, workTree }: SubmodulePlace,
): Promise<void> {
  const { target, folder } = shared;
  const format = readObjectFormat(target, `${prefix}config`);
  const store = new ObjectStore(target, `${prefix}objects/`, format, path.join(folder, prefix, 'objects'));
  const repository: Repository = { ...shared, prefix, commonPrefix: prefix, format, store };
  try {
    await mergeObjects(repository);
    mergeLargeFiles(repository);
    mergeShallow(repository);
    // before the index that may name them
    for (const submodule of listSubmodules(repository)) await mergeRepository(shared, submodule);
    const worktrees = listWorktrees(repository);
    await mergeCheckouts(repository, [{ repository, workTree }, ...worktrees]);
    for (const worktree of worktrees) if (worktree.isNew) registerWorktree(worktree);
    removeWorktrees(repository);
    await mergeConfig(repository);
    for (const own of [repository, ...worktrees.map((worktree) => worktree.repository)]) reportLeftovers(own);
  } finally {
    store.close();
  }
}

function readObjectFormat(target: TargetFolder, file: string): ObjectFormat {
  const sections = parseConfig(target.read(file, maxConfigBytes)?.bytes.toString('latin1') ?? '');
  if (sections === undefined) throw new UnusableFile(`${file} cannot be read`);
  return valuesByKey(sections).get('extensions.objectformat')?.at(-1)?.toLowerCase() === 'sha256' ? 'sha256' : 'sha1';
}
