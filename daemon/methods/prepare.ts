/** What is fixed about a run before it is decided: its text, folder and environment, as whom it will run. */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Params } from '../../client/protocol/messages.ts';
import type { Config } from '../config.ts';
import { loadSessionData } from '../platform/session-data.ts';
import { commandText } from '../request/command-text.ts';
import { selectEnvironment } from '../request/environment.ts';
import { resolveDirectory } from '../request/workspace.ts';
import type { CommandPlan } from '../sandbox/model.ts';
import { cacheEnvironment } from '../sandbox/plan/tool-caches.ts';
import type { Session } from './sessions.ts';

/** Where a caller names none, as a service manager or another machine's client: the usual system folders. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What an interactive shell is called in rules and in the list of runs. */
const shellText = 'bash -i';

/**
 * @param folder where it starts when the request names none.
 * @throws {SbxError} `bad-request`, `empty-command`, `bad-command`, `bad-cwd`, `bad-environment`
 */
export function prepareCommand(
  params: Params<'run.start'>,
  session: Session,
  folder: string,
  config: Config,
): Omit<CommandPlan, 'limits'> {
  return {
    command: params.shell ? readShellWish(params) : commandText(params),
    shell: params.shell === true,
    cwd: params.cwd === undefined ? folder : resolveDirectory(params.cwd, 'bad-cwd'),
    env: buildEnvironment(params, session, config),
    umask: params.umask ?? 0o022,
    pty: params.pty && { ...params.pty.size, term: params.pty.term },
    stdin: params.stdin,
    reportCwd: params.cwd === undefined && params.background !== true && params.shell !== true,
  };
}

function readShellWish(params: Params<'run.start'>): string {
  if (params.command !== undefined || params.argv !== undefined) {
    throw new SbxError('bad-request', 'a shell has neither `command` nor `argv`', { help: 'leave `shell` out' });
  }
  if (!params.pty) {
    throw new SbxError('bad-request', 'a shell needs a terminal (`pty`)', { help: 'run the commands one by one' });
  }
  return shellText;
}

function buildEnvironment(params: Params<'run.start'>, session: Session, config: Config): Map<string, string> {
  const { account, cacheFolder } = session;
  const { environment, toolCaches } = loadSessionData();
  const grants = [...(params.grantEnv ?? []), ...session.env.keys()];
  const caller = { ...params.env, ...Object.fromEntries(session.env) };
  const env = selectEnvironment({ env: caller, grants }, environment);
  if (!env.has('PATH')) env.set('PATH', defaultPath);
  if (account.uid !== config.uid || !env.has('HOME')) {
    env.set('HOME', account.home).set('USER', account.name).set('LOGNAME', account.name);
  }
  // The parser decodes `\\u` escapes as a UTF-8 locale does; without any locale bash would not.
  if (![...env.keys()].some((name) => name === 'LANG' || name === 'LC_ALL' || name === 'LC_CTYPE'))
    env.set('LANG', 'C.UTF-8');
  if (params.pty) env.set('TERM', params.pty.term);
  if (params.shell) env.set('PS1', 'sbx:\\w\\$ ');
  // Outside the sandbox tools keep their files where they always do.
  if (cacheFolder === undefined) return env;
  const own = new Map([['TMPDIR', '/tmp'], ...cacheEnvironment(toolCaches, cacheFolder)]);
  for (const [name, value] of own) if (!grants.includes(name)) env.set(name, value);
  return env;
}
