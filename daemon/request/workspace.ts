/**
 * Which folder a command may write. The git root of the start folder, else the start folder; places that belong to the
 * system or are a whole home are refused, because one `sbx run` typed there would make everything in them writable.
 */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';

export interface WorkspaceWish {
  readonly cwd: string;
  /** Named by the caller: taken as it is, or refused with an error. */
  readonly workspace: string | undefined;
}

export interface ChosenWorkspace {
  /** Real path; undefined where nothing may be written. */
  readonly workspace: string | undefined;
  readonly cwd: string;
  readonly notes: readonly string[];
}

const systemTrees = [
  '/proc',
  '/sys',
  '/dev',
  '/boot',
  '/etc',
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
];
const sharedFolders = ['/', '/home', '/tmp', '/var', '/var/tmp', '/run', '/opt', '/srv', '/mnt', '/media', '/root'];
/** Below the home. A project inside `.config` is common; the folder itself is not a project. */
const settingsFolders = ['.config', '.cache', '.local', '.local/share', '.local/state'];
const privateTrees = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.kube',
  '.config/sbx',
  '.config/gh',
  '.config/gcloud',
  '.local/state/sbx',
  '.cache/sbx',
];

function isInside(child: string, parent: string): boolean {
  return child === parent || child.startsWith(parent === '/' ? '/' : `${parent}/`);
}

/** Why a folder cannot be a workspace, as the end of a sentence; undefined when it can. */
export function findWorkspaceObjection(folder: string, home: string): string | undefined {
  if (folder === home) return 'it is the home folder';
  if (isInside(home, folder)) return 'the home folder is inside it';
  if (sharedFolders.includes(folder)) return 'it is shared by the whole system';
  if (systemTrees.some((tree) => isInside(folder, tree))) return 'it belongs to the system';
  if (
    settingsFolders.some((name) => folder === path.join(home, name)) ||
    privateTrees.some((name) => isInside(folder, path.join(home, name)))
  ) {
    return 'credentials or settings are kept in it';
  }
  return undefined;
}

function findGitRoot(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    if (lstatSync(path.join(at, '.git'), { throwIfNoEntry: false })) return at;
    if (at === path.dirname(at)) return undefined;
  }
}

/** @throws {SbxError} with the given code when it is missing or no directory */
export function resolveDirectory(folder: string, code: 'bad-cwd' | 'bad-workspace'): string {
  const what = code === 'bad-cwd' ? 'the working directory' : 'the workspace';
  let isDirectory: boolean;
  try {
    isDirectory = statSync(folder).isDirectory();
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw new SbxError(code, `${what} \`${folder}\` ${missing ? 'does not exist' : 'cannot be entered'}`, {
      help: 'name a folder that exists and that you may enter',
      cause: error,
    });
  }
  if (!isDirectory) {
    throw new SbxError(code, `${what} \`${folder}\` is not a directory`, { help: 'name a folder, not a file' });
  }
  return realpathSync.native(folder);
}

/** Accounts of services and containers name homes that are not there. */
function resolveHome(home: string): string {
  try {
    return realpathSync.native(home);
  } catch {
    return home;
  }
}

/** @throws {SbxError} `bad-cwd`, `bad-workspace` */
export function chooseWorkspace(wish: WorkspaceWish, home: string): ChosenWorkspace {
  const cwd = resolveDirectory(wish.cwd, 'bad-cwd');
  const realHome = resolveHome(home);
  if (wish.workspace !== undefined) {
    const workspace = resolveDirectory(wish.workspace, 'bad-workspace');
    const objection = findWorkspaceObjection(workspace, realHome);
    if (objection !== undefined) {
      throw new SbxError('bad-workspace', `\`${workspace}\` cannot be the workspace: ${objection}`, {
        help: 'choose a project folder inside it',
      });
    }
    return { workspace, cwd, notes: [] };
  }
  const candidates = [findGitRoot(cwd), cwd].filter((folder) => folder !== undefined);
  const workspace = candidates.find((folder) => findWorkspaceObjection(folder, realHome) === undefined);
  if (workspace !== undefined) return { workspace, cwd, notes: [] };
  const why = findWorkspaceObjection(cwd, realHome);
  return {
    workspace: undefined,
    cwd,
    notes: [`\`${cwd}\` is not used as a workspace (${why}): only /tmp is writable; --workspace DIR chooses a folder`],
  };
}
