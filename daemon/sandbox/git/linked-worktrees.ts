/**
 * Worktrees besides the main one. Where one is stands in a file that leads git elsewhere, so that file is never taken over:
 * for a worktree that the command made it is written here, when the place is in the workspace and leads back.
 * Source: gitrepository-layout(5) "worktrees"
 */
import path from 'node:path';
import { FolderTree, UnusableFile } from './folder-tree.ts';
import type { Checkout } from './merge-checkout.ts';
import { isUnchanged, type Repository } from './repository.ts';

const maxPathBytes = 4096;
const maxWorktrees = 1000;

export interface LinkedWorktree extends Checkout {
  readonly workTree: string;
  readonly isNew: boolean;
}

/** Those that the command used or made. */
export function listWorktrees(common: Repository): readonly LinkedWorktree[] {
  const { target, staged, prefix, notes } = common;
  const worktrees: LinkedWorktree[] = [];
  for (const { name, kind } of staged.list(`${prefix}worktrees`).slice(0, maxWorktrees)) {
    if (kind === 'whiteout') continue;
    const own = `${prefix}worktrees/${name}`;
    const repository: Repository = { ...common, prefix: `${own}/` };
    try {
      if (kind !== 'folder') throw new UnusableFile('it is no folder');
      const isNew = target.kind(`${own}/gitdir`) === undefined;
      const workTree = path.dirname(readGitdir(isNew ? staged : target, common, own));
      if (isNew) checkPlace(repository, workTree);
      worktrees.push({ repository, workTree, isNew });
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error;
      notes.addKept(own, `the worktree is not taken over, because ${error.message}`);
    }
  }
  return worktrees;
}

/** Absolute path of the worktree's `.git`. */
function readGitdir(tree: FolderTree, { folder }: Repository, own: string): string {
  const text = tree.read(`${own}/gitdir`, maxPathBytes)?.bytes.toString() ?? '';
  const line = /^([^\x00-\x1f\x7f]+)\n?$/.exec(text)?.[1];
  if (line === undefined || path.basename(line) !== '.git') throw new UnusableFile('it does not say where it is');
  return path.resolve(folder, own, line);
}

function checkPlace({ prefix, folder, workspace }: Repository, workTree: string): void {
  const inside = path.relative(workspace, workTree);
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) {
    throw new UnusableFile(`${workTree} is not in the workspace`);
  }
  const tree = new FolderTree(workspace);
  try {
    const text = tree.read(`${inside}/.git`, maxPathBytes)?.bytes.toString() ?? '';
    const back = /^gitdir: ([^\n]+)\n?$/.exec(text)?.[1];
    if (back === undefined || path.resolve(workTree, back) !== path.resolve(folder, prefix)) {
      throw new UnusableFile(`${workTree}/.git does not lead back to it`);
    }
  } finally {
    tree.close();
  }
}

/** To be called when the rest of it is there: git takes a folder for a worktree from the moment it says where that is. */
export function registerWorktree({ repository, workTree }: LinkedWorktree): void {
  const { target, prefix } = repository;
  if (target.kind(`${prefix}HEAD`) !== 'file') return;
  target.replace(`${prefix}commondir`, Buffer.from('../..\n'));
  target.replace(`${prefix}gitdir`, Buffer.from(`${workTree}/.git\n`));
}

/** What the command took away, unless the host worked in it. To be called when everything else was merged. */
export function removeWorktrees(common: Repository): void {
  const { target, staged, prefix, notes } = common;
  for (const { name, kind } of target.list(`${prefix}worktrees`)) {
    const own = `${prefix}worktrees/${name}`;
    if (kind !== 'folder' || staged.showsLower(own) || staged.kind(own) === 'folder') continue;
    const files = listFiles(target, own);
    const changed = files.find((file) => {
      const stat = target.stat(file);
      return stat !== undefined && !isUnchanged(common, stat);
    });
    if (changed !== undefined)
      notes.addKept(own, 'the command removed the worktree; it stays, because the host used it');
    else {
      for (const file of files) target.remove(file);
      target.removeEmptyFolder(own);
    }
  }
  if (target.kind(`${prefix}worktrees`) === 'folder' && staged.kind(`${prefix}worktrees`) === 'whiteout') {
    target.removeEmptyFolder(`${prefix}worktrees`);
  }
}

function listFiles(tree: FolderTree, folder: string): readonly string[] {
  return tree
    .list(folder)
    .flatMap(({ name, kind }) => (kind === 'folder' ? listFiles(tree, `${folder}/${name}`) : [`${folder}/${name}`]));
}
