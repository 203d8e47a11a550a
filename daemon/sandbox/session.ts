/** The verb of the sandbox stage: opens a session in which approved commands run. */
import { closeSync, existsSync } from 'node:fs';
import { SbxError } from '../../client/protocol/errors.ts';
import type { SandboxReport } from '../../client/protocol/events.ts';
import { readHardLimits } from '../platform/resource-limits.ts';
import { findTool, runTool } from '../platform/spawn.ts';
import { hiddenProcFiles } from './command/command.ts';
import { type LaunchSetting, prepareCommand, startCommand } from './command/launch.ts';
import { reportLimits } from './command/limit-report.ts';
import { asUlimits } from './command/process-limits.ts';
import { leadTerminal, terminalSignals } from './command/terminal.ts';
import { readBubblewrapVersion, supportsDisableUserns } from './doctor/version.ts';
import { takeLeftovers } from './git/leftover.ts';
import { openStaging, type Staging } from './git/open-staging.ts';
import type { NoGroups } from './groups/group-parent.ts';
import { findRunGroups, type RunGroups } from './groups/run-groups.ts';
import { findNestedPins, openGuarded } from './guard/guarded-session.ts';
import type { SandboxSession } from './model.ts';
import type { SessionListeners } from './network/listeners.ts';
import { asAccount, findAccount } from './plan/account.ts';
import { expandFiles } from './plan/expand-files.ts';
import { type HostFacts, readHostFacts } from './plan/facts.ts';
import { watchHost } from './plan/fingerprint.ts';
import type { SessionInput } from './plan/input.ts';
import { planSession, type SessionPlan } from './plan/plan.ts';
import { isWithin } from './plan/within.ts';
import { createPrivateFile, type PrivateFile } from './private-file.ts';
import { assembleFilter } from './seccomp/filter.ts';
import { findArchitecture } from './seccomp/syscalls.ts';
import { openTemplate, type Template, withoutCapabilities } from './template/template.ts';
import { requireTool } from './tools.ts';
import { explainFailure } from './violations/explain-failure.ts';
import { readPathSetting } from './violations/path-setting.ts';

/** A host that never comes to rest, because something mounts and unmounts in a loop, gets no sandbox that is half of each. */
const maxAttempts = 5;

/**
 * @throws {SbxError} `sandbox-unavailable` when a program is missing, `sandbox-failed` when the kernel refuses a step,
 * `bad-workspace` when the workspace is not a folder.
 */
export async function openSession(input: SessionInput): Promise<SandboxSession> {
  const account = input.account ?? (await findAccount(input.workspace));
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const session = await openGuarded(input, account, openUnlessChanged);
    if (session !== undefined) return session;
  }
  throw new SbxError(
    'sandbox-failed',
    'the mounts or protected files of the host changed each time the sandbox was made',
    { help: 'run the command again when nothing is being mounted' },
  );
}

/** What a session would be, without making it. @throws {SbxError} `bad-policy` */
export async function planWithoutMaking(input: SessionInput): Promise<{ plan: SessionPlan; facts: HostFacts }> {
  const account = input.account ?? (await findAccount(input.workspace));
  return lookAtHost(await findNestedPins({ ...input, account }, account));
}

/** @throws {SbxError} `bad-policy` */
async function lookAtHost(input: SessionInput): Promise<{ plan: SessionPlan; facts: HostFacts }> {
  const account = input.account ?? (await findAccount(input.workspace));
  const { home } = account;
  const { protectedPaths, workspace } = input;
  const files = await expandFiles(input.files?.rules ?? [], { home, workspace, protectedPaths });
  const facts = readHostFacts({ ...input, account }, files);
  return { plan: planSession(input, facts), facts };
}

/** Undefined when mounts or protected files changed meanwhile: what was made may be half of before and half of after. */
async function openUnlessChanged(input: SessionInput): Promise<SandboxSession | undefined> {
  const { plan, facts } = await lookAtHost(input);
  let untold = await takeLeftovers(plan.account, input.staged);
  const takeFingerprint = watchHost(plan, facts);
  const fingerprint = takeFingerprint();
  const filter = makeFilter(plan);
  let setting: LaunchSetting;
  let staging: Staging;
  let template: Template | undefined;
  let network: SessionListeners | undefined;
  const looked = lookAtPrograms();
  looked.catch(() => {}); // one of the template's is told first
  try {
    template = await openTemplateWith(plan, filter);
    setting = prepareSetting(plan, template, filter, input.groups ?? findRunGroups(), await looked);
    const tools = {
      unshare: requireTool('unshare'),
      bash: setting.bash,
      dropRights: withoutCapabilities(plan.account),
    };
    staging = await openStaging(plan, template.starter, tools, asUlimits({}, setting.ceilings));
    network = await template.network;
    if (takeFingerprint() !== fingerprint) {
      await template.close();
      filter.close();
      return undefined;
    }
  } catch (error) {
    await template?.close();
    filter.close();
    throw error;
  }
  const { close, closed, init } = template;
  void closed.then(filter.close);
  return {
    account: plan.account,
    network,
    report: reportSession(plan, setting, [...staging.warnings, ...(network?.warnings ?? [])]),
    launch: async (command) => {
      const staged = command.git === 'staged' ? await staging.stage?.(command.folders ?? [command.cwd]) : undefined;
      try {
        const process = await startCommand(setting, await prepareCommand(setting, command), command, staged);
        const earlier = untold;
        untold = [];
        return earlier.length === 0
          ? process
          : { ...process, aftermath: process.aftermath.then((notes) => [...earlier, ...notes]) };
      } catch (error) {
        await staged?.discard();
        throw error;
      }
    },
    pins: (place) => plan.pins.some((pin) => isWithin(pin, place)),
    protects: (place) => facts.protection.some((pin) => isWithin(pin, place)),
    isCurrent: () => init() !== undefined && takeFingerprint() === fingerprint,
    explainFailure: (failed) => explainFailure(failed, readPathSetting(plan)),
    close,
    closed,
  };
}

/** @throws {SbxError} `unsupported-platform` */
function makeFilter(plan: SessionPlan): PrivateFile {
  const architecture = findArchitecture(process.arch);
  if (architecture === undefined) {
    throw new SbxError('unsupported-platform', `there is no system call filter for \`${process.arch}\``);
  }
  return createPrivateFile(assembleFilter(architecture, plan), plan.account);
}

async function openTemplateWith(plan: SessionPlan, filter: PrivateFile): Promise<Template> {
  const descriptor = filter.open();
  try {
    return await openTemplate(plan, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function prepareSetting(
  plan: SessionPlan,
  template: Template,
  filter: PrivateFile,
  groups: RunGroups | NoGroups,
  { bwrap, version, env }: Programs,
): LaunchSetting {
  const ceilings = { processes: plan.processes, hard: readHardLimits() };
  const bash = requireTool('bash');
  const nsenter = requireTool('nsenter');
  const asOwner = asAccount(plan.account, requireTool);
  return {
    template,
    account: plan.account,
    starter: template.starter,
    filter,
    procFiles: new Set(
      hiddenProcFiles
        .filter(([name, reader]) => (reader === 'anyone' || plan.account.uid === 0) && existsSync(`/proc/${name}`))
        .map(([name]) => name),
    ),
    resolver: plan.network?.resolver,
    disableUserns: plan.userNamespaces === 'closed' && supportsDisableUserns(version),
    enter: (init) => [...asOwner, nsenter, '-t', String(init), '-U', '-n', '-m', '-p', '--preserve-credentials'],
    bwrap,
    bash,
    holdTerminal: leadTerminal({ bash, setsid: requireTool('setsid'), env }),
    carriers: new Set(),
    prlimit: requireTool('prlimit'),
    groups,
    ceilings,
    reportLimits: (limits) => reportLimits(limits, plan, ceilings, groups),
    resetSignals: env === undefined ? [] : [env, `--default-signal=${terminalSignals}`],
  };
}

interface Programs {
  readonly bwrap: string;
  readonly version: Awaited<ReturnType<typeof readBubblewrapVersion>>;
  readonly env: string | undefined;
}

/** While the template is made, because each program takes milliseconds to say what it can. */
async function lookAtPrograms(): Promise<Programs> {
  const bwrap = requireTool('bwrap');
  const [version, env] = await Promise.all([readBubblewrapVersion(bwrap), findSignalTool()]);
  return { bwrap, version, env };
}

/** `env` when it is the GNU one, which can set how a program starts out with signals. */
async function findSignalTool(): Promise<string | undefined> {
  const env = findTool('env');
  const works = env !== undefined && (await runTool([env, '--default-signal=INT', env])).ok;
  return works ? env : undefined;
}

function reportSession(plan: SessionPlan, setting: LaunchSetting, warnings: readonly string[]): SandboxReport {
  return {
    backend: 'bubblewrap',
    network: plan.network === undefined ? 'none' : 'filtered',
    seccomp: true,
    userns: plan.userNamespaces === 'open' ? 'open' : setting.disableUserns ? 'disabled' : 'filter-only',
    user: plan.account.name,
    writable: [
      ...plan.writable.map((bind) => bind.target),
      ...(plan.caches?.places ?? []).map(({ target }) => target),
      ...plan.freshFolders,
    ],
    warnings: [...plan.warnings, ...warnings],
  };
}
