/**
 * Answers each connection that one run wants, by the policy as it stands at that moment. Where the policy asks, the
 * connection waits for a person: one question for all that want the same host and port, and never so many that a command
 * could wear its user down.
 */

import type { Socket } from 'node:net';
import { parseHost } from '../../client/protocol/authority.ts';
import type { NetworkUse } from '../../client/protocol/events.ts';
import { parseAddress } from '../../client/protocol/ip-address.ts';
import type { Destination, NetworkDecision } from '../decide/network-decision.ts';
import type { CheckedTarget } from './checked-target.ts';
import { type Admitted, type Attempt, isRefusal, type Refusal, type RunGate, type Traffic } from './model.ts';
import type { NetworkLog } from './network-log.ts';

/** Questions of one run; what comes after them is refused. */
export const maxQuestions = 20;
/** Of them at once. */
export const maxOpenQuestions = 5;

const nothing: Traffic = { sentBytes: 0, receivedBytes: 0 };
/** Of what is no host, in events. */
const maxShownHost = 255;

export interface HostQuestion {
  readonly host: string;
  readonly port: number;
  readonly decision: NetworkDecision;
}

export interface GateInput {
  /** By the policy of this moment. @throws when the policy cannot be had */
  readonly decide: (destination: Destination) => NetworkDecision;
  /**
   * Resolves once, and refuses where the address is one that may not be dialled. `named`: a person allowed this very host.
   * Never rejects.
   */
  readonly check: (
    destination: Pick<Destination, 'host' | 'port'>,
    named: boolean,
    signal: AbortSignal,
  ) => Promise<CheckedTarget | Refusal>;
  /** Never rejects. */
  readonly dial: (target: CheckedTarget, signal: AbortSignal) => Promise<Socket | Refusal>;
  /** True for yes. Undefined when nobody can be asked. Never rejects. */
  readonly ask: ((question: HostQuestion, signal: AbortSignal) => Promise<boolean>) | undefined;
  /**
   * Whether a process of this very run made the connection: the run's addresses can be reached by others of its session,
   * and what a person answered or its request grants is for it alone. Never rejects.
   */
  readonly isOwn: (client: Socket) => Promise<boolean>;
  readonly log: NetworkLog;
  /** Aborted when the run is over. */
  readonly ended: AbortSignal;
}

/** What was decided for one attempt. */
interface Verdict {
  readonly decision: NetworkDecision;
  readonly because: string;
  readonly byPerson: boolean;
}

export function openGate(input: GateInput): RunGate {
  const answers = new Map<string, Promise<boolean>>();
  const owners = new WeakMap<Socket, Promise<boolean>>();
  let open = 0;

  const ask = (question: HostQuestion, request: Attempt['request']): Promise<boolean> | undefined => {
    const { host, port, decision } = question;
    const { methods, paths } = decision.entry ?? {};
    // an entry about some requests of a host asks about each of them
    const about = methods === undefined && paths === undefined ? [] : [request?.method, request?.path];
    const key = JSON.stringify([host, port, ...about]);
    const known = answers.get(key);
    if (known !== undefined) return known;
    if (input.ask === undefined || answers.size >= maxQuestions || open >= maxOpenQuestions) return undefined;
    open++;
    const answer = input.ask(question, input.ended).finally(() => {
      open--;
    });
    answers.set(key, answer);
    return answer;
  };

  const decide = async (host: string, attempt: Attempt, signal: AbortSignal): Promise<Verdict | Refusal> => {
    const { client, port, request } = attempt;
    const own = owners.get(client) ?? input.isOwn(client);
    owners.set(client, own);
    if (!(await own)) return { code: 'denied', message: 'another command of the session made this connection' };
    const decision = input.decide({ host, port, ...(request === undefined ? {} : { request }) });
    if (decision.effect === 'allow') return { decision, because: decision.message, byPerson: false };
    if (decision.effect === 'deny') return refuse('denied', decision);
    // What an address is shows at once, and nobody is asked about one that a yes would not open. A name would have to be
    // looked up, which tells it to whoever answers for it.
    if (parseAddress(host) !== undefined) {
      const target = await input.check({ host, port }, true, signal);
      if (isRefusal(target)) return target;
    }
    const answered = ask({ host, port, decision }, request);
    if (answered === undefined) return refuse('not-approved', decision);
    if (!(await answered))
      return { ...refuse('not-approved', decision), message: `${decision.message}, and it was not approved` };
    return { decision, because: 'a person allowed it for this run', byPerson: true };
  };

  return {
    admit: async (attempt, signal) => {
      const started = performance.now();
      const host = parseHost(attempt.host);
      const record = (verdict: Verdict | Refusal, traffic: Traffic = nothing, wasExpected = false): void => {
        const refusal = isRefusal(verdict) ? verdict : traffic.refusal;
        const shown = host ?? attempt.host.slice(0, maxShownHost);
        input.log.add(describeUse(shown, attempt, verdict, traffic, performance.now() - started), wasExpected);
        if (refusal !== undefined) input.log.explain(shown, attempt.port, refusal);
      };
      const refused = (refusal: Refusal): Refusal => {
        record(refusal);
        return refusal;
      };
      if (host === undefined) return refused({ code: 'bad-host', message: 'what was asked for is no host' });
      let admitted: Verdict;
      let target: CheckedTarget;
      try {
        const verdict = await decide(host, attempt, signal);
        if (isRefusal(verdict)) return refused(verdict);
        if (input.ended.aborted || signal.aborted) return { code: 'not-approved', message: 'the command is over' };
        const found = await input.check({ host, port: attempt.port }, verdict.byPerson, signal);
        if (isRefusal(found)) return refused(found);
        admitted = verdict;
        target = found;
      } catch (error) {
        return refused({ code: 'denied', message: `the policy cannot be read: ${(error as Error).message}` });
      }
      input.log.expect();
      let isOver = false;
      return {
        target,
        speaks: admitted.decision.speaks,
        dial: (by) => input.dial(target, by),
        finish: (traffic) => {
          if (isOver) return;
          isOver = true;
          if (traffic === undefined) input.log.forget();
          else record(admitted, traffic, true);
        },
      } satisfies Admitted;
    },
  };
}

function refuse(code: 'denied' | 'not-approved', { message, rule, howToAllow }: NetworkDecision): Refusal {
  return {
    code,
    message,
    ...(rule === undefined ? {} : { rule }),
    ...(howToAllow === undefined ? {} : { howToAllow }),
  };
}

function describeUse(
  host: string,
  { front, port, request }: Attempt,
  verdict: Verdict | Refusal,
  { sentBytes, receivedBytes, refusal, sni }: Traffic,
  durationMs: number,
): NetworkUse {
  const entry = isRefusal(verdict) ? undefined : verdict.decision.entry;
  const code = isRefusal(verdict) ? verdict.code : refusal?.code;
  return {
    host,
    port,
    front,
    allowed: !isRefusal(verdict),
    because: isRefusal(verdict) ? verdict.message : verdict.because,
    ...(entry === undefined ? {} : { rule: entry.text, origin: entry.origin }),
    ...(code === undefined ? {} : { refusal: code }),
    ...(request === undefined ? {} : { method: request.method, path: request.path.split('?')[0] ?? '' }),
    ...(sni === undefined ? {} : { sni }),
    sentBytes,
    receivedBytes,
    durationMs,
  };
}
