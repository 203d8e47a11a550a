/** Which limit holds where several files and the caller name one, and what is said about it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Origin } from '../../../client/protocol/decision.ts';
import type { LimitName } from '../../../client/protocol/limit-names.ts';
import {
  describeLimit,
  findIdleLimits,
  howToRaise,
  type Limits,
  type RequestedLimits,
  resolveLimits,
} from '../../../daemon/decide/limits.ts';
import { mergePolicies, withoutGrants } from '../../../daemon/decide/merge-policies.ts';
import type { ParsedPolicy } from '../../../daemon/decide/policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';

type Layer = Origin['layer'];
type Values = { readonly [K in LimitName]?: number };

const builtIn = { processes: 4000, memoryBytes: 8 * 1024 ** 3 } as const;

function read(layer: Layer, text: string): ParsedPolicy {
  return parsePolicy(text, { layer, file: `/${layer}.json`, anchor: '/', home: '/home/u' });
}

function layer(name: Layer, limits: Values, more: object = {}): ParsedPolicy {
  const parsed = read(name, JSON.stringify({ ...more, sandbox: { limits } }));
  assert.deepEqual(parsed.problems, []);
  return parsed;
}

function resolve(layers: readonly ParsedPolicy[], requests: readonly RequestedLimits[] = [], mayRaise = true): Limits {
  return resolveLimits(mergePolicies(layers).limits, requests, builtIn, mayRaise);
}

const flags = (values: Values): RequestedLimits => ({ layer: 'flags', values });
const session = (values: Values): RequestedLimits => ({ layer: 'session', values });

describe('of several limits', () => {
  const rows: readonly [what: string, limits: Limits, value: number | undefined, from: Layer | undefined][] = [
    ['the built-in one holds where nobody says', resolve([]), 4000, 'built-in'],
    ['the user may give more than the built-in one', resolve([layer('user', { processes: 9000 })]), 9000, 'user'],
    ['managed policy may, too', resolve([layer('managed', { processes: 9000 })]), 9000, 'managed'],
    ['a project may give less', resolve([layer('project', { processes: 100 })]), 100, 'project'],
    ['a project cannot give more', resolve([layer('project', { processes: 9000 })]), 4000, 'built-in'],
    ['nor its local file', resolve([layer('project-local', { processes: 9000 })]), 4000, 'built-in'],
    [
      'a project may lower what the user raised, also above the built-in one',
      resolve([layer('project', { processes: 6000 }), layer('user', { processes: 9000 })]),
      6000,
      'project',
    ],
    [
      'the strictest holds, whichever layer it is of',
      resolve([layer('managed', { processes: 500 }), layer('user', { processes: 300 })]),
      300,
      'user',
    ],
    [
      'managed policy is not exceeded by the user',
      resolve([layer('managed', { processes: 500 }), layer('user', { processes: 900 })]),
      500,
      'managed',
    ],
    ['a request may be lower', resolve([layer('user', { processes: 300 })], [flags({ processes: 20 })]), 20, 'flags'],
    [
      'a request is never higher than a file',
      resolve([layer('user', { processes: 300 })], [flags({ processes: 400 })]),
      300,
      'user',
    ],
    [
      'nor than the file of a project',
      resolve([layer('project', { processes: 300 })], [flags({ processes: 400 })]),
      300,
      'project',
    ],
    ['a request may be higher than the built-in one', resolve([], [flags({ processes: 9000 })]), 9000, 'flags'],
    ['unless flags are locked', resolve([], [flags({ processes: 9000 })], false), 4000, 'built-in'],
    ['which still may be lower', resolve([], [flags({ processes: 90 })], false), 90, 'flags'],
    [
      'of session and request the strictest holds',
      resolve([], [flags({ processes: 90 }), session({ processes: 80 })]),
      80,
      'session',
    ],
    [
      'where managed policy alone may grant, the user may not give more',
      resolve([layer('managed', {}, { permissions: { managedRulesOnly: true } }), layer('user', { processes: 9000 })]),
      4000,
      'built-in',
    ],
    [
      'a file without grants may still give less',
      resolve([withoutGrants(layer('user', { processes: 300 }))]),
      300,
      'user',
    ],
    [
      'a file with a mistake may give less',
      resolve([read('user', '{ "sandbox": { "limits": { "processes": 300, "nothing": 1 } } }')]),
      300,
      'user',
    ],
    [
      'a file with a mistake cannot give more',
      resolve([read('user', '{ "sandbox": { "limits": { "processes": 9000, "nothing": 1 } } }')]),
      4000,
      'built-in',
    ],
    [
      'of a key that stands twice the strictest holds',
      resolve([read('user', '{ "sandbox": { "limits": { "processes": 300 }, "limits": { "processes": 200 } } }')]),
      200,
      'user',
    ],
  ];
  for (const [what, limits, value, from] of rows) {
    it(what, () => {
      assert.deepEqual([limits.processes?.value, limits.processes?.origin.layer], [value, from]);
      assert.equal(limits.memoryBytes?.value, builtIn.memoryBytes, 'the others stay');
    });
  }
});

describe('a limit', () => {
  const mistakes: readonly [text: string, says: RegExp][] = [
    ['{ "processes": "many" }', /processes/],
    ['{ "processes": 0 }', /processes/],
    ['{ "processes": 1.5 }', /processes/],
    ['{ "memoryBytes": 1000 }', /memoryBytes/],
    ['{ "timeoutMs": -1 }', /timeoutMs/],
    ['{ "timeoutMs": "10m" }', /timeoutMs/],
    ['{ "timeout": 10 }', /timeout/],
  ];
  for (const [text, says] of mistakes) {
    it(`that is ${text} is a mistake with its place`, () => {
      const { problems } = read('user', `{\n "sandbox": { "limits": ${text} } }`);
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(problems[0]?.message ?? '', says);
      assert.equal(problems[0]?.origin.line, 2);
    });
  }

  it('of a project that could only be a raise is told as without effect', () => {
    const project = layer('project', { processes: 9000, openFiles: 100 });
    const idle = findIdleLimits([project, layer('user', {})], resolve([project, layer('user', {})]));
    assert.deepEqual(
      idle.map(({ message, origin }) => [message, origin.file]),
      [['`processes` is 9000, but 4000 holds (the default)', '/project.json']],
    );
    const raised = [project, layer('user', { processes: 10_000 })];
    assert.deepEqual(findIdleLimits(raised, resolve(raised)), []);
  });

  it('says what it is, where it was set and how to raise it', () => {
    const { timeoutMs, processes } = resolve([layer('user', { timeoutMs: 600_000 })]);
    assert.ok(timeoutMs && processes);
    assert.equal(describeLimit('timeoutMs', timeoutMs), 'the time limit, 10 min (`timeoutMs`, /user.json:1:23)');
    assert.equal(howToRaise('timeoutMs', timeoutMs), 'raise `sandbox.limits.timeoutMs` there');
    assert.equal(describeLimit('processes', processes), 'the limit on processes and threads, 4000 (the default)');
    assert.equal(
      howToRaise('processes', processes),
      'give --processes, or set `sandbox.limits.processes` in your policy',
    );
    const asked = resolve([], [flags({ memoryBytes: 512 * 1024 ** 2 })]).memoryBytes;
    assert.ok(asked);
    assert.equal(describeLimit('memoryBytes', asked), 'the memory limit, 512 MiB (--memory)');
    assert.equal(howToRaise('memoryBytes', asked), 'give a larger --memory');
    const managed = resolve([layer('managed', { outputBytes: 1500 })]).outputBytes;
    assert.ok(managed);
    assert.match(describeLimit('outputBytes', managed), /1500 bytes \(`outputBytes`, \/managed.json:1:/);
    assert.match(howToRaise('outputBytes', managed), /administrator/);
  });
});

describe('the law', () => {
  const names = ['processes', 'timeoutMs', 'memoryBytes'] as const;
  const values = fc.record(
    { processes: fc.integer({ min: 8, max: 9000 }), timeoutMs: fc.integer({ min: 1, max: 9000 }) },
    { requiredKeys: [] },
  );
  const layers: fc.Arbitrary<[Layer, Values][]> = fc.array(
    fc.tuple(fc.constantFrom<Layer>('managed', 'user', 'project', 'project-local'), values),
    { maxLength: 4 },
  );

  it('a limit that a project adds, wherever it stands, loosens nothing', () => {
    fc.assert(
      fc.property(layers, values, values, fc.nat(4), (own, wanted, added, at) => {
        const parsed = own.map(([name, limits]) => layer(name, limits));
        const before = resolve(parsed, [flags(wanted)]);
        const after = resolve(parsed.toSpliced(at, 0, layer('project', added)), [flags(wanted)]);
        for (const name of names) {
          const old = before[name]?.value ?? Number.POSITIVE_INFINITY;
          assert.ok((after[name]?.value ?? Number.POSITIVE_INFINITY) <= old, name);
        }
      }),
    );
  });

  it('no request gets more than any file says', () => {
    fc.assert(
      fc.property(layers, values, values, (own, wanted, ofSession) => {
        const parsed = own.map(([name, limits]) => layer(name, limits));
        const found = resolve(parsed, [flags(wanted), session(ofSession)]);
        for (const name of names) {
          for (const [, limits] of own)
            assert.ok((found[name]?.value ?? 0) <= (limits[name] ?? Number.POSITIVE_INFINITY));
        }
      }),
    );
  });
});
