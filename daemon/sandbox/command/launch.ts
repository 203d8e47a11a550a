/**
 * Runs one approved command in a session: prepare takes what does not depend on the command, start does the rest, so
 * that a waiting sandbox can later stand where prepare is now.
 */
import { SbxError } from '../../../client/protocol/errors.ts';
import type { StagedRun } from '../git/staging.ts';
import type { NoGroups } from '../groups/group-parent.ts';
import { hasGroups, needsGroup, type RunGroup, type RunGroups } from '../groups/run-groups.ts';
import type { CommandLimits, CommandPlan, LimitReport, SandboxProcess } from '../model.ts';
import type { Account } from '../plan/account.ts';
import type { PrivateFile } from '../private-file.ts';
import { carrierDescriptors, type Starter } from '../template/starter.ts';
import type { Template } from '../template/template.ts';
import { startInSession, startOnTerminal } from './carrier.ts';
import { compileCommand } from './command.ts';
import { limitInside, type SessionCeilings } from './process-limits.ts';
import { openSessionStdio, type SessionStdio, type StdioWish } from './session-stdio.ts';
import { superviseCommand } from './supervise.ts';

/** What the commands of one session share. */
export interface LaunchSetting {
  readonly template: Template;
  readonly account: Account;
  readonly starter: Starter;
  readonly filter: PrivateFile;
  readonly procFiles: ReadonlySet<string>;
  readonly disableUserns: boolean;
  /** File of the host's that says how names are resolved, where the session has a network. */
  readonly resolver: string | undefined;
  /** Terminal runs: starts the next program as the account, then in the session's namespaces. */
  readonly enter: (init: number) => readonly string[];
  readonly bwrap: string;
  readonly bash: string;
  /** Wraps a terminal run: signals of keys reach the command, not the processes that carry it. */
  readonly holdTerminal: readonly string[];
  readonly resetSignals: readonly string[];
  readonly ceilings: SessionCeilings;
  readonly prlimit: string;
  readonly groups: RunGroups | NoGroups;
  readonly reportLimits: (limits: CommandLimits) => LimitReport;
  /** Processes of the daemon's own that carry commands right now. */
  readonly carriers: Set<number>;
}

export function prepareCommand(setting: LaunchSetting, wish: StdioWish): Promise<SessionStdio> {
  return openSessionStdio(wish, setting);
}

/**
 * @param staged the run's own copies of repositories.
 * @throws {SbxError} `sandbox-failed`, `bad-environment`, `bad-command`
 */
export async function startCommand(
  setting: LaunchSetting,
  stdio: SessionStdio,
  plan: CommandPlan,
  staged: StagedRun | undefined,
): Promise<SandboxProcess> {
  let group: RunGroup | undefined;
  try {
    const init = setting.template.init();
    if (init === undefined) throw new SbxError('sandbox-failed', 'the session has ended');
    group = makeGroup(setting, plan.limits);
    const compiled = compileCommand(plan, {
      bash: setting.bash,
      limit: group?.controllers.has('pids') ? [] : limitInside(setting.prlimit, plan.limits, setting.ceilings),
      resetSignals: plan.pty === undefined ? [] : setting.resetSignals,
      procFiles: setting.procFiles,
      disableUserns: setting.disableUserns,
      resolver: setting.resolver,
      seccompDescriptor: carrierDescriptors.filter,
      statusDescriptor: carrierDescriptors.status,
    });
    const carrier =
      stdio.pipes === undefined
        ? startOnTerminal(setting, stdio, plan, compiled, staged?.words ?? [], init, group)
        : await startInSession(setting, stdio, stdio.pipes, plan, compiled, staged?.words ?? [], group);
    return superviseCommand(setting, stdio, carrier, plan.limits, group, staged);
  } catch (error) {
    stdio.discard();
    void group?.end();
    throw error instanceof SbxError
      ? error
      : new SbxError('sandbox-failed', 'the command could not be started', { cause: error });
  }
}

function makeGroup({ account, ceilings, groups }: LaunchSetting, limits: CommandLimits): RunGroup | undefined {
  const session = { isRoot: account.uid === 0, processes: ceilings.processes };
  return hasGroups(groups) && needsGroup(limits, groups, session) ? groups.make(limits) : undefined;
}
