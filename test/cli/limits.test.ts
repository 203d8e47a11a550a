/** Limits as a person meets them: the options of `sbx run`, the exit status, and what is said when one is reached. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Exit } from '../../client/protocol/events.ts';
import { explainAbsence, findRunGroups } from '../../daemon/sandbox/groups/run-groups.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

describe('sbx run', { timeout: 120_000 }, () => {
  let sbx: PrivateSbx;
  const userPolicy = (): string => path.join(sbx.home, '.config/sbx/policy.json');
  const setLimits = (limits: object): void => writeFileSync(userPolicy(), JSON.stringify({ sandbox: { limits } }));
  before(() => {
    sbx = new PrivateSbx();
    mkdirSync(path.dirname(userPolicy()), { recursive: true, mode: 0o700 });
    setLimits({});
  });
  after(() => sbx.close());

  const rows: readonly [args: string[], status: number, says: RegExp][] = [
    [
      ['--timeout', '300ms', 'sleep 20'],
      124,
      /stopped at the time limit, 300 ms \(--timeout\); give a larger --timeout/,
    ],
    [
      ['--idle-timeout', '300ms', 'echo begun; sleep 20'],
      124,
      /stopped at the limit on time without output, 300 ms \(--idle-timeout\); give a larger/,
    ],
    [['--max-output', '1K', 'yes'], 125, /stopped at the limit on output, 1 KiB \(--max-output\); give a larger/],
    [
      ['--max-file', '64K', 'head -c 100000 /dev/zero >f; s=$?; rm f; exit $s'],
      153,
      /a process reached the limit on the size of a file, 64 KiB \(--max-file\); give a larger --max-file/,
    ],
    [
      ['--open-files', '64', `perl -e 'for (1..99) { open $f[$_], "<", "/dev/null" or die "$!\\n" }'`],
      24,
      /a process reached the limit on open files of a process, 64 \(--open-files\); give a larger --open-files/,
    ],
    [
      ['--cpu', '1', 'while :; do :; done'],
      152,
      /reached the limit on processor time of a process, 1 s \(--cpu\); give a larger/,
    ],
    [['--memory', '1M', 'true'], 125, /`--memory`: less than 16 MiB lets no command start; give at least 16 MiB/],
    [['--memory', 'much', 'true'], 125, /`--memory`: `much` is not a size; write 512M/],
    [['--processes', '0', 'true'], 125, /`--processes`: `0` is not a whole number above 0/],
  ];
  for (const [args, status, says] of rows) {
    test(args.join(' '), async () => {
      const result = await sbx.run(...args);
      assert.deepEqual([result.status, result.signal], [status, null], result.stderr);
      assert.match(result.stderr, says);
    });
  }

  test('a limit that nothing here can hold is refused when asked for, and named when a policy sets it', async () => {
    const absent = explainAbsence(findRunGroups(), 'memory');
    const asked = await sbx.run('--memory', '64M', 'echo ran');
    setLimits({ memoryBytes: 64 * 1024 ** 2 });
    const set = await sbx.run('echo ran');
    const status = await sbx.call(['status']);
    setLimits({});
    assert.deepEqual([set.status, set.out], [0, 'ran\n']);
    if (absent === undefined) {
      assert.deepEqual([asked.status, asked.out, asked.stderr, set.stderr], [0, 'ran\n', '', '']);
    } else {
      assert.deepEqual([asked.status, asked.out], [125, '']);
      assert.match(asked.stderr, /the memory limit, 64 MiB \(--memory\), cannot be held here: .*; leave it out, or /);
      assert.match(set.stderr, /the memory limit, 64 MiB \(`memoryBytes`, .*policy.json:1:\d+\), cannot be held here/);
      assert.ok(status.out.includes(`without limits:`) && status.out.includes(absent.because), status.out);
    }
  });

  test('output up to its limit is printed to the last byte, and not one more', async () => {
    const result = await sbx.run('--max-output', '10', 'printf 0123456789abc; sleep 20');
    assert.deepEqual([result.status, result.out], [125, '0123456789']);
    const exact = await sbx.run('--max-output', '10', 'printf 0123456789');
    assert.deepEqual([exact.status, exact.out, exact.stderr], [0, '0123456789', '']);
  });

  test('who prints now and then is not idle', async () => {
    const result = await sbx.run('--idle-timeout', '2s', 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done');
    assert.deepEqual([result.status, result.stderr], [0, '']);
  });

  test('limits that are not reached leave the command alone', async () => {
    const args = '--timeout 1m --idle-timeout 1m --cpu 1m --open-files 100 --max-file 1M --max-output 1M';
    const result = await sbx.run(...args.split(' '), 'echo done >f && cat f && rm f');
    assert.deepEqual([result.status, result.out, result.stderr], [0, 'done\n', '']);
  });

  test('a policy file limits, an option does not exceed it, and the message names its place', async () => {
    setLimits({ timeoutMs: 300, outputBytes: 100 });
    const result = await sbx.run('--timeout', '1h', 'sleep 20');
    assert.equal(result.status, 124);
    assert.ok(
      result.stderr.includes(
        `stopped at the time limit, 300 ms (\`timeoutMs\`, ${userPolicy()}:1:23); raise \`sandbox.limits.timeoutMs\` there`,
      ),
      result.stderr,
    );
    setLimits({});
    assert.equal((await sbx.run('--timeout', '1h', 'sleep 0.5')).status, 0);
  });

  test('a project can lower a limit without trust, and raise none', async () => {
    const file = path.join(sbx.workspace, '.sbx/policy.json');
    mkdirSync(path.dirname(file));
    writeFileSync(file, JSON.stringify({ sandbox: { limits: { openFiles: 70, processes: 100_000 } } }));
    const result = await sbx.call(['run', '--json', 'ulimit -n']);
    const shown = await sbx.call(['policy', 'show']);
    assert.match(shown.out, /limits\.openFiles 70 +\S.*policy\.json:1:23\n/);
    assert.match(shown.out, /limits\.processes 4096 +built-in\n/);
    const linted = await sbx.call(['policy', 'lint']);
    assert.match(linted.out, /`processes` is 100000, but 4096 holds \(the default\)/);
    const events = result.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; exit?: Exit });
    const { limits = [] } = events.at(-1)?.exit?.sandbox ?? {};
    const amountOf = (name: string): number | undefined => limits.find((limit) => limit.name === name)?.value;
    assert.equal(amountOf('openFiles'), 70);
    assert.ok((amountOf('processes') ?? 0) < 5000);
    writeFileSync(file, '{}');
    assert.equal((await sbx.call(['policy', 'lint'])).status, 0);
  });
});
