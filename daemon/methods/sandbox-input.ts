/** What the sandbox of a workspace is made of: the same for a session and for `sbx plan`, which makes none. */
import path from 'node:path';
import { SbxError } from '../../client/protocol/errors.ts';
import type { Config } from '../config.ts';
import type { FilePolicy } from '../decide/file-rules.ts';
import type { Limits } from '../decide/limits.ts';
import { loadSessionData } from '../platform/session-data.ts';
import { findWorkspaceObjection } from '../request/workspace.ts';
import { type Account, findAccount } from '../sandbox/plan/account.ts';
import type { SessionInput } from '../sandbox/plan/input.ts';
import type { CacheWish } from '../sandbox/plan/tool-caches.ts';
import { ownProgramRules } from './own-program.ts';

export interface FoundAccount {
  readonly account: Account;
  /** As the account database has it. */
  readonly listed: Account;
}

/** @throws {SbxError} `bad-workspace` */
export async function findSandboxAccount(workspace: string | undefined, config: Config): Promise<FoundAccount> {
  const listed = await findAccount(workspace);
  // The daemon's own home is where its user says it is, which need not be what the account database says.
  const account = listed.uid === config.uid ? { ...listed, home: config.home } : listed;
  if (workspace !== undefined) refuseHome(workspace, listed);
  return { account, listed };
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

/** Private folders of the account on the host. */
export interface PrivateFolders {
  /** For the caches of tools. */
  readonly cache: Omit<CacheWish, 'caches'> | undefined;
  /** For copies of repositories. */
  readonly staged: string | undefined;
}

/** Where a daemon notes what its runs may leave. */
export function findRecordFolder(config: Config): string {
  return path.join(config.stateDirectory, 'guard');
}

export function describeInput(
  workspace: string | undefined,
  { account, listed }: FoundAccount,
  { cache, staged }: PrivateFolders,
  wants: { readonly files: FilePolicy; readonly limits: Limits; readonly config: Config },
): SessionInput & { readonly account: Account } {
  const { config, files, limits } = wants;
  const { processes, tmpBytes } = limits;
  const { protectedNames, protectedPaths, toolCaches } = loadSessionData();
  const quarantine =
    account.uid === config.uid
      ? path.join(config.stateDirectory, 'quarantine')
      : path.join(account.home, '.local/state/sbx/quarantine');
  return {
    files: { ...files, rules: [...files.rules, ...ownProgramRules()] },
    ...(files.network === undefined ? {} : { network: files.network }),
    userNamespaces: files.userNamespaces ? 'open' : 'closed',
    workspace,
    account,
    protectedPaths: protectedNames,
    ...(cache === undefined ? {} : { caches: { ...cache, caches: toolCaches } }),
    otherHomes: [listed.home],
    ...(staged === undefined ? {} : { staged }),
    guard: { names: protectedPaths, quarantine, records: findRecordFolder(config) },
    denyRead: [
      ...[config.stateDirectory, config.cacheDirectory, config.configDirectory],
      // another account's folders are not in the daemon's own
      ...[quarantine, ...(staged === undefined ? [] : [path.dirname(staged)])],
    ],
    ...(processes === undefined ? {} : { processes: processes.value }),
    ...(tmpBytes === undefined ? {} : { tmpBytes: tmpBytes.value }),
  };
}
