/** The daemon's decision engine in this process, for what needs no daemon: the same functions, nothing runs. */
import type { Decision } from '../protocol/decision.ts';
import type { Explanation } from '../protocol/explanation.ts';
import type { Params } from '../protocol/messages.ts';

export type Check = (params: Params<'check'>) => Decision;

export interface OfflineChecks {
  /** The rules' own answer: auto-allow is off unless it was asked for. */
  readonly check: Check;
  readonly explain: (params: Params<'check'>) => { readonly decision: Decision; readonly explanation: Explanation };
  /** What `sbx run` would come to. */
  readonly checkRun: Check;
  /** What the person has not been told yet about the policy of this place. */
  readonly notices: (params: Params<'check'>) => readonly string[];
}

/** @throws {SbxError} `bad-policy` */
export async function loadChecks(): Promise<OfflineChecks> {
  const { askCheck, chooseWorkspace, commandText, createEngine, engineOptions, readConfig } = await import(
    '../../daemon/offline.ts'
  );
  const config = readConfig();
  const engine = await createEngine(engineOptions(config));
  // Text that no shell could be given still gets an answer; only nothing at all gets none.
  const ask = (params: Params<'check'>) =>
    askCheck(
      params,
      config.home,
      params.command !== undefined && params.command.trim() !== '' ? params.command : commandText(params),
    );
  return {
    check: (params) => engine.decide(ask(params)).decision,
    explain: (params) => engine.explain(ask(params)),
    // the policy's own setting holds unless the flag is there
    checkRun: (params) =>
      engine.decide({ ...ask(params), autoAllow: params.autoAllow === true ? true : undefined }).decision,
    notices: ({ cwd, workspace }) => engine.notices(chooseWorkspace({ cwd, workspace }, config.home).workspace),
  };
}

/** The modules behind the commands around policies, with an engine that also shows what is broken. */
export async function loadPolicyTools() {
  const daemon = await import('../../daemon/offline.ts');
  const config = daemon.readConfig();
  const engine = await daemon.createEngine({ ...daemon.engineOptions(config), evenIfBroken: true });
  return { ...daemon, config, engine };
}
