/** Puts together what the sandbox of one workspace needs from elsewhere: its account, its cache folder, protected names. */
import { createHash } from 'node:crypto';
import { lchownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Config } from './config.ts';
import { loadProtectedNames } from './platform/catalogue-files.ts';
import { ensurePrivateDirectory } from './platform/directories.ts';
import { type Account, findAccount } from './sandbox/account.ts';
import { openSession } from './sandbox/session.ts';
import type { TemplateSource } from './sandbox/sessions.ts';
import { insideCacheFolder } from './sandbox/tool-caches.ts';

export async function findWorkspaceSandbox(workspace: string | undefined, config: Config): Promise<TemplateSource> {
  const found = await findAccount(workspace);
  // The daemon's own home is where its user says it is, which need not be what the account database says.
  const account = found.uid === config.uid ? { ...found, home: config.home } : found;
  const protectedPaths = loadProtectedNames();
  return {
    account,
    open: async () =>
      openSession({
        workspace,
        account,
        protectedPaths,
        writable: [{ source: makeCacheFolder(workspace, account, config), target: insideCacheFolder }],
        denyRead: [config.stateDirectory, config.cacheDirectory, config.configDirectory],
      }),
  };
}

/** One folder per workspace and account; what one workspace plants there no other workspace, nor the host, ever runs. */
function makeCacheFolder(workspace: string | undefined, account: Account, config: Config): string {
  const folders = path.join(config.cacheDirectory, 'workspaces');
  ensurePrivateDirectory(folders, config.uid);
  const name = createHash('sha256')
    .update(`${account.uid}\0${workspace ?? ''}`)
    .digest('hex')
    .slice(0, 24);
  const folder = path.join(folders, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The folders below are the tools' to make: as root nothing is touched inside what a command can rearrange.
  if (account.uid !== config.uid) lchownSync(folder, account.uid, account.gid);
  return folder;
}
