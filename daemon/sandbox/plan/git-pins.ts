/**
 * Which files of a repository no command may write: a later git of the host would run what they name (hooks, filters,
 * fsmonitor, pagers) or look for its configuration where they point. The rest of `.git` stays writable, so that add,
 * commit, checkout and merge work inside.
 *
 * Only files are read here; git itself is never run in a workspace. Source: gitrepository-layout(5).
 */
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

export interface GitPins {
  /** Git folders: mounts of their own, so that they cannot be renamed away. */
  readonly held: readonly string[];
  readonly pins: readonly string[];
  /** Would be pinned if they were there. */
  readonly absent: readonly string[];
}

const dangerousNames = ['config', 'config.worktree', 'commondir', 'gitdir', 'hooks', 'info', 'branches', 'remotes'];

function kindOf(place: string): 'folder' | 'file' | 'absent' | 'other' {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return 'absent';
  if (stat.isDirectory()) return 'folder';
  return stat.isFile() ? 'file' : 'other';
}

function listFolders(place: string): string[] {
  if (kindOf(place) !== 'folder') return [];
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(place, entry.name));
}

/** Git folders of submodules may lie at any depth of `modules`; each has a HEAD. */
function listModules(place: string): string[] {
  return listFolders(place).flatMap((folder) =>
    kindOf(path.join(folder, 'HEAD')) === 'file'
      ? [folder, ...listModules(path.join(folder, 'modules'))]
      : listModules(folder),
  );
}

export function findGitPins(workspace: string): GitPins {
  const dotGit = path.join(workspace, '.git');
  const kind = kindOf(dotGit);
  if (kind === 'folder') return findFolderPins(dotGit);
  // a file names the git folder of a linked worktree or a submodule; mostly it lies outside and stays read-only
  const leadsTo = findGitFolder(workspace, dotGit, kind);
  const inside = leadsTo === undefined ? { held: [], pins: [], absent: [] } : findFolderPins(leadsTo);
  // a link cannot be a mount point: only that it was replaced can be told
  return kind === 'file'
    ? { ...inside, pins: [dotGit, ...inside.pins] }
    : { ...inside, absent: [dotGit, ...inside.absent] };
}

/** Longer than any path: what is longer names no folder. */
const maxGitFileBytes = 8192;

/** The git folder that a `.git` file or link leads to, when commands could write there. */
function findGitFolder(workspace: string, dotGit: string, kind: 'file' | 'absent' | 'other'): string | undefined {
  try {
    const isSmall = lstatSync(dotGit).size <= maxGitFileBytes;
    const named =
      kind === 'file' && isSmall ? /^gitdir: (.+?)\n*$/s.exec(readFileSync(dotGit, 'utf8'))?.[1] : undefined;
    if (kind === 'file' && named === undefined) return undefined;
    const real = realpathSync(named === undefined ? dotGit : path.resolve(workspace, named));
    return real.startsWith(`${workspace}/`) && kindOf(real) === 'folder' ? real : undefined;
  } catch {
    return undefined;
  }
}

function findFolderPins(gitFolder: string): GitPins {
  const folders = [
    gitFolder,
    ...listFolders(path.join(gitFolder, 'worktrees')),
    ...listModules(path.join(gitFolder, 'modules')),
  ];
  const candidates = folders.flatMap((folder) => dangerousNames.map((name) => path.join(folder, name)));
  const present = candidates.filter((candidate) => ['file', 'folder'].includes(kindOf(candidate)));
  return { held: folders, pins: present, absent: candidates.filter((candidate) => kindOf(candidate) === 'absent') };
}
