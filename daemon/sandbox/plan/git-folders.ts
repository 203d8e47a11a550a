/**
 * Finds the git folders that a workspace's commands work in. Each becomes one read-only mount, so nothing in it can be
 * changed for the host: a later git there would run what its configuration, hooks and attributes name.
 *
 * A `.git` file may name any folder. One outside the workspace counts only when it names this workspace in turn, as git
 * writes it; otherwise unpacked files could open another repository of the user to commands.
 *
 * Only files are read here; git itself is never run in a workspace. Source: gitrepository-layout(5), git-worktree(1).
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { tryRealpath } from './places.ts';

export interface GitFacts {
  /** Links resolved; of a linked worktree the common one, which holds the worktree's own. */
  readonly folders: readonly string[];
  /** Files that lead to them. */
  readonly pins: readonly string[];
  /** Would lead to one if they were there, or cannot be pinned: only that they changed can be told. */
  readonly absent: readonly string[];
}

type Kind = 'folder' | 'file' | 'link' | 'absent' | 'other';

function kindOf(place: string): Kind {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other';
}

export function findGitFolders(workspace: string): GitFacts {
  const dotGit = path.join(workspace, '.git');
  switch (kindOf(dotGit)) {
    case 'folder':
      return { folders: [dotGit], pins: [], absent: [] };
    case 'file':
      return { folders: listed(followGitFile(workspace, dotGit)), pins: [dotGit], absent: [] };
    case 'link': {
      // a link cannot be a mount point
      const leadsTo = tryRealpath(dotGit);
      const inside = leadsTo !== undefined && isBelow(workspace, leadsTo) && kindOf(leadsTo) === 'folder';
      return { folders: inside ? [leadsTo] : [], pins: [], absent: [dotGit] };
    }
    default: {
      const parts = isBareRepository(workspace) ? listBareParts(workspace) : [];
      const present = parts.filter((part) => ['folder', 'file'].includes(kindOf(part)));
      return { folders: [], pins: present, absent: [dotGit, ...parts.filter((part) => !present.includes(part))] };
    }
  }
}

/** What a git would run, or read its configuration from, in a workspace that is a repository itself. */
export const bareParts: readonly string[] = ['config', 'config.worktree', 'commondir', 'hooks', 'info', 'modules'];

/** As git looks at a folder without `.git`. Source: setup.c "is_git_directory" */
export function isBareRepository(folder: string): boolean {
  const at = (name: string): string => path.join(folder, name);
  return (
    kindOf(at('HEAD')) !== 'absent' &&
    ((kindOf(at('objects')) !== 'absent' && kindOf(at('refs')) !== 'absent') || kindOf(at('commondir')) !== 'absent')
  );
}

/** All of it cannot be one read-only mount with copies for runs: the workspace would be that mount. */
function listBareParts(workspace: string): string[] {
  let worktrees: string[] = [];
  try {
    worktrees = readdirSync(path.join(workspace, 'worktrees'));
  } catch {
    // it has none
  }
  return [
    ...bareParts,
    ...worktrees.flatMap((name) => ['commondir', 'config.worktree'].map((part) => `worktrees/${name}/${part}`)),
  ].map((part) => path.join(workspace, part));
}

function listed(folder: string | undefined): string[] {
  return folder === undefined ? [] : [folder];
}

/** The git folder that a `.git` file stands for. */
function followGitFile(workspace: string, dotGit: string): string | undefined {
  const named = readLine(dotGit, 'gitdir: ');
  const own = named === undefined ? undefined : tryRealpath(path.resolve(workspace, named));
  if (own === undefined || kindOf(own) !== 'folder') return undefined;
  const commonName = readLine(path.join(own, 'commondir'));
  if (commonName === undefined) return isBelow(workspace, own) || isModuleOf(workspace, own) ? own : undefined;
  const common = tryRealpath(path.resolve(own, commonName));
  if (common === undefined || path.dirname(own) !== path.join(common, 'worktrees')) return undefined;
  const back = readLine(path.join(own, 'gitdir'));
  const isOurs = back !== undefined && path.resolve(own, back) === dotGit;
  return isOurs && !isBelow(common, workspace) ? common : undefined;
}

/**
 * A submodule's git folder names its checkout as `core.worktree`. The line as git writes it is enough: what is written
 * otherwise stays out of reach, as any other folder outside.
 */
function isModuleOf(workspace: string, own: string): boolean {
  const worktree = /^\tworktree = ([^"\\#;\n]+)$/m.exec(readSmall(path.join(own, 'config')) ?? '')?.[1];
  return worktree !== undefined && path.resolve(own, worktree) === workspace && !isBelow(own, workspace);
}

/** More than any path takes; a configuration that is longer is not looked through. */
const maxFileBytes = 65_536;

/** A named pipe at such a place would hold up whoever opens it. */
function readSmall(file: string): string | undefined {
  try {
    const stat = lstatSync(file);
    return stat.isFile() && stat.size <= maxFileBytes ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** What git writes as the one line of a file, without its line end. */
function readLine(file: string, before = ''): string | undefined {
  const text = readSmall(file)?.replace(/\n+$/, '');
  return text?.startsWith(before) && text.length > before.length ? text.slice(before.length) : undefined;
}

function isBelow(folder: string, candidate: string): boolean {
  return candidate.startsWith(`${folder}/`);
}
