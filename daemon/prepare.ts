/** What is fixed about a run before it is decided: its text, folder and environment, as whom it will run. */
import type { Params } from '../client/protocol/messages.ts';
import type { Config } from './config.ts';
import { loadSessionData } from './platform/session-data.ts';
import { commandText } from './request/command-text.ts';
import { selectEnvironment } from './request/environment.ts';
import { resolveDirectory } from './request/workspace.ts';
import type { Account } from './sandbox/account.ts';
import type { CommandPlan } from './sandbox/model.ts';
import { cacheEnvironment } from './sandbox/tool-caches.ts';

export interface PrepareContext {
  /** Folder of the session's start, for a request that names none. */
  readonly cwd: string;
  /** As whom the command will run. */
  readonly account: Account;
  /** Where tools keep their caches inside. */
  readonly cacheFolder: string;
  readonly config: Config;
}

/** @throws {SbxError} `bad-request`, `empty-command`, `bad-command`, `bad-cwd`, `bad-environment` */
export function prepareCommand(params: Params<'run.start'>, context: PrepareContext): CommandPlan {
  return {
    command: commandText(params),
    cwd: params.cwd === undefined ? context.cwd : resolveDirectory(params.cwd, 'bad-cwd'),
    env: buildEnvironment(params, context),
    umask: params.umask ?? 0o022,
    pty: params.pty && { ...params.pty.size, term: params.pty.term },
    stdin: params.stdin,
  };
}

function buildEnvironment(params: Params<'run.start'>, context: PrepareContext): Map<string, string> {
  const { account, cacheFolder, config } = context;
  const { environment, toolCaches } = loadSessionData();
  const grants = params.grantEnv ?? [];
  const env = selectEnvironment({ env: params.env, grants }, environment);
  if (account.uid !== config.uid) {
    env.set('HOME', account.home).set('USER', account.name).set('LOGNAME', account.name);
  }
  // The parser decodes `\\u` escapes as a UTF-8 locale does; without any locale bash would not.
  if (![...env.keys()].some((name) => name === 'LANG' || name === 'LC_ALL' || name === 'LC_CTYPE'))
    env.set('LANG', 'C.UTF-8');
  if (params.pty) env.set('TERM', params.pty.term);
  const own = new Map([['TMPDIR', '/tmp'], ...cacheEnvironment(toolCaches, cacheFolder)]);
  for (const [name, value] of own) if (!grants.includes(name)) env.set(name, value);
  return env;
}
