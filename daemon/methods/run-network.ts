/**
 * Ties a run to the network: its slot of the session, its gate, who is asked about hosts, and the events that tell of it.
 * Nothing of it costs a run that has no network, and nothing is open before the command starts.
 */
import type { Socket } from 'node:net';
import { showAuthority } from '../../client/protocol/authority.ts';
import type { Decision } from '../../client/protocol/decision.ts';
import type { Approval } from '../../client/protocol/events.ts';
import { limits } from '../../client/protocol/limits.ts';
import type { Answer, Approvals } from '../approve/approvals.ts';
import { decideDestination, judgeAddress } from '../decide/network-decision.ts';
import type { NetworkPolicy } from '../decide/network-policy.ts';
import { NetworkLog } from '../egress/network-log.ts';
import { foreignProxyVariables, proxyVariables } from '../egress/proxy-environment.ts';
import { type HostQuestion, openGate } from '../egress/run-gate.ts';
import { SessionEgress } from '../egress/session-egress.ts';
import { type Dialler, type NetworkAnswers, openTargets } from '../egress/targets.ts';
import type { OpenWayOut, WayOut } from '../sandbox/live-sandbox.ts';
import type { ApprovedPlan, SandboxProcess, SandboxSession } from '../sandbox/model.ts';
import { findSlot, httpPort, slotAt, slotCount, socksPort } from '../sandbox/network/slots.ts';
import { hostName } from '../sandbox/template/places.ts';
import type { RunLog } from '../stream/run-log.ts';

export interface RunNetworkInput {
  readonly runId: string;
  readonly sessionId: string;
  /** As it is at the moment of a connection. @throws {SbxError} */
  readonly policy: () => NetworkPolicy;
  readonly dialler: Dialler;
  /** Of the run; undefined when nobody can be asked. */
  readonly asking:
    | { readonly approvals: Approvals; readonly approval: Pick<Approval, 'command' | 'cwd' | 'saveTo'> }
    | undefined;
  /** Carries out what an answer grants. */
  readonly grant: (approval: Approval, answer: Answer) => void;
  readonly log: RunLog;
}

/** How long connections that are being reset have to tell what they carried. */
const settleMs = 250;

/** A change of a policy file counts for connections after so long at the latest. */
const policyFreshMs = 100;

/** One for each template, which may serve runs long after its session has a newer one. */
const egresses = new WeakMap<SandboxSession, SessionEgress>();

function egressOf(session: SandboxSession): SessionEgress | undefined {
  if (session.network === undefined) return undefined;
  const known = egresses.get(session);
  if (known !== undefined) return known;
  const made = new SessionEgress(session.network, { count: slotCount, at: slotAt, find: findSlot });
  egresses.set(session, made);
  return made;
}

export class RunNetwork {
  readonly #input: RunNetworkInput;
  readonly #ended = new AbortController();
  readonly #log: NetworkLog;
  readonly #questions = new Set<Promise<unknown>>();
  #asked = 0;
  #isOpen = false;
  #known: (NetworkAnswers & { readonly readAt: number }) | undefined;

  constructor(input: RunNetworkInput) {
    this.#input = input;
    this.#log = new NetworkLog({
      use: (use) => input.log.append({ type: 'network', use }),
      violation: (violation) => input.log.append({ type: 'violation', violation }),
    });
  }

  /** Whatever went wrong with the network has been told, connection by connection. */
  get isExact(): boolean {
    return this.#isOpen;
  }

  /** Violations that were told. */
  get violations(): number {
    return this.#log.explained;
  }

  readonly openWayOut: OpenWayOut = (session, plan, isAlone): WayOut => {
    const nothing = { plan: withoutProxies(plan), warnings: [], started: () => {}, close: () => {} };
    const egress = egressOf(session);
    if (egress === undefined) return session.report.network === 'host' ? { ...nothing, plan } : nothing;
    const { dialler } = this.#input;
    const { decide, check, dial } = openTargets(() => this.#readPolicy(), dialler);
    const ask = this.#input.asking === undefined ? undefined : (question: HostQuestion) => this.#ask(question);
    let start: (process: SandboxProcess | undefined) => void = () => {};
    const started = new Promise<SandboxProcess | undefined>((resolve) => {
      start = resolve;
    });
    const isOwn = async (client: Socket): Promise<boolean> =>
      isAlone() || (await (await started)?.connected(client)) === true;
    const gate = openGate({ decide, check, dial, ask, isOwn, log: this.#log, ended: this.#ended.signal });
    const run = egress.open(gate, isOwn);
    if (run === undefined) {
      return {
        ...nothing,
        warnings: [`${slotCount} commands of this session have a network already; this one has none`],
      };
    }
    this.#isOpen = true;
    const env = new Map(nothing.plan.env);
    const place = { address: run.slot.address, httpPort, socksPort };
    for (const [name, value] of proxyVariables(place, hostName)) env.set(name, value);
    return {
      plan: { ...plan, env, network: run.slot.index },
      warnings: [],
      started: start,
      close: () => {
        start(undefined);
        this.#ended.abort();
        run.close();
      },
    };
  };

  /** After the command's end: nothing is told of the network once this has resolved. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#questions);
    await this.#log.end(settleMs);
  }

  /** Files are looked at for it, which takes longer than a connection. */
  #readPolicy(): NetworkAnswers {
    const now = performance.now();
    if (this.#known !== undefined && now - this.#known.readAt < policyFreshMs) return this.#known;
    const network = this.#input.policy();
    this.#known = {
      readAt: now,
      decide: (destination) => decideDestination(network, destination),
      judge: (query) => judgeAddress(network, query),
      hostPorts: network.hostPorts.map(({ value }) => value),
    };
    return this.#known;
  }

  #ask(question: HostQuestion): Promise<boolean> {
    const asking = this.#put(question);
    this.#questions.add(asking);
    return asking.finally(() => this.#questions.delete(asking));
  }

  async #put({ host, port, decision }: HostQuestion): Promise<boolean> {
    const { asking, grant, log, runId, sessionId } = this.#input;
    if (asking === undefined || this.#ended.signal.aborted) return false;
    this.#asked++;
    const { allowedBy } = decision;
    const approval: Approval = {
      ...asking.approval,
      approvalId: `${runId}-n${this.#asked}`.slice(-128),
      decision: describeQuestion(showAuthority(host, port), decision),
      suggestions: allowedBy === undefined ? [] : [{ rules: [`WebFetch(domain:${allowedBy})`] }],
      timeoutMs: limits.approvalTimeoutMs,
      network: { host, port },
    };
    const withdraw = (): void => asking.approvals.withdraw(approval.approvalId);
    const answered = asking.approvals.ask({ runId, sessionId, approval });
    log.append({ type: 'approvalNeeded', approval });
    this.#ended.signal.addEventListener('abort', withdraw, { once: true });
    const answer = await answered;
    this.#ended.signal.removeEventListener('abort', withdraw);
    const { approvalId } = approval;
    const comment = answer?.comment === undefined ? {} : { comment: answer.comment };
    log.append({ type: 'approved', approvalId, answer: answer?.answer ?? 'no', ...comment });
    if (answer === undefined || answer.answer === 'no') return false;
    grant(approval, answer);
    this.#known = undefined;
    return true;
  }
}

function describeQuestion(place: string, { message, rule, howToAllow }: HostQuestion['decision']): Decision {
  return {
    effect: 'ask',
    reasons: [
      {
        kind: 'network',
        effect: 'ask',
        message,
        ...(rule === undefined ? {} : { rule }),
        ...(howToAllow === undefined ? {} : { help: howToAllow }),
      },
    ],
    commands: [],
    suggestions: [],
    description: `connects to ${place}`,
    risk: { level: 'medium', why: 'what it sends leaves this machine' },
    notes: [],
  };
}

/** The caller's proxies are no part of the sandbox's network. */
function withoutProxies(plan: ApprovedPlan): ApprovedPlan {
  const env = new Map(plan.env);
  for (const name of foreignProxyVariables) env.delete(name);
  return { ...plan, env };
}
