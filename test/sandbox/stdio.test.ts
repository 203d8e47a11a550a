/** A command's stdin, stdout and stderr are real pipes, and nothing is lost, reordered or held back in them. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { readAll } from '../fixtures/sandbox-session.ts';

describeInSession('stdio', { timeout: 60_000 }, (here) => {
  const rows: readonly [
    command: string,
    expected: { stdout?: string; stderr?: string; code?: number },
    input?: string,
  ][] = [
    ['echo out; echo err >&2', { stdout: 'out\n', stderr: 'err\n' }],
    ['echo a >/dev/stdout; echo b >/dev/stderr', { stdout: 'a\n', stderr: 'b\n' }],
    ['echo a >/proc/self/fd/1; echo b >/dev/fd/2', { stdout: 'a\n', stderr: 'b\n' }],
    ['echo a | tee /dev/stderr', { stdout: 'a\n', stderr: 'a\n' }],
    ['cat /dev/stdin', { stdout: 'given' }, 'given'],
    ['cat; echo end', { stdout: 'givenend\n' }, 'given'],
    ['cat | wc -c', { stdout: '300000\n' }, 'x'.repeat(300_000)],
    ['cat', { stdout: '' }, ''],
    ['cat', { stdout: '' }],
    ['readlink /proc/self/fd/0', { stdout: '/dev/null\n' }],
    ['test -p /dev/stdin && test -p /dev/stdout && test -p /dev/stderr && echo pipes', { stdout: 'pipes\n' }, ''],
    ['yes | head -n 1', { stdout: 'y\n', stderr: '' }],
    ['set -o pipefail; yes | head -n 1 >/dev/null', { code: 141 }],
    ['grep -E "Sig(Ign|Blk)" /proc/self/status', { stdout: 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n' }],
    ['exec 1>&-; echo x', { stdout: '', code: 1 }],
    ['head -c 1; exit 3', { stdout: 'a', code: 3 }, 'a'.repeat(1_000_000)],
    [String.raw`printf '\000\377\r\n'`, { stdout: '\0�\r\n' }],
    ['(exec >&2; echo late) ; echo "$0 $# $-"', { stdout: 'bash 0 hBc\n', stderr: 'late\n' }],
  ];
  for (const [command, expected, input] of rows) {
    test(`${command}${input === undefined ? '' : ` with ${input.length} bytes`}`, async () => {
      const result = await here.run(command, input === undefined ? {} : { input });
      assert.deepEqual(
        {
          stdout: result.stdout,
          code: result.code,
          failure: result.failure,
          ...(expected.stderr === undefined ? {} : { stderr: result.stderr }),
        },
        { stdout: '', code: 0, failure: undefined, ...expected },
      );
    });
  }

  test('100 MB arrive whole', async () => {
    const started = await here.start('head -c 100000000 /dev/zero | tr "\\000" x');
    let bytes = 0;
    started.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    assert.equal((await started.exit).code, 0);
    await new Promise((resolve) =>
      started.stdout?.closed ? resolve(undefined) : started.stdout?.once('close', resolve),
    );
    assert.equal(bytes, 100_000_000);
  });

  test('random bytes pass both ways', async () => {
    const bytes = randomBytes(2_000_000);
    const started = await here.start('cat', { input: bytes });
    const output = await readAll(started.stdout);
    const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    assert.equal(digest(output), digest(bytes));
  });

  test('a reader that goes away ends an endless writer', async () => {
    const started = await here.start('yes; echo "status $?" >&2');
    started.stdout?.once('data', () => started.stdout?.destroy());
    assert.match((await readAll(started.stderr)).toString(), /status 141|Broken pipe/);
    await started.exit;
  });

  test('input can come while the command runs', async () => {
    const started = await here.start('read -r a; echo "got $a"; read -r b || echo end', { stdin: 'stream' });
    const output = readAll(started.stdout);
    started.stdin?.write('one\n');
    started.stdout?.once('data', () => started.stdin?.end());
    assert.equal((await output).toString(), 'got one\nend\n');
  });

  test('more commands than one batch of pipes holds, several at a time', async () => {
    const results = await Promise.all(Array.from({ length: 40 }, (_, index) => here.run(`echo ${index}`)));
    assert.deepEqual(
      results.map((result) => result.stdout),
      results.map((_, index) => `${index}\n`),
    );
  });

  test('a command text of 1 MiB runs, with $0, line numbers and variables as ever', async () => {
    const command = `: ${'x'.repeat(1_048_000)}\n\nnosuchcommand\necho "$0 $#"; set -- $(ls /proc/self/fd); echo $#; compgen -v | grep -c descriptor`;
    const result = await here.run(command);
    assert.deepEqual(
      [result.stdout, result.stderr],
      ['bash 0\n4\n0\n', 'bash: line 3: nosuchcommand: command not found\n'],
    );
  });
});
