/** What is fixed about a run before it is decided: its text, folder and environment, as whom it will run. */
import { SbxError } from '../../client/protocol/errors.ts';
import type { Params } from '../../client/protocol/messages.ts';
import type { Config } from '../config.ts';
import { commandText } from '../request/command-text.ts';
import { resolveDirectory } from '../request/workspace.ts';
import type { CommandPlan } from '../sandbox/model.ts';
import { buildEnvironment, findGranted } from './run-environment.ts';
import type { Session } from './sessions.ts';

/** What an interactive shell is called in rules and in the list of runs. */
const shellText = 'bash -i';

/**
 * @param folder where it starts when the request names none.
 * @param decided what is known only once it was decided: variables that the policy grants, and that it runs outside.
 * @throws {SbxError} `bad-request`, `empty-command`, `bad-command`, `bad-cwd`, `bad-environment`
 */
export function prepareCommand(
  params: Params<'run.start'>,
  session: Session,
  folder: string,
  config: Config,
  decided: { readonly grantedEnv?: readonly string[]; readonly outside?: boolean } = {},
): Omit<CommandPlan, 'limits'> {
  return {
    command: params.shell ? readShellWish(params) : commandText(params),
    shell: params.shell === true,
    cwd: params.cwd === undefined ? folder : resolveDirectory(params.cwd, 'bad-cwd'),
    env: environmentOf(
      params,
      session,
      config,
      decided.grantedEnv ?? [],
      decided.outside === true ? undefined : session.cacheFolder,
    ),
    umask: params.umask ?? 0o022,
    pty: params.pty && { ...params.pty.size, term: params.pty.term },
    stdin: params.stdin,
    // before it is known what the command does
    git: params.background === true ? 'read-only' : 'staged',
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

function environmentOf(
  params: Params<'run.start'>,
  session: Session,
  config: Config,
  grantedEnv: readonly string[],
  cacheFolder: string | undefined,
): Map<string, string> {
  const { account } = session;
  const env = { ...params.env, ...Object.fromEntries(session.env) };
  const grants = [...(params.grantEnv ?? []), ...session.env.keys(), ...findGranted(grantedEnv, env)];
  const caller = { env, grants };
  const place = { account, cacheFolder, term: params.pty?.term, shell: params.shell === true };
  return buildEnvironment(caller, place, config);
}
