/**
 * The decision engine with the policies of a machine. The daemon, `sbx check` and the tests call this and nothing else, so
 * that what is tested is what runs. It needs no daemon. How one request is decided stands in evaluate.ts.
 */
import type { Decision } from '../client/protocol/decision.ts';
import { SbxError } from '../client/protocol/errors.ts';
import type { Explanation } from '../client/protocol/explanation.ts';
import type { Flags, Mode } from '../client/protocol/messages.ts';
import type { Facts } from './analyse/model.ts';
import { checkExamples } from './decide/check-examples.ts';
import { type Explaining, explainDecision } from './decide/explain-decision.ts';
import type { FilePolicy } from './decide/file-rules.ts';
import type { Limits } from './decide/limits.ts';
import type { ProgramKind } from './decide/lint-policy.ts';
import { mergePolicies } from './decide/merge-policies.ts';
import { chooseMode } from './decide/mode-choice.ts';
import type { NetworkPolicy } from './decide/network-policy.ts';
import type { ParsedPolicy } from './decide/policy.ts';
import { listWrites } from './decide/unprotected.ts';
import {
  type Decided,
  type DecisionRequest,
  type Evaluating,
  evaluate,
  findFiles,
  limitsUnder,
  temporaryDirectories,
} from './evaluate.ts';
import { saveAnswer } from './platform/answers-file.ts';
import { loadCatalogue } from './platform/catalogue-files.ts';
import { Notices } from './platform/notices.ts';
import { TrustStore } from './platform/trust-store.ts';
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
import { describeProblem } from './policy/settle-decision.ts';
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

  const evaluating: Evaluating = { layers, understand, uid: options.uid };

  return {
    decide: (request) => {
      const { decision, analysis, hosts, policy, sandboxed, limits, files } = evaluate(request, evaluating);
      const writes = listWrites(analysis).flatMap(({ path, resolved }) => resolved ?? path ?? []);
      const grantedEnv = [...new Set(policy.env.map(({ value }) => value))];
      return { decision, analysis, hosts, sandboxed, limits, files, grantedEnv, writes };
    },
    explain: (request) => {
      const { decision, analysis, policy, effective, facts, judge, autoAllow, mayBypass } = evaluate(
        request,
        evaluating,
      );
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
    limitsOf: (workspace) => limitsUnder(mergePolicies(layers.read(workspace).map(({ parsed }) => parsed))),
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
