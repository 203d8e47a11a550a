/**
 * From a request to a run on its way: what it asks for is prepared and decided on, and the run gets its log, its input and
 * its viewers. Nothing has started when this returns, so a request that is refused leaves nothing.
 */
import { limits } from '../../client/protocol/limits.ts';
import type { Params } from '../../client/protocol/messages.ts';
import { showBlock, showText } from '../../client/protocol/visible.ts';
import { findFolders, mayWriteRepository } from '../analyse/repository-use.ts';
import type { Approvals } from '../approve/approvals.ts';
import type { Config } from '../config.ts';
import type { Limits } from '../decide/limits.ts';
import type { Dialler } from '../egress/targets.ts';
import type { Engine } from '../offline.ts';
import { Run, type RunInput } from '../pipeline.ts';
import type { PolicyRequest } from '../policy/effective-policy.ts';
import type { Connection } from '../request/connection.ts';
import { listWithheld } from '../request/withheld.ts';
import type { CommandLimits } from '../sandbox/model.ts';
import { Audience } from '../stream/audience.ts';
import type { OutputStore } from '../stream/output-store.ts';
import { RunLog } from '../stream/run-log.ts';
import { StdinGate } from '../stream/stdin-gate.ts';
import { findSessionFolder } from './carry-folder.ts';
import { prepareCommand } from './prepare.ts';
import { RunNetwork } from './run-network.ts';
import type { HostedRun, RunDescription } from './runs.ts';
import type { Session } from './sessions.ts';
import { findUnheld } from './unheld-limits.ts';

/** What all runs of a daemon share. */
export interface Hosting {
  readonly config: Config;
  readonly engine: Engine;
  readonly store: OutputStore;
  readonly approvals: Approvals;
  readonly dialler: Dialler;
}

type StartParams = Params<'run.start'>;
type DecidedRun = Pick<RunInput, 'decision' | 'files' | 'hosts' | 'limits' | 'plan' | 'sandboxed'>;

/** Of a command, in a list of runs. */
const maxListedCharacters = 4096;

/** @throws {SbxError} `bad-request`, `empty-command`, `bad-command`, `bad-cwd`, `bad-environment` */
export function hostRun(
  params: StartParams,
  session: Session,
  number: number,
  hosting: Hosting,
): Omit<HostedRun, 'bodyHash' | 'endedAt'> {
  const { config, engine, store, approvals } = hosting;
  const { runId, background = false } = params;
  const decided = decideRun(params, session, hosting);
  const { plan } = decided;
  const log = new RunLog({
    runId,
    run: number,
    store,
    aheadBytes: params.output?.aheadBytes ?? limits.maxSpillBytes,
    whenFull: params.output?.whenFull ?? (background ? 'drop' : 'wait'),
    keepHistory: background,
  });
  const stdin = new StdinGate((bytes) =>
    audience.tellWriter((writer) => writer.notify('run.stdinAck', { runId, bytes })),
  );
  const saveTo = engine.answersFile(session.workspace) ?? config.userPolicyFile;
  const grant: RunInput['grant'] = (approval, answer) => {
    const rules = approval.suggestions[answer.suggestion ?? 0]?.rules ?? [];
    if (answer.answer === 'session') session.addGrants(rules, 'answer');
  };
  const network = new RunNetwork({
    ...{ runId, log, grant, dialler: hosting.dialler },
    sessionId: session.id,
    policy: () => engine.networkOf(requestPolicy(params, session, plan.cwd)),
    asking: params.approver
      ? { approvals, approval: { command: showBlock(plan.command), cwd: plan.cwd, saveTo } }
      : undefined,
  });
  const run: Run = new Run({
    ...{ runId, session, log, stdin, approvals, saveTo, grant, network },
    ...decided,
    withheld: listWithheld({ ...params.env, ...Object.fromEntries(session.env) }, plan.env),
    canAsk: params.approver,
  });
  const audience: Audience<Connection> = new Audience({
    log,
    onDisconnect: background ? undefined : (params.onDisconnect ?? 'stop'),
    onAbandoned: () => run.abandon(),
  });
  const description: RunDescription = {
    ...{ runId, run: number, background, shell: plan.shell },
    command: showStart(plan.command),
    cwd: plan.cwd,
    pty: plan.pty !== undefined,
    tags: params.tags ?? [],
    startedAt: Date.now(),
  };
  const variables = [...plan.env].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  return { description, run, log, audience, session, requestBytes: plan.command.length + variables };
}

/** What is decided on is the command as it would be carried out; what the decision says then completes its plan. */
function decideRun(params: StartParams, session: Session, { config, engine }: Hosting): DecidedRun {
  const folder = findSessionFolder(session);
  const wanted = prepareCommand(params, session, folder.cwd, config);
  const {
    analysis,
    decision,
    files,
    grantedEnv,
    hosts,
    limits: chosen,
    sandboxed,
    writes,
  } = engine.decide({
    ...requestPolicy(params, session, wanted.cwd),
    command: wanted.command,
    mode: params.mode ?? session.mode,
    autoAllow: params.autoAllow ?? session.autoAllow,
    sandboxed: session.sandboxed,
    shell: wanted.shell,
    limits: [
      { layer: 'flags', values: { timeoutMs: params.timeoutMs, ...params.limits } },
      { layer: 'session', values: session.limits ?? {} },
    ],
  });
  // outside, tools keep their files where they always do
  const outside = sandboxed !== session.sandboxed;
  const prepared =
    outside || grantedEnv.length > 0
      ? prepareCommand(params, session, folder.cwd, config, { grantedEnv, outside })
      : wanted;
  const together = engine.limitsOf(session.workspace).processes?.value;
  const notes = [
    ...decision.notes,
    ...findUnheld(chosen, session, together),
    ...(params.cwd === undefined && folder.note !== undefined ? [folder.note] : []),
    ...(session.sandboxed ? [] : ['the sandbox is switched off for this session: nothing holds this command']),
  ];
  return {
    ...{ files, hosts, limits: chosen, sandboxed },
    decision: { ...decision, notes },
    plan: {
      ...prepared,
      limits: readKernelLimits(chosen),
      unprotect: writes,
      git: prepared.shell || mayWriteRepository(analysis) ? prepared.git : 'read-only',
      folders: [prepared.cwd, ...findFolders(analysis)],
    },
  };
}

/** As it stands when it is asked for: an answer of a moment ago holds already. */
function requestPolicy(params: StartParams, session: Session, cwd: string): PolicyRequest {
  return {
    cwd,
    workspace: session.workspace,
    home: session.account.home,
    flags: params.flags,
    sessionFlags: session.flags,
    sessionGrants: session.grants.map(({ rule }) => rule),
  };
}

/** Those that the sandbox holds for a command. */
function readKernelLimits(chosen: Limits): CommandLimits {
  const names = ['cpuSeconds', 'memoryBytes', 'processes', 'openFiles', 'fileBytes'] as const;
  return {
    ...Object.fromEntries(names.flatMap((name) => (chosen[name] ? [[name, chosen[name].value]] : []))),
    // a limit on memory that lets the rest go to the disk would limit little, and slow down everybody
    ...(chosen.memoryBytes === undefined ? {} : { swapBytes: 0 }),
  };
}

function showStart(command: string): string {
  const start = command.slice(0, maxListedCharacters);
  return start === command ? showText(command) : `${showText(start)}…`;
}
