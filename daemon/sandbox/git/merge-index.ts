/**
 * The index of one working tree: what it would become, decided before anything is moved, because a branch that moves below
 * an index that does not follow would let the host's next commit undo the command's.
 */
import path from 'node:path';
import { inspectRepository } from '../guard/inspect-repository.ts';
import { toRaw } from '../guard/raw-name.ts';
import { withFolder } from '../guard/verified-folder.ts';
import { FolderTree, UnusableFile } from './folder-tree.ts';
import { formatIndex, gitlinkMode, type IndexEntry, parseIndex } from './index-file.ts';
import { mergeIndex } from './index-merge.ts';
import { type Repository, readBase } from './repository.ts';

const maxIndexBytes = 512 * 2 ** 20;

export type IndexPlan =
  | { readonly kind: 'unchanged'; readonly current: Buffer | undefined }
  | { readonly kind: 'merged'; readonly current: Buffer | undefined; readonly bytes: Buffer }
  | { readonly kind: 'conflict'; readonly because: string };

/** @param workTree absolute; undefined where none belongs to it. */
export function planIndex(repository: Repository, workTree: string | undefined): IndexPlan {
  const { target, staged, prefix, format, notes } = repository;
  const name = `${prefix}index`;
  const current = target.read(name, maxIndexBytes)?.bytes;
  const kind = staged.kind(name);
  if (kind === undefined) return { kind: 'unchanged', current };
  let stagedBytes: Buffer | undefined;
  try {
    stagedBytes = kind === 'whiteout' ? undefined : staged.read(name, maxIndexBytes)?.bytes;
  } catch (error) {
    if (error instanceof UnusableFile) return { kind: 'conflict', because: error.message };
    throw error;
  }
  const wanted = stagedBytes === undefined ? { entries: [] } : parseIndex(stagedBytes, format);
  const own = current === undefined ? { entries: [] } : parseIndex(current, format);
  if ('unusable' in wanted)
    return { kind: 'conflict', because: `the command's index cannot be used: ${wanted.unusable}` };
  if ('unusable' in own) return { kind: 'conflict', because: `the index cannot be merged: ${own.unusable}` };
  const baseFile = current === undefined ? { bytes: undefined } : readBase(repository, 'index', maxIndexBytes);
  const base =
    baseFile === undefined
      ? undefined
      : baseFile.bytes === undefined
        ? { entries: [] }
        : parseIndex(baseFile.bytes, format);
  const before = base === undefined || 'unusable' in base ? undefined : base.entries;
  const merged = mergeIndex(before, own.entries, wanted.entries);
  if ('conflict' in merged) {
    return {
      kind: 'conflict',
      because: `the host changed \`${Buffer.from(merged.conflict, 'latin1')}\` in the index too`,
    };
  }
  if (!merged.isChanged) return { kind: 'unchanged', current };
  const known = new Map(own.entries.map((entry) => [entry.path, entry]));
  const isNew = (entry: IndexEntry): boolean => known.get(entry.path)?.hash !== entry.hash;
  const missing = merged.entries.find(
    (entry) => entry.mode !== gitlinkMode && isNew(entry) && !repository.store.has(entry.hash),
  );
  if (missing !== undefined) {
    return { kind: 'conflict', because: `the object of \`${Buffer.from(missing.path, 'latin1')}\` is missing` };
  }
  const entries = merged.entries.filter((entry) => {
    if (entry.mode !== gitlinkMode || known.get(entry.path)?.mode === gitlinkMode) return true;
    const shown = Buffer.from(entry.path, 'latin1').toString();
    const judgement = workTree === undefined ? 'unsafe' : judgeSubmodule(repository, workTree, shown);
    if (judgement === 'own') notes.collect(shown, 'the command made it a submodule');
    if (judgement !== 'unsafe') return true;
    notes.add(
      shown,
      'not taken into the index as a submodule, because host git would read the configuration of the repository in it',
      `look at it, then: git add ${shown}`,
    );
    return false;
  });
  for (const entry of entries) {
    const old = known.get(entry.path);
    if ((entry.skipWorktree && !old?.skipWorktree) || (entry.assumeValid && !old?.assumeValid)) {
      const message = 'the command marked it in the index so that git does not look for changes of it';
      notes.collect(
        Buffer.from(entry.path, 'latin1').toString(),
        message,
        'git update-index --no-skip-worktree --no-assume-unchanged FILE',
      );
    }
  }
  return { kind: 'merged', current, bytes: formatIndex(entries, format) };
}

/**
 * `own`: nothing is there yet, or a file that leads to a git folder of this repository, whose configuration commands cannot
 * write. `harmless`: a repository in which there is nothing that a git of the host would run; commands cannot write to one
 * that was there, and one that is new is looked at again whenever it changes. `git add` of all that is there makes such.
 */
type SubmoduleJudgement = 'own' | 'harmless' | 'unsafe';

function judgeSubmodule({ folder }: Repository, workTree: string, submodule: string): SubmoduleJudgement {
  let tree: FolderTree;
  try {
    tree = new FolderTree(workTree);
  } catch {
    return 'unsafe';
  }
  try {
    const file = `${submodule}/.git`;
    const kind = tree.kind(file);
    if (kind === undefined) return 'own';
    if (kind === 'folder') return isHarmless(workTree, submodule) ? 'harmless' : 'unsafe';
    const text = tree.read(file, 4096)?.bytes.toString() ?? '';
    const gitFolder = /^gitdir: ([^\n]+)\n?$/.exec(text)?.[1];
    if (gitFolder === undefined) return 'unsafe';
    return path.resolve(workTree, submodule, gitFolder).startsWith(`${folder}/modules/`) ? 'own' : 'unsafe';
  } catch (error) {
    if (error instanceof UnusableFile) return 'unsafe';
    throw error;
  } finally {
    tree.close();
  }
}

/** Opened anew, step by step: a concurrent run may be swapping folders. */
function isHarmless(workTree: string, submodule: string): boolean {
  const at = path.join(workTree, submodule);
  const setting = { gitFolder: path.join(at, '.git'), tree: at };
  try {
    return withFolder(toRaw(workTree), [...submodule.split('/').map(toRaw), '.git'], (own) => {
      return inspectRepository(own, setting).length === 0;
    });
  } catch {
    return false;
  }
}

export const readIndexNow = ({ target, prefix }: Repository): Buffer | undefined =>
  target.read(`${prefix}index`, maxIndexBytes)?.bytes;
