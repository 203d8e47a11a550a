/** What `check` asks the engine: the same question, whether the daemon answers or the CLI does it in its own process. */
import type { Params } from '../../client/protocol/messages.ts';
import type { DecisionRequest } from '../evaluate.ts';
import { commandText } from '../request/command-text.ts';
import { chooseWorkspace } from '../request/workspace.ts';

/**
 * Auto-allow is off unless it is asked for: the rules' own answer.
 * @param home of the account that commands run as.
 * @param text in place of the command's, where also text that no shell could be given shall get an answer.
 * @throws {SbxError} `bad-request`, `empty-command`, `bad-command`, `bad-workspace`, `bad-cwd`
 */
export function askCheck(params: Params<'check'>, home: string, text = commandText(params)): DecisionRequest {
  const { mode, flags, autoAllow = false } = params;
  const { cwd, workspace } = chooseWorkspace({ cwd: params.cwd, workspace: params.workspace }, home);
  return { command: text, cwd, workspace, home, mode, autoAllow, flags };
}
