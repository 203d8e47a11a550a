/** Puts together what the sandbox of one workspace needs from elsewhere: its account, its cache folder, protected names. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Config } from '../config.ts';
import { noFilePolicy } from '../decide/file-rules.ts';
import type { Engine } from '../offline.ts';
import { ensurePrivateDirectory } from '../platform/directories.ts';
import { runTool } from '../platform/spawn.ts';
import type { TemplateSource } from '../sandbox/live-sandbox.ts';
import { type Account, asAccount } from '../sandbox/plan/account.ts';
import { fallbackCacheFolder, insideCacheFolder } from '../sandbox/plan/tool-caches.ts';
import { openSession } from '../sandbox/session.ts';
import { requireTool } from '../sandbox/tools.ts';
import { openUnsandboxed } from '../sandbox/unsandboxed/unsandboxed.ts';
import { takeCacheSlot } from './cache-slots.ts';
import { describeInput, findSandboxAccount } from './sandbox-input.ts';
import type { SandboxSources } from './sessions.ts';

/** @throws {SbxError} `bad-workspace`, `sandbox-unavailable` */
export async function findSandboxes(
  workspace: string | undefined,
  config: Config,
  engine: Pick<Engine, 'filesOf' | 'limitsOf'>,
): Promise<SandboxSources> {
  const found = await findSandboxAccount(workspace, config);
  const { account } = found;
  const cache = await makePrivateFolder('workspaces', workspace, account, config);
  const staged = workspace === undefined ? undefined : await makePrivateFolder('staged', workspace, account, config);
  const cacheFolder = cache === undefined ? fallbackCacheFolder : insideCacheFolder;
  const sandboxed: TemplateSource = {
    account,
    cacheFolder,
    files: () => engine.filesOf(workspace, account.home),
    open: (files, unprotected = []) => {
      const slot = cache === undefined ? undefined : takeCacheSlot(cache);
      const opening = openSession({
        ...describeInput(
          workspace,
          found,
          { cache: cache === undefined || slot === undefined ? undefined : { source: cache, slot: slot.slot }, staged },
          { files, limits: engine.limitsOf(workspace), config },
        ),
        unprotected,
      });
      if (slot !== undefined) opening.then(({ closed }) => closed.then(slot.release), slot.release);
      return opening;
    },
  };
  return {
    sandboxed,
    unsandboxed: { account, cacheFolder, files: () => noFilePolicy, open: () => openUnsandboxed(account) },
  };
}

/**
 * One folder per workspace and account, for caches of tools or for copies of repositories; what one workspace plants
 * there no other workspace, nor the host, ever runs. For another account it lies in that account's home and is made with
 * its rights: root follows nobody's links there. Undefined where that account has no home to keep it in.
 */
async function makePrivateFolder(
  kind: 'workspaces' | 'staged',
  workspace: string | undefined,
  account: Account,
  config: Config,
): Promise<string | undefined> {
  const name = createHash('sha256')
    .update(`${account.uid}\0${workspace ?? ''}`)
    .digest('hex')
    .slice(0, 24);
  if (account.uid === config.uid) {
    const folders = path.join(config.cacheDirectory, kind);
    ensurePrivateDirectory(folders, config.uid);
    const folder = path.join(folders, name);
    ensurePrivateDirectory(folder, config.uid);
    return folder;
  }
  const folder = path.join(account.home, '.cache/sbx', kind, name);
  const made = await runTool([...asAccount(account, requireTool), requireTool('mkdir'), '-p', '-m', '0700', folder]);
  return made.ok ? folder : undefined;
}
