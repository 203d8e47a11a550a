/** The limits that the daemon holds itself, and how a failed command is explained by one that the kernel held. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LimitName } from '../../../client/protocol/limit-names.ts';
import type { Limits } from '../../../daemon/decide/limits.ts';
import { findLimitViolation } from '../../../daemon/limit-violation.ts';
import { LimitWatch } from '../../../daemon/limit-watch.ts';

function limitsOf(values: { readonly [K in LimitName]?: number }): Limits {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, origin: { layer: 'flags' } }]),
  );
}

function watch(values: { readonly [K in LimitName]?: number }): { watch: LimitWatch; reached: string[] } {
  const reached: string[] = [];
  return { watch: new LimitWatch(limitsOf(values), (name) => reached.push(name)), reached };
}

describe('the watch', { concurrency: false }, () => {
  it('counts output up to the last byte, and says once that there was more', () => {
    const { watch: counted, reached } = watch({ outputBytes: 10 });
    counted.begin();
    assert.deepEqual([counted.take(6), counted.take(4)], [6, 4]);
    assert.deepEqual(reached, []);
    assert.deepEqual([counted.take(3), counted.take(3)], [0, 0]);
    assert.deepEqual(reached, ['outputBytes']);
  });

  it('is quiet without limits', () => {
    const { watch: free, reached } = watch({});
    free.begin();
    assert.equal(free.take(1e9), 1e9);
    free.end();
    assert.deepEqual(reached, []);
  });

  it('counts silence from the last output, and not while nobody takes any', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { watch: idle, reached } = watch({ idleTimeoutMs: 100 });
    context.mock.timers.tick(500);
    idle.begin();
    context.mock.timers.tick(99);
    assert.deepEqual(reached, []);
    idle.hold();
    context.mock.timers.tick(1000);
    assert.deepEqual(reached, []);
    idle.release();
    context.mock.timers.tick(99);
    assert.deepEqual(reached, []);
    context.mock.timers.tick(2);
    assert.deepEqual(reached, ['idleTimeoutMs']);
    context.mock.timers.tick(1000);
    assert.deepEqual(reached, ['idleTimeoutMs']);
  });

  it('counts the whole time whatever is printed, and stops with the run', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const ended = watch({ timeoutMs: 100 });
    const late = watch({ timeoutMs: 100 });
    ended.watch.begin();
    late.watch.begin();
    context.mock.timers.tick(60);
    late.watch.take(5);
    ended.watch.end();
    context.mock.timers.tick(60);
    assert.deepEqual([ended.reached, late.reached], [[], ['timeoutMs']]);
  });
});

describe('a failed command', () => {
  const limits = limitsOf({ cpuSeconds: 5, fileBytes: 1024 ** 2, openFiles: 100, processes: 50 });
  const rows: readonly [code: number, says: string, name: LimitName | undefined][] = [
    [152, '', 'cpuSeconds'],
    [153, '', 'fileBytes'],
    [1, 'cp: error writing x: File too large\n', 'fileBytes'],
    [1, 'Error: EMFILE: too many open files, open x\n', 'openFiles'],
    [1, 'cat: x: Too many open files\n', 'openFiles'],
    [254, 'bash: fork: retry: Resource temporarily unavailable\n', 'processes'],
    [1, 'pthread_create failed: Resource temporarily unavailable\n', 'processes'],
    [1, 'Error: spawn /bin/sh EAGAIN\n', 'processes'],
    [1, 'read: Resource temporarily unavailable\n', undefined],
    [1, 'cat: x: Too many open files in system\n', undefined],
    [143, '', undefined],
    [1, 'no such file\n', undefined],
  ];
  for (const [code, errorTail, name] of rows) {
    it(`with ${code} and ${JSON.stringify(errorTail)} met ${name ?? 'no limit'}`, () => {
      const violation = findLimitViolation({ code, errorTail }, limits);
      assert.equal(violation?.target, name);
      if (name !== undefined) assert.match(violation?.message ?? '', /^a process reached the limit on /);
      assert.equal(findLimitViolation({ code, errorTail }, {}), undefined, 'where none was set, none was met');
    });
  }
});
