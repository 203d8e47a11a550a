/** One git folder during a merge back: where it is in the real and in the staged tree, and what is known of its past. */
import type { BigIntStats } from 'node:fs';
import type { BaseContent, BaseContents } from './base-contents.ts';
import type { Locks } from './locks.ts';
import type { Notes } from './notes.ts';
import type { ObjectFormat } from './object-format.ts';
import type { ObjectStore } from './object-store.ts';
import type { StagedLayer } from './staged-layer.ts';
import type { TargetFolder } from './target-folder.ts';

export interface Repository {
  readonly target: TargetFolder;
  readonly staged: StagedLayer;
  /** Of this repository within both: empty, or with a slash at the end. */
  readonly prefix: string;
  /** Where objects, references and configuration are; another one for linked worktrees. */
  readonly commonPrefix: string;
  /** Absolute path of the outermost git folder. */
  readonly folder: string;
  readonly workspace: string;
  readonly upper: string;
  readonly format: ObjectFormat;
  readonly store: ObjectStore;
  readonly locks: Locks;
  readonly notes: Notes;
  readonly base: BaseContents;
  readonly startedAtNs: bigint;
}

/**
 * Nobody has written the file since the run began. The kernel sets this time itself, at every write and rename.
 * A file of the very moment counts as changed.
 */
export const isUnchanged = ({ startedAtNs }: Repository, stat: BigIntStats): boolean => stat.ctimeNs < startedAtNs;

/** @returns undefined when it cannot be known any more. */
export const readBase = (repository: Repository, name: string, maxBytes: number): BaseContent | undefined =>
  repository.base.read(repository.prefix + name, maxBytes);
