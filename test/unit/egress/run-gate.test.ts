/** The gate of a run: who is asked, how often, for whom an answer holds, and that nothing is dialled that was not checked. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { NetworkUse, Violation } from '../../../client/protocol/events.ts';
import type { NetworkDecision } from '../../../daemon/decide/network-decision.ts';
import type { CheckedTarget } from '../../../daemon/egress/checked-target.ts';
import { type Admitted, type Attempt, isRefusal, type Refusal } from '../../../daemon/egress/model.ts';
import { maxSingleEvents, NetworkLog } from '../../../daemon/egress/network-log.ts';
import {
  type GateInput,
  type HostQuestion,
  maxOpenQuestions,
  maxQuestions,
  openGate,
} from '../../../daemon/egress/run-gate.ts';

const client = {} as Socket;
const signal = new AbortController().signal;

function decision(effect: NetworkDecision['effect'], changes: Partial<NetworkDecision> = {}): NetworkDecision {
  return {
    effect,
    entry: undefined,
    message: `it is ${effect}`,
    rule: undefined,
    speaks: 'any',
    allowedBy: undefined,
    howToAllow: undefined,
    ...changes,
  };
}

function open(changes: Partial<GateInput> = {}) {
  const uses: NetworkUse[] = [];
  const violations: Violation[] = [];
  const questions: { readonly question: HostQuestion; readonly answer: (yes: boolean) => void }[] = [];
  const checked: string[] = [];
  const log = new NetworkLog({ use: (use) => uses.push(use), violation: (each) => violations.push(each) });
  const gate = openGate({
    decide: ({ host }) => decision(host.endsWith('.allowed') ? 'allow' : host.endsWith('.denied') ? 'deny' : 'ask'),
    check: async ({ host, port }, named) => {
      checked.push(`${host}:${port}${named ? ' named' : ''}`);
      return { host, port, addresses: ['192.0.2.1'] } as unknown as CheckedTarget;
    },
    dial: async () => ({ code: 'unreachable', message: 'not here' }),
    ask: (question) =>
      new Promise((resolve) => {
        questions.push({ question, answer: resolve });
      }),
    isOwn: async () => true,
    log,
    ended: new AbortController().signal,
    ...changes,
  });
  const admit = (host: string, more: Partial<Attempt> = {}): Promise<Admitted | Refusal> =>
    gate.admit({ front: 'connect', client, host, port: 443, ...more }, signal);
  return { admit, log, uses, violations, questions, checked };
}

const code = (answer: Admitted | Refusal): string => (isRefusal(answer) ? answer.code : 'admitted');
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the gate of a run', () => {
  test('allow is checked and admitted, deny is neither, and both are told', async () => {
    const { admit, checked, uses, violations, log } = open();
    const admitted = await admit('a.allowed');
    assert.equal(code(admitted), 'admitted');
    if (!isRefusal(admitted)) {
      admitted.finish({ sentBytes: 3, receivedBytes: 4, sni: 'a.allowed' });
      admitted.finish({ sentBytes: 9, receivedBytes: 9 });
    }
    assert.equal(code(await admit('a.denied')), 'denied');
    assert.deepEqual(checked, ['a.allowed:443']);
    await log.end(0);
    assert.deepEqual(
      uses.map(({ host, allowed, refusal, sentBytes, sni }) => [host, allowed, refusal, sentBytes, sni]),
      [
        ['a.allowed', true, undefined, 3, 'a.allowed'],
        ['a.denied', false, 'denied', 0, undefined],
      ],
    );
    assert.deepEqual(
      violations.map(({ kind, target, access }) => [kind, target, access]),
      [['network', 'a.denied:443', 'connect']],
    );
  });

  test('what is no host reaches no policy', async () => {
    const { admit, uses } = open({ decide: () => assert.fail() });
    for (const host of ['', 'a b', 'a\0b', '%31', 'a/b', '[', `${'x'.repeat(300)}`])
      assert.equal(code(await admit(host)), 'bad-host');
    assert.ok(uses.every(({ host }) => host.length <= 255));
  });

  test('hosts are decided on in their canonical form', async () => {
    const seen: string[] = [];
    const { admit } = open({
      decide: ({ host }) => {
        seen.push(host);
        return decision('deny');
      },
    });
    for (const host of ['Example.COM.', '0x7f.1', '2130706433', '::FFFF:127.0.0.1', 'bücher.example'])
      await admit(host);
    assert.deepEqual(seen.slice(0, 3), ['example.com', '127.0.0.1', '127.0.0.1']);
    assert.equal(seen[4], 'xn--bcher-kva.example');
  });

  test('one question for a host and port, whatever asks; the answer holds for the run', async () => {
    const { admit, questions, checked } = open();
    const waiting = [admit('x.test'), admit('X.TEST.'), admit('x.test', { front: 'socks' })];
    await soon();
    assert.equal(questions.length, 1);
    questions[0]?.answer(true);
    assert.deepEqual((await Promise.all(waiting)).map(code), ['admitted', 'admitted', 'admitted']);
    assert.equal(code(await admit('x.test')), 'admitted');
    assert.equal(questions.length, 1);
    assert.ok(checked.every((each) => each === 'x.test:443 named'));
    void admit('x.test', { port: 22 });
    await soon();
    assert.equal(questions.length, 2);
  });

  test('a no is remembered as well', async () => {
    const { admit, questions } = open();
    const first = admit('x.test');
    await soon();
    questions[0]?.answer(false);
    assert.equal(code(await first), 'not-approved');
    assert.equal(code(await admit('x.test')), 'not-approved');
    assert.equal(questions.length, 1);
  });

  test('an entry about some requests asks about each of them', async () => {
    const entry = { methods: ['POST'], paths: undefined } as unknown as NonNullable<NetworkDecision['entry']>;
    const { admit, questions } = open({ decide: () => decision('ask', { entry }) });
    const post = (path: string) => admit('x.test', { port: 80, request: { method: 'POST', path } });
    const answers = [post('/a'), post('/b'), post('/a')];
    await soon();
    assert.equal(questions.length, 2);
    questions[0]?.answer(true);
    questions[1]?.answer(false);
    assert.deepEqual((await Promise.all(answers)).map(code), ['admitted', 'not-approved', 'admitted']);
  });

  test('nobody is asked without end', async () => {
    const { admit, questions } = open();
    for (let index = 0; index < maxQuestions * 2; index++) void admit(`${index}.test`);
    await soon();
    assert.equal(questions.length, maxOpenQuestions);
    for (let answered = 0; answered < maxQuestions * 2; answered++) {
      questions[answered]?.answer(false);
      await soon();
      void admit(`again-${answered}.test`);
      await soon();
    }
    assert.equal(questions.length, maxQuestions);
  });

  test('nobody to ask: refused at once, with what would allow it', async () => {
    const { admit } = open({ ask: undefined, decide: () => decision('ask', { howToAllow: 'sbx run --net x.test' }) });
    const answer = await admit('x.test');
    assert.deepEqual(isRefusal(answer) && [answer.code, answer.howToAllow], ['not-approved', 'sbx run --net x.test']);
  });

  test('connections of another run get nothing, neither what a person answers nor what this run is allowed', async () => {
    const { admit, checked, questions } = open({ isOwn: async () => false });
    for (const host of ['x.test', 'a.allowed', 'a.denied']) assert.equal(code(await admit(host)), 'denied', host);
    assert.deepEqual([questions, checked], [[], []]);
  });

  test('whose a connection is, is asked once for all of its requests', async () => {
    let asked = 0;
    const isOwn = async (): Promise<boolean> => {
      asked++;
      return true;
    };
    const { admit } = open({ isOwn });
    for (const host of ['a.allowed', 'b.allowed']) assert.equal(code(await admit(host)), 'admitted');
    assert.equal(asked, 1);
  });

  test('nobody is asked about an address that a yes would not open', async () => {
    const forbidden: Refusal = { code: 'forbidden-address', message: 'no' };
    const { admit, questions } = open({ check: async () => forbidden });
    assert.equal(code(await admit('169.254.169.254')), 'forbidden-address');
    assert.equal(questions.length, 0);
    void admit('name.test');
    await soon();
    assert.equal(questions.length, 1);
  });

  test('a policy that cannot be had allows nothing, wherever it is missed', async () => {
    const broken = (): never => {
      throw new Error('broken');
    };
    assert.equal(code(await open({ decide: broken }).admit('a.allowed')), 'denied');
    assert.equal(code(await open({ check: broken }).admit('a.allowed')), 'denied');
  });

  test('an answer that comes after the end admits nothing', async () => {
    const ended = new AbortController();
    const { admit, questions } = open({ ended: ended.signal });
    const waiting = admit('x.test');
    await soon();
    ended.abort();
    questions[0]?.answer(true);
    assert.notEqual(code(await waiting), 'admitted');
  });
});

describe('what is told of the network', () => {
  const use: NetworkUse = {
    host: 'a.test',
    port: 443,
    front: 'direct',
    allowed: true,
    because: 'x',
    sentBytes: 1,
    receivedBytes: 2,
    durationMs: 1,
  };
  const openLog = () => {
    const uses: NetworkUse[] = [];
    const violations: Violation[] = [];
    const log = new NetworkLog({ use: (each) => uses.push(each), violation: (each) => violations.push(each) });
    return { log, uses, violations };
  };

  test('many connections are few events, and no byte is missing in their sums', async () => {
    const { log, uses } = openLog();
    const total = maxSingleEvents + 5000;
    for (let index = 0; index < total; index++) log.add({ ...use, host: `${index % 1000}.test` });
    await log.end(0);
    assert.ok(uses.length < maxSingleEvents + 300);
    assert.equal(
      uses.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      total,
    );
    assert.equal(
      uses.reduce((sum, { times = 1 }) => sum + times, 0),
      total,
    );
  });

  test('nothing is told after the end, which waits for what is open and not for ever', async () => {
    const { log, uses } = openLog();
    log.expect();
    setTimeout(() => log.add(use, true), 10);
    await log.end(5_000);
    assert.equal(uses.length, 1);
    log.add(use);
    assert.equal(uses.length, 1);
    const other = openLog();
    other.log.expect();
    await other.log.end(10);
  });

  test('the same refusal is explained once, another kind of it too', () => {
    const { log, violations } = openLog();
    for (let round = 0; round < 3; round++) {
      log.explain('a.test', 443, { code: 'denied', message: 'no' });
      log.explain('a.test', 22, { code: 'denied', message: 'no' });
      log.explain('2001:db8::1', 443, { code: 'unreachable', message: 'gone' });
    }
    assert.deepEqual(
      violations.map(({ target }) => target),
      ['a.test:443', 'a.test:22', '[2001:db8::1]:443'],
    );
    for (let index = 0; index < 100; index++) log.explain(`${index}.test`, 1, { code: 'denied', message: 'no' });
    assert.ok(violations.length <= 20);
  });
});
