/**
 * The decision engine as one function: parse → facts → analyse → decide. The daemon, `sbx check` and the tests call this
 * and nothing else, so that what is tested is what runs. It needs no daemon.
 */
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import type { Explanation } from '../client/protocol/explanation.ts';
import type { Flags, Mode } from '../client/protocol/messages.ts';
import type { AnalysedCommand, Analysis, Facts } from './analyse/model.ts';
import { checkExamples } from './decide/check-examples.ts';
import { decide } from './decide/decide.ts';
import { decideShell } from './decide/decide-shell.ts';
import { type Explaining, explainDecision } from './decide/explain-decision.ts';
import { type FilePolicy, listFileRules } from './decide/file-rules.ts';
import { judgeLeaving } from './decide/leave-sandbox.ts';
import { type Limits, type RequestedLimits, resolveLimits } from './decide/limits.ts';
import type { ProgramKind } from './decide/lint-policy.ts';
import { mergePolicies } from './decide/merge-policies.ts';
import { chooseAutoAllow, chooseMode } from './decide/mode-choice.ts';
import type { NetworkPolicy } from './decide/network-policy.ts';
import { outsideSandbox, type ParsedPolicy, type Policy } from './decide/policy.ts';
import { listWrites } from './decide/unprotected.ts';
import { saveAnswer } from './platform/answers-file.ts';
import { loadCatalogue } from './platform/catalogue-files.ts';
import { Notices } from './platform/notices.ts';
import { TrustStore } from './platform/trust-store.ts';
import { builtInLimits } from './policy/built-in-limits.ts';
import {
  type EffectivePolicy,
  findFlagLock,
  findPolicy,
  type PolicyRequest,
  readFlags,
  refuseLockedFlags,
  refuseMode,
  withTrust,
} from './policy/effective-policy.ts';
import { PolicyLayers, type PolicyPlaces } from './policy/policy-layers.ts';
import { findNotices } from './policy/policy-notices.ts';
import { kindOfProgram } from './policy/program-kind.ts';
import { denyBroken, describeProblem, noteTrust } from './policy/settle-decision.ts';
import { createUnderstanding } from './understand.ts';

/** Places that are absent are not looked at, as in a test; `engineOptions` of config.ts names them all. */
export interface EngineOptions extends PolicyPlaces {
  readonly trustFile?: string | undefined;
  readonly noticesFile?: string | undefined;
  /** Of the account that sbx runs as. */
  readonly uid?: number | undefined;
  /** The engine is made although a managed file is broken; its decisions are denials then. */
  readonly evenIfBroken?: boolean | undefined;
}

export interface DecisionRequest {
  readonly command: string;
  /** Absolute, existing. */
  readonly cwd: string;
  readonly workspace: string | undefined;
  /** Home of the account the command runs as. */
  readonly home: string;
  readonly mode?: Mode | undefined;
  /** Default: what the policy says, else on. Without effect outside the sandbox. */
  readonly autoAllow?: boolean | undefined;
  /** Default true. */
  readonly sandboxed?: boolean | undefined;
  /** The command is an interactive shell, whose lines nobody decides on. */
  readonly shell?: boolean | undefined;
  readonly flags?: Flags | undefined;
  /** Rules for the whole session, as flags would give them for one command. */
  readonly sessionFlags?: Flags | undefined;
  /** Allow rules that a person answered for the session. */
  readonly sessionGrants?: readonly string[] | undefined;
  /** What the request and its session want for the run. */
  readonly limits?: readonly RequestedLimits[];
}

export interface Decided {
  readonly decision: Decision;
  readonly analysis: Analysis;
  /** Hosts that the command's words name. */
  readonly hosts: readonly string[];
  /** False: it is to run outside, because the request or every command's rule says so. */
  readonly sandboxed: boolean;
  /** What the run may use. */
  readonly limits: Limits;
  /** What its policy says to the sandbox about files. */
  readonly files: FilePolicy;
  /** Names of variables that its policy lets a command have. */
  readonly grantedEnv: readonly string[];
  /** Absolute paths that its words are known to write, links resolved. */
  readonly writes: readonly string[];
}

/** A decision, and everything that was considered for it. */
export interface Explained {
  readonly decision: Decision;
  readonly explanation: Explanation;
}

export interface Engine {
  /** @throws {SbxError} `bad-rule`, `bad-policy`, `locked-by-policy`; whatever the command, there is a decision */
  readonly decide: (request: DecisionRequest) => Decided;
  /** The same decision with its explanation. @throws {SbxError} as `decide` */
  readonly explain: (request: DecisionRequest) => Explained;
  /** The policy forbids grants and answers by flag. */
  readonly flagsAreLocked: (workspace?: string) => boolean;
  /** The policy lets a client switch the sandbox of its session off. */
  readonly allowsUnsandboxed: (workspace?: string) => boolean;
  /** @throws {SbxError} `bad-rule`, `bad-policy`, `locked-by-policy` */
  readonly checkFlags: (flags: Flags, cwd: string, home: string, workspace?: string) => void;
  /** @throws {SbxError} `locked-by-policy` */
  readonly checkMode: (mode: Mode, workspace: string | undefined, sandboxed: boolean) => void;
  /** What a run of this workspace may use that asks for nothing itself. */
  readonly limitsOf: (workspace: string | undefined) => Limits;
  /** What connections of commands are decided by, presets included. @throws {SbxError} as `policyOf` */
  readonly networkOf: (request: PolicyRequest) => NetworkPolicy;
  readonly idleMinutes: () => number | undefined;
  /** What the policy of a workspace says to the sandbox about files. */
  readonly filesOf: (workspace: string | undefined, home: string) => FilePolicy;
  /** Where an answer of "always" is saved. */
  readonly answersFile: (workspace: string | undefined) => string | undefined;
  /** @returns the file. @throws {SbxError} `bad-policy` */
  readonly saveAnswer: (workspace: string | undefined, rules: readonly string[]) => string;
  /** What a person has not been told yet: each line once, or once a day. */
  readonly notices: (workspace: string | undefined) => readonly string[];
  /** The layers of a workspace and what they come to. @throws {SbxError} `bad-rule`, `bad-policy`, `locked-by-policy` */
  readonly policyOf: (request: PolicyRequest) => EffectivePolicy;
  /** Text of a policy file, read by itself as `sbx policy lint` does. */
  readonly readPolicyFile: (file: string) => ParsedPolicy | undefined;
  readonly programKind: ProgramKind;
  readonly trust: TrustStore;
  /** Policy files are read again, whatever their times say. */
  readonly reload: () => void;
}

/** Folders of their own in every session's sandbox. */
const temporaryDirectories = ['/tmp', '/var/tmp'];

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const catalogue = loadCatalogue();
  const { understand, analyseText } = await createUnderstanding(catalogue);

  /** A rule's examples are judged where its file lies, without looking at the machine: the same answer everywhere. */
  const checkAt = (parsed: ParsedPolicy, anchor: string): ParsedPolicy => {
    const facts: Facts = {
      home: options.home,
      cwd: anchor,
      workspace: anchor,
      additionalDirectories: [],
      temporaryDirectories,
      paths: new Map(),
    };
    return checkExamples(parsed, (command) => analyseText(command, facts), facts);
  };

  const trust = new TrustStore(options.trustFile, options.uid);
  const notices = new Notices(options.noticesFile);
  const layers = new PolicyLayers(options, trust, checkAt);
  const broken = layers.managedProblem();
  if (broken !== undefined && options.evenIfBroken !== true) {
    throw new SbxError('bad-policy', `managed policy is broken: ${describeProblem(broken)}`, {
      help: broken.help ?? 'ask the administrator of this machine to correct it',
    });
  }

  interface Evaluated extends Omit<Decided, 'writes' | 'grantedEnv'> {
    readonly policy: Policy;
    readonly effective: EffectivePolicy;
    readonly facts: Facts;
    readonly judge: (policy: Policy) => Decision;
    readonly autoAllow: boolean;
    readonly mayBypass: boolean;
  }

  const limit = ({ limits, settings }: Policy, wanted: readonly RequestedLimits[] = []): Limits =>
    resolveLimits(limits, wanted, builtInLimits, settings.lockFlags?.value !== true);

  const evaluate = (request: DecisionRequest): Evaluated => {
    const { command, cwd, home, mode, workspace } = request;
    const effective = findPolicy(layers, request);
    refuseMode(effective.policy, mode, request.sandboxed !== false || options.uid !== 0);
    const base = {
      home,
      cwd,
      workspace,
      additionalDirectories: effective.policy.additionalDirectories,
      // Where a home lies inside one, as for some services, that one is not free to write.
      temporaryDirectories: temporaryDirectories.filter((folder) => !home.startsWith(`${folder}/`)),
    };
    const { analysis, facts } = understand(command, base);
    const leaving =
      request.sandboxed === false || request.shell ? undefined : judgeLeaving(analysis, effective.policy, facts);
    const sandboxed = request.sandboxed !== false && leaving?.granted !== true;
    const mayBypass = sandboxed || options.uid !== 0;
    const within = (merged: Policy): Policy => (sandboxed ? merged : outsideSandbox(merged));
    const policy = within(effective.policy);
    const judge = (merged: Policy): Decision => {
      const judged = within(merged);
      const autoAllow = sandboxed && chooseAutoAllow(judged, request.autoAllow);
      const inFolders = { ...facts, additionalDirectories: judged.additionalDirectories };
      const asCommand = decide(analysis, judged, { mode, autoAllow, mayBypass, facts: inFolders });
      return request.shell ? decideShell(asCommand, judged, { mode, autoAllow, sandboxed }) : asCommand;
    };
    const autoAllow = sandboxed && chooseAutoAllow(policy, request.autoAllow);
    const decided = judge(policy);
    const problem = effective.layers.find(({ layer, state }) => layer === 'managed' && state === 'broken')?.parsed
      .problems[0];
    const trusting = problem === undefined ? noteTrust(decided, effective, judge) : denyBroken(decided, problem);
    const decision = leaving === undefined ? trusting : { ...trusting, notes: [...trusting.notes, leaving.note] };
    const hosts = analysis.commands.flatMap(findHosts);
    const limits = limit(effective.policy, request.limits);
    const isOffline = request.flags?.offline === true || request.sessionFlags?.offline === true;
    const files = isOffline
      ? listFileRules(policy, { home, workspace }, 'offline')
      : findFiles(policy, { home, workspace });
    return {
      decision,
      analysis,
      hosts,
      sandboxed,
      limits,
      files,
      policy,
      effective,
      facts,
      judge,
      autoAllow,
      mayBypass,
    };
  };

  return {
    decide: (request) => {
      const { decision, analysis, hosts, policy, sandboxed, limits, files } = evaluate(request);
      const writes = listWrites(analysis).flatMap(({ path, resolved }) => resolved ?? path ?? []);
      const grantedEnv = [...new Set(policy.env.map(({ value }) => value))];
      return { decision, analysis, hosts, sandboxed, limits, files, grantedEnv, writes };
    },
    explain: (request) => {
      const { decision, analysis, policy, effective, facts, judge, autoAllow, mayBypass } = evaluate(request);
      const { mode } = chooseMode(policy, request.mode, mayBypass);
      const context: Explaining = { policy, facts, mode, autoAllow, judge, trusted: withTrust(effective) };
      return { decision, explanation: explainDecision(analysis, decision, context) };
    },
    flagsAreLocked: (workspace) => findFlagLock(layers.read(workspace)) !== undefined,
    allowsUnsandboxed: (workspace) =>
      mergePolicies(layers.read(workspace).map(({ parsed }) => parsed)).allowUnsandboxed,
    checkFlags: (flags, cwd, home, workspace) => {
      refuseLockedFlags(flags, layers.read(workspace));
      readFlags(layers, flags, cwd, home, 'flags');
    },
    checkMode: (mode, workspace, sandboxed) => {
      const policy = mergePolicies(layers.read(workspace).map(({ parsed }) => parsed));
      refuseMode(policy, mode, sandboxed || options.uid !== 0);
    },
    limitsOf: (workspace) => limit(mergePolicies(layers.read(workspace).map(({ parsed }) => parsed))),
    filesOf: (workspace, home) =>
      findFiles(findPolicy(layers, { cwd: workspace ?? home, workspace, home }).policy, { home, workspace }),
    networkOf: (request) => findPolicy(layers, request).policy.network,
    idleMinutes: () => mergePolicies(layers.read(undefined).map(({ parsed }) => parsed)).settings.idleMinutes?.value,
    answersFile: (workspace) => layers.answersFile(workspace) ?? options.userPolicyFile,
    saveAnswer: (workspace, rules) => {
      const file = layers.answersFile(workspace);
      const target = file ?? options.userPolicyFile;
      if (target === undefined) throw new SbxError('bad-policy', 'there is no place to save rules in');
      saveAnswer(target, file === undefined ? undefined : workspace, rules);
      return target;
    },
    notices: (workspace) => findNotices(layers.read(workspace), workspace, notices, new Date()),
    policyOf: (request) => findPolicy(layers, request),
    readPolicyFile: (file) => layers.open(file, 'user', options.home),
    programKind: (words) => kindOfProgram(catalogue, words),
    trust,
    reload: () => layers.reload(),
  };
}

/** Of the same policy the same, for which only one comparison of keys is needed. */
const knownFiles = new WeakMap<Policy, { places: string; files: FilePolicy }>();

function findFiles(policy: Policy, places: { home: string; workspace: string | undefined }): FilePolicy {
  const key = JSON.stringify([places.home, places.workspace]);
  const known = knownFiles.get(policy);
  if (known?.places === key) return known.files;
  const files = listFileRules(policy, places);
  knownFiles.set(policy, { places: key, files });
  return files;
}

function findHosts(command: AnalysedCommand): string[] {
  const own = command.effects.flatMap((effect) =>
    effect.kind === 'connect' && effect.host !== undefined ? [effect.host] : [],
  );
  return [...own, ...command.inner.flatMap(findHosts)];
}

/** What the CLI needs to ask the same question as the daemon would. */
export { engineOptions, readConfig } from './config.ts';
export { askCheck } from './methods/check-question.ts';
export { describePlan } from './methods/describe-plan.ts';
export { lintFiles, lintWorkspace } from './policy/policy-lint.ts';
export { reportPolicy } from './policy/policy-report.ts';
export { showTrust, trustGrants } from './policy/project-trust.ts';
export { readAllAnswers, readAnswers, removeAnswers } from './policy/saved-answers.ts';
export { commandText } from './request/command-text.ts';
export { chooseWorkspace } from './request/workspace.ts';
export { fixSandbox } from './sandbox/doctor/fix.ts';
export { probeSandbox } from './sandbox/doctor/probe.ts';
