/** The daemon's decision engine in this process, for `sbx check`: the same functions, no daemon, nothing runs. */
import type { Decision } from '../protocol/decision.ts';
import type { Params } from '../protocol/messages.ts';

export type Check = (params: Params<'check'>) => Decision;

/** @throws {SbxError} `bad-policy` */
export async function loadCheck(): Promise<Check> {
  const { commandText, chooseWorkspace, createEngine, readConfig } = await import('../../daemon/offline.ts');
  const config = readConfig();
  const engine = await createEngine({ userPolicyFile: config.userPolicyFile, home: config.home });
  return (params) => {
    const chosen = chooseWorkspace({ cwd: params.cwd, workspace: params.workspace }, config.home);
    return engine.decide({
      command: commandText(params),
      cwd: chosen.cwd,
      workspace: chosen.workspace,
      home: config.home,
      mode: params.mode,
      autoAllow: params.autoAllow ?? false,
      flags: params.flags,
    }).decision;
  };
}
