/** The verb of the sandbox stage: opens a session in which approved commands run. */
import { existsSync } from 'node:fs';
import { SbxError } from '../../client/protocol/errors.ts';
import type { SandboxReport } from '../../client/protocol/messages.ts';
import { findTool, runTool } from '../platform/spawn.ts';
import { asAccount, findAccount } from './account.ts';
import { hiddenProcFiles } from './command.ts';
import { readHostFacts } from './facts.ts';
import { watchHost } from './fingerprint.ts';
import type { SessionInput } from './input.ts';
import { type LaunchSetting, prepareCommand, startCommand } from './launch.ts';
import type { SandboxSession } from './model.ts';
import { openPipeFactory } from './pipes.ts';
import { planSession, type SessionPlan } from './plan.ts';
import { createPrivateFile } from './private-file.ts';
import { assembleFilter } from './seccomp/filter.ts';
import { findArchitecture } from './seccomp/syscalls.ts';
import { openTemplate, type Template } from './template.ts';
import { requireTool } from './tools.ts';
import { readBubblewrapVersion, supportsDisableUserns } from './version.ts';

/**
 * @throws {SbxError} `sandbox-unavailable` when a program is missing, `sandbox-failed` when the kernel refuses a step,
 * `bad-workspace` when the workspace is not a folder.
 */
export async function openSession(input: SessionInput): Promise<SandboxSession> {
  const facts = readHostFacts({ ...input, account: input.account ?? (await findAccount(input.workspace)) });
  const plan = planSession(input, facts);
  const takeFingerprint = watchHost(plan, facts);
  const fingerprint = takeFingerprint();
  const template = await openTemplate(plan);
  let setting: LaunchSetting;
  try {
    setting = await prepareSetting(plan, template);
    // a mount or file that changed meanwhile may be half in the template
    if (takeFingerprint() !== fingerprint) {
      throw new SbxError(
        'sandbox-failed',
        'the mounts or protected files of the host changed while the sandbox was made',
        {
          help: 'run the command again',
        },
      );
    }
  } catch (error) {
    await template.close();
    throw error;
  }
  const closed = template.closed.then(() => {
    setting.pipes.close();
    setting.filter.close();
  });
  return {
    account: plan.account,
    report: reportSession(plan, setting),
    launch: async (command) => startCommand(setting, await prepareCommand(setting, command), command),
    isCurrent: () => template.init() !== undefined && takeFingerprint() === fingerprint,
    close: async () => {
      await template.close();
      await closed;
    },
    closed,
  };
}

async function prepareSetting(plan: SessionPlan, template: Template): Promise<LaunchSetting> {
  const bash = requireTool('bash');
  const nsenter = requireTool('nsenter');
  const bwrap = requireTool('bwrap');
  const setsid = requireTool('setsid');
  const asOwner = asAccount(plan.account, requireTool);
  const [version, env] = await Promise.all([readBubblewrapVersion(bwrap), findSignalTool()]);
  const architecture = findArchitecture(process.arch);
  if (architecture === undefined) {
    throw new SbxError('unsupported-platform', `there is no system call filter for \`${process.arch}\``);
  }
  const keys = 'INT,QUIT,TSTP,TERM,HUP';
  return {
    template,
    account: plan.account,
    pipes: openPipeFactory(asOwner, bash),
    filter: createPrivateFile(assembleFilter(architecture, plan.unixSockets)),
    procFiles: new Set(
      hiddenProcFiles
        .filter(([name, reader]) => (reader === 'anyone' || plan.account.uid === 0) && existsSync(`/proc/${name}`))
        .map(([name]) => name),
    ),
    disableUserns: supportsDisableUserns(version),
    enter: (init) => [...asOwner, nsenter, '-t', String(init), '-U', '-n', '-m', '-p', '--preserve-credentials'],
    bwrap,
    bash,
    holdTerminal: [...(env === undefined ? [] : [env, `--ignore-signal=${keys}`]), setsid, '--ctty'],
    carriers: new Set(),
    resetSignals: env === undefined ? [] : [env, `--default-signal=${keys}`],
  };
}

/** `env` when it is the GNU one, which can set how a program starts out with signals. */
async function findSignalTool(): Promise<string | undefined> {
  const env = findTool('env');
  const works = env !== undefined && (await runTool([env, '--default-signal=INT', env])).ok;
  return works ? env : undefined;
}

function reportSession(plan: SessionPlan, setting: LaunchSetting): SandboxReport {
  return {
    backend: 'bubblewrap',
    network: 'none',
    seccomp: true,
    userns: setting.disableUserns ? 'disabled' : 'filter-only',
    user: plan.account.name,
    writable: [...plan.writable.map((bind) => bind.target), ...plan.freshFolders],
    warnings: [...plan.warnings],
  };
}
