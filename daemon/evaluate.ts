/**
 * One request through the stages that decide: parse → facts → analyse → decide, by the policy of its workspace. Beside the
 * decision it gives what else a run has to know: limits, files, hosts.
 */
import type { Decision } from '../client/protocol/decision.ts';
import type { Flags, Mode } from '../client/protocol/messages.ts';
import type { AnalysedCommand, Analysis, Facts } from './analyse/model.ts';
import { decide } from './decide/decide.ts';
import { decideShell } from './decide/decide-shell.ts';
import { type FilePolicy, listFileRules } from './decide/file-rules.ts';
import { judgeLeaving } from './decide/leave-sandbox.ts';
import { type Limits, type RequestedLimits, resolveLimits } from './decide/limits.ts';
import { chooseAutoAllow } from './decide/mode-choice.ts';
import { outsideSandbox, type Policy } from './decide/policy.ts';
import { builtInLimits } from './policy/built-in-limits.ts';
import { type EffectivePolicy, findPolicy, refuseMode } from './policy/effective-policy.ts';
import type { PolicyLayers } from './policy/policy-layers.ts';
import { denyBroken, noteTrust } from './policy/settle-decision.ts';
import type { Understanding } from './understand.ts';

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

/** What stays the same from request to request. */
export interface Evaluating {
  readonly layers: PolicyLayers;
  readonly understand: Understanding['understand'];
  /** Of the account that sbx runs as. */
  readonly uid: number | undefined;
}

/** Folders of their own in every session's sandbox. */
export const temporaryDirectories = ['/tmp', '/var/tmp'];

export interface Evaluated extends Omit<Decided, 'writes' | 'grantedEnv'> {
  readonly policy: Policy;
  readonly effective: EffectivePolicy;
  readonly facts: Facts;
  readonly judge: (policy: Policy) => Decision;
  readonly autoAllow: boolean;
  readonly mayBypass: boolean;
}

export function limitsUnder({ limits, settings }: Policy, wanted: readonly RequestedLimits[] = []): Limits {
  return resolveLimits(limits, wanted, builtInLimits, settings.lockFlags?.value !== true);
}

/** @throws {SbxError} as the policy's layers do; whatever the command, there is a decision */
export function evaluate(request: DecisionRequest, { layers, understand, uid }: Evaluating): Evaluated {
  const { command, cwd, home, mode, workspace } = request;
  const effective = findPolicy(layers, request);
  refuseMode(effective.policy, mode, request.sandboxed !== false || uid !== 0);
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
  const mayBypass = sandboxed || uid !== 0;
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
  const limits = limitsUnder(effective.policy, request.limits);
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
}

/** Of the same policy the same, for which only one comparison of keys is needed. */
const knownFiles = new WeakMap<Policy, { places: string; files: FilePolicy }>();

export function findFiles(policy: Policy, places: { home: string; workspace: string | undefined }): FilePolicy {
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
