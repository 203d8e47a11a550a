/** The daemon's decision engine in this process, for `sbx check`: the same functions, no daemon, nothing runs. */
import type { Decision } from '../protocol/decision.ts';
import type { Params } from '../protocol/messages.ts';

export type Check = (params: Params<'check'>) => Decision;

/**
 * Lines that arrived together name the same folder, and finding its workspace is a dozen system calls. Kept no longer than
 * one turn of the event loop: a process that is asked all day sees a repository that was made meanwhile.
 */
function rememberForTurn<Value>(
  look: (cwd: string, workspace: string | undefined) => Value,
): (cwd: string, workspace: string | undefined) => Value {
  const seen = new Map<string, Value>();
  return (cwd, workspace) => {
    const key = JSON.stringify([cwd, workspace]);
    const known = seen.get(key);
    if (known !== undefined) return known;
    const value = look(cwd, workspace);
    if (seen.size === 0) setImmediate(() => seen.clear());
    seen.set(key, value);
    return value;
  };
}

/** @throws {SbxError} `bad-policy` */
export async function loadCheck(): Promise<Check> {
  const { commandText, chooseWorkspace, createEngine, readConfig } = await import('../../daemon/offline.ts');
  const config = readConfig();
  const engine = await createEngine({ userPolicyFile: config.userPolicyFile, home: config.home });
  const choose = rememberForTurn((cwd: string, workspace: string | undefined) =>
    chooseWorkspace({ cwd, workspace }, config.home),
  );
  return (params) => {
    const chosen = choose(params.cwd, params.workspace);
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
