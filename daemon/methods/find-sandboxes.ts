/** Puts together what the sandbox of one workspace needs from elsewhere: its account, its cache folder, protected names. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';
import type { Config } from '../config.ts';
import type { Engine } from '../offline.ts';
import { ensurePrivateDirectory } from '../platform/directories.ts';
import { loadSessionData } from '../platform/session-data.ts';
import { runTool } from '../platform/spawn.ts';
import { findWorkspaceObjection } from '../request/workspace.ts';
import type { TemplateSource } from '../sandbox/live-sandbox.ts';
import { type Account, asAccount, findAccount } from '../sandbox/plan/account.ts';
import { noFilePolicy } from '../sandbox/plan/file-rule.ts';
import { fallbackCacheFolder, insideCacheFolder } from '../sandbox/plan/tool-caches.ts';
import { openSession } from '../sandbox/session.ts';
import { requireTool } from '../sandbox/tools.ts';
import { openUnsandboxed } from '../sandbox/unsandboxed/unsandboxed.ts';
import type { SandboxSources } from './sessions.ts';

/** @throws {SbxError} `bad-workspace`, `sandbox-unavailable` */
export async function findSandboxes(
  workspace: string | undefined,
  config: Config,
  engine: Pick<Engine, 'filesOf' | 'limitsOf'>,
): Promise<SandboxSources> {
  const found = await findAccount(workspace);
  // The daemon's own home is where its user says it is, which need not be what the account database says.
  const account = found.uid === config.uid ? { ...found, home: config.home } : found;
  if (workspace !== undefined) refuseHome(workspace, found);
  const protectedPaths = loadSessionData().protectedNames;
  const cache = await makeCacheFolder(workspace, account, config);
  const cacheFolder = cache === undefined ? fallbackCacheFolder : insideCacheFolder;
  const sandboxed: TemplateSource = {
    account,
    cacheFolder,
    files: () => engine.filesOf(workspace, account.home),
    open: (files) => {
      const { processes, tmpBytes } = engine.limitsOf(workspace);
      return openSession({
        files,
        workspace,
        account,
        protectedPaths,
        writable: cache === undefined ? [] : [{ source: cache, target: insideCacheFolder }],
        otherHomes: [found.home],
        denyRead: [config.stateDirectory, config.cacheDirectory, config.configDirectory],
        ...(processes === undefined ? {} : { processes: processes.value }),
        ...(tmpBytes === undefined ? {} : { tmpBytes: tmpBytes.value }),
      });
    },
  };
  return {
    sandboxed,
    unsandboxed: { account, cacheFolder, files: () => noFilePolicy, open: () => openUnsandboxed(account) },
  };
}

/**
 * The caller's choice was checked against the home that the daemon's environment names. The account has one in the
 * account database too, and with a daemon that runs as root it is another account.
 * @throws {SbxError} `bad-workspace`
 */
function refuseHome(workspace: string, account: Account): void {
  const objection = findWorkspaceObjection(workspace, account.home);
  if (objection === undefined) return;
  throw new SbxError('bad-workspace', `\`${workspace}\` of ${account.name} cannot be the workspace: ${objection}`, {
    help: 'choose a project folder inside it',
  });
}

/**
 * One folder per workspace and account; what one workspace plants there no other workspace, nor the host, ever runs. For
 * another account it lies in that account's home and is made with its rights: root follows nobody's links there.
 * Undefined where that account has no home to keep it in.
 */
async function makeCacheFolder(
  workspace: string | undefined,
  account: Account,
  config: Config,
): Promise<string | undefined> {
  const name = createHash('sha256')
    .update(`${account.uid}\0${workspace ?? ''}`)
    .digest('hex')
    .slice(0, 24);
  if (account.uid === config.uid) {
    const folders = path.join(config.cacheDirectory, 'workspaces');
    ensurePrivateDirectory(folders, config.uid);
    const folder = path.join(folders, name);
    ensurePrivateDirectory(folder, config.uid);
    return folder;
  }
  const folder = path.join(account.home, '.cache/sbx/workspaces', name);
  const made = await runTool([...asAccount(account, requireTool), requireTool('mkdir'), '-p', '-m', '0700', folder]);
  return made.ok ? folder : undefined;
}
