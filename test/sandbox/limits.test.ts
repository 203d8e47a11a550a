/**
 * What a command may use, tried by commands that want more. Every load is bounded by itself, so that a limit that does
 * not hold takes no machine down, and stands beside a command that stays below.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { openPlace, type Place, readAll, waitForOutput } from '../fixtures/sandbox-session.ts';

/** Forks at most `most` processes, all waiting, and says how many there were at one time. */
const bomb = (most: number): string =>
  `perl -e 'my @made; for (1..${most}) { my $pid = fork(); last unless defined $pid; if (!$pid) { sleep 20; exit } push @made, $pid } print scalar(@made), "\\n"; kill 9, @made'`;

const openBounded = (place: Place) => openPlace(place, { tmpBytes: 4 * 1024 ** 2, processes: 300 });

describeInSession('limits', { timeout: 300_000, openSession: openBounded }, (here) => {
  const rows: readonly [what: string, limits: object, command: string, code: number, neighbour: string][] = [
    [
      'a file of more than its size',
      { fileBytes: 1024 ** 2 },
      'head -c 1100000 /dev/zero >big',
      153,
      'head -c 1000000 /dev/zero >small && head -c 1000000 /dev/zero >another',
    ],
    [
      'more open files than allowed',
      { openFiles: 64 },
      `perl -e 'my @f; for (1..100) { open my $f, "<", "/dev/null" or exit 9; push @f, $f }'`,
      9,
      `perl -e 'my @f; for (1..50) { open my $f, "<", "/dev/null" or exit 9; push @f, $f }'`,
    ],
    ['more processor time than allowed', { cpuSeconds: 1 }, `perl -e '1 while time - $^T < 60'`, 152, 'sleep 1.2'],
    [
      'a process that ignores the signal at its processor time',
      { cpuSeconds: 1 },
      `perl -e '$SIG{XCPU} = "IGNORE"; 1 while time - $^T < 60'`,
      137,
      `perl -e '$SIG{XCPU} = "IGNORE"'`,
    ],
    ['the limit raised again', { openFiles: 64 }, 'ulimit -n 1000', 1, 'ulimit -n 64 && ulimit -n 32'],
    ['the file size raised again', { fileBytes: 2048 }, 'ulimit -f 1000', 1, 'ulimit -f 1'],
  ];
  for (const [what, limits, command, code, neighbour] of rows) {
    test(`${what} ends as it should, and what stays below works`, async () => {
      const refused = await here.run(command, { limits });
      assert.deepEqual([refused.code, refused.failure], [code, undefined], refused.stderr);
      const allowed = await here.run(neighbour, { limits });
      assert.deepEqual([allowed.code, allowed.stderr], [0, '']);
    });
  }

  for (const pty of [undefined, { columns: 80, rows: 24, term: 'dumb' }]) {
    test(`no core file is written, and commands give way first when memory runs out (${pty ? 'terminal' : 'pipes'})`, async () => {
      const command = 'ulimit -c; ulimit -Hc; ulimit -Hn; cat /proc/self/oom_score_adj';
      const started = await here.start(command, { limits: { openFiles: 100 }, pty });
      const seen = await waitForOutput(started, '500');
      assert.deepEqual(seen.trim().split(/\s+/), ['0', '0', '100', '500']);
      await started.exit;
      assert.notEqual(readFileSync('/proc/self/oom_score_adj', 'utf8').trim(), '500', 'the daemon does not');
    });
  }

  for (const folder of ['/tmp', '/var/tmp']) {
    test(`${folder} takes what it has room for and no more`, async () => {
      const refused = await here.run(`head -c 6000000 /dev/zero >${folder}/big; s=$?; rm ${folder}/big; exit $s`);
      assert.match(refused.stderr, /No space left/);
      const allowed = await here.run(`head -c 3000000 /dev/zero >${folder}/small && rm ${folder}/small`);
      assert.equal(allowed.code, 0, allowed.stderr);
    });
  }

  test('/dev/shm is bounded, and each command has its own', async () => {
    const result = await here.run('echo $(($(stat -fc "%b * %S" /dev/shm))); : >/dev/shm/mine; ls /dev/shm');
    assert.equal(result.stdout, `${512 * 1024 ** 2}\nmine\n`);
    assert.equal((await here.run('ls /dev/shm')).stdout, '');
  });

  test('a lower limit of one command holds for it alone, where the kernel counts it', async () => {
    const limits = { processes: 40 };
    const started = await here.start(bomb(200), { limits });
    const made = Number((await readAll(started.stdout)).toString());
    const { limits: held, limitsAbsent } = started.limits;
    const names = (list: readonly { name: string; value: number }[]): number[] =>
      list.filter(({ name }) => name === 'processes').map(({ value }) => value);
    if (here.account.uid === 0 && limitsAbsent.length > 0) {
      assert.deepEqual([names(limitsAbsent), names(held)], [[40], [600]], 'what holds instead is said');
      assert.match(limitsAbsent[0]?.because ?? '', /root/);
    } else {
      assert.deepEqual([names(limitsAbsent), names(held)], [[], [40]]);
      assert.ok(made > 20 && made <= 40, `${made} processes`);
    }
    assert.equal((await here.run(bomb(100))).stdout, '100\n', 'another command has more');
    assert.equal((await here.run(bomb(20), { limits })).stdout, '20\n');
  });

  test('a fork bomb stops at the limit of the session, and the next command runs', async () => {
    const result = await here.run(bomb(600));
    const made = Number(result.stdout);
    // a terminal's or a pipe's carrier and the session's own processes count as well
    assert.ok(made > 20 && made <= 600, `${made} processes`);
    assert.equal((await here.run(bomb(20))).stdout, '20\n');
  });
});
