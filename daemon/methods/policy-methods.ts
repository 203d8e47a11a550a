/** `policy.show` and `policy.reload`: what holds in a workspace, and what is wrong with the files that say so. */
import type { Config } from '../config.ts';
import type { Engine } from '../offline.ts';
import { reportPolicy } from '../policy/policy-report.ts';
import type { Handlers } from '../request/connection.ts';
import { chooseWorkspace } from '../request/workspace.ts';

export interface PolicyMethodsInput {
  readonly config: Config;
  readonly engine: Engine;
}

export function policyMethods({ config, engine }: PolicyMethodsInput): Pick<Handlers, 'policy.show' | 'policy.reload'> {
  const report: Handlers['policy.show'] = async (params) => {
    const { cwd, workspace } = chooseWorkspace({ cwd: params.cwd, workspace: params.workspace }, config.home);
    const { flags } = params;
    return reportPolicy(engine.policyOf({ cwd, workspace, home: config.home, flags }), workspace);
  };
  return {
    'policy.show': report,
    'policy.reload': async (params, client) => {
      engine.reload();
      return { problems: (await report(params, client)).problems };
    },
  };
}
