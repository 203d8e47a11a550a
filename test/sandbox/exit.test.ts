/** How a run ends, what signals reach, and that nothing goes on after it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { listProcesses, readArguments } from '../../daemon/platform/process-tree.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { openPlace, run, start, waitForOutput } from '../fixtures/sandbox-session.ts';

function isRunning(marker: string): boolean {
  return listProcesses().some((pid) => readArguments(pid).includes(marker));
}

describeInSession('ends', { timeout: 60_000 }, (here) => {
  const rows: readonly [command: string, code: number][] = [
    ['true', 0],
    ['false', 1],
    ['exit 7', 7],
    ['exit 255', 255],
    ['exit 137', 137],
    ['kill -KILL $$', 137],
    ['kill -TERM $$', 143],
    ['kill -SEGV $$', 139],
    ['nosuchcommand', 127],
    ['/etc/passwd', 126],
    ['if', 2],
  ];
  for (const [command, code] of rows) {
    test(command, async () => {
      const result = await here.run(command);
      assert.deepEqual([result.code, result.signal, result.failure], [code, undefined, undefined]);
    });
  }

  test('a working directory that is not there is a failure of the sandbox, not of the command', async () => {
    const result = await here.run('exit 1', { cwd: '/nonexistent' });
    assert.equal(result.failure, 'the folder `/nonexistent` is not there inside the sandbox');
    assert.equal(result.stderr, '', 'no program of the command printed anything');
    const quoting = 'echo "bwrap: is a program" >&2; sleep 0.3; echo more >&2; exit 1';
    const printed = await here.run(quoting);
    assert.deepEqual([printed.failure, printed.stderr], [undefined, 'bwrap: is a program\nmore\n']);
  });

  test('TERM reaches a trap, and its status counts', async () => {
    const started = await here.start('trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.05; done');
    await waitForOutput(started, 'ready');
    started.signal('SIGTERM');
    assert.deepEqual(await started.exit, { code: 3, signal: undefined, failure: undefined });
  });

  test('TERM reaches a process group that the command made', async () => {
    const started = await here.start('exec timeout 100 bash -c "echo ready; exec sleep 100"');
    await waitForOutput(started, 'ready');
    started.signal('SIGTERM');
    assert.deepEqual(await started.exit, { code: 143, signal: 'SIGTERM', failure: undefined });
  });

  test('a death by the signal that was sent is told as such', async () => {
    const started = await here.start('echo ready; exec sleep 100');
    await waitForOutput(started, 'ready');
    started.signal('SIGINT');
    assert.deepEqual(await started.exit, { code: 130, signal: 'SIGINT', failure: undefined });
  });

  test('stop kills what ignores TERM', async () => {
    const started = await here.start('trap "" TERM; echo ready; sleep 100; sleep 100');
    await waitForOutput(started, 'ready');
    started.stop(100);
    assert.deepEqual(await started.exit, { code: 137, signal: 'SIGKILL', failure: undefined });
  });

  test('stop right after the start ends the run', async () => {
    const started = await here.start('trap "" TERM; sleep 100');
    started.stop(0);
    // TERM ends the shell when it arrives before the trap is set
    assert.match((await started.exit).signal ?? '', /^SIG(?:TERM|KILL)$/);
  });

  test('signals to a run that ended do nothing', async () => {
    const started = await here.start('true');
    await started.exit;
    started.signal('SIGKILL');
    started.stop(0);
    assert.equal((await here.run('echo fine')).stdout, 'fine\n');
  });

  for (const [name, command] of [
    ['a background job', 'sleep MARK & echo started'],
    ['nohup and setsid', 'nohup setsid sleep MARK >/dev/null 2>&1 & sleep 0.2; echo started'],
    ['a double fork', '(setsid bash -c "sleep MARK & sleep MARK" &) >/dev/null 2>&1; echo started'],
    [
      'a process that ignores every signal',
      'trap "" HUP INT TERM QUIT; setsid sleep MARK >/dev/null 2>&1 & echo started',
    ],
  ] as const) {
    test(`${name} is gone when the run has ended`, async () => {
      const marker = `${1000 + Math.floor(Math.random() * 1e6)}.25`;
      const result = await here.run(command.replaceAll('MARK', marker));
      assert.equal(result.stdout, 'started\n');
      assert.equal(isRunning(marker), false);
    });
  }

  test('output of a background job that was still written is not lost', async () => {
    assert.equal((await here.run('(sleep 0.1; echo late) & echo early; wait')).stdout, 'early\nlate\n');
  });

  test('closing the session ends its runs', async () => {
    const own = await openPlace(here.place);
    const started = await start(own, 'echo ready; trap "" TERM; sleep 4321.5; echo more');
    await waitForOutput(started, 'ready');
    await own.close();
    assert.equal((await started.exit).code, 137);
    assert.equal(isRunning('4321.5'), false);
    await assert.rejects(start(own, 'true'), { code: 'sandbox-failed' });
  });

  test('two runs share loopback and /tmp, and see neither each other’s processes nor another session’s', async () => {
    const server = await here.start(
      `perl -MIO::Socket::INET -e '$|=1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => 5432, Listen => 1) or die; print "ready\\n"; my $c = $s->accept; print $c "hello\\n"'; echo kept >/tmp/shared`,
    );
    await waitForOutput(server, 'ready');
    const client = await here.run('cat </dev/tcp/127.0.0.1/5432; ls /proc | grep -c "^[0-9]"');
    assert.match(client.stdout, /^hello\n[1-9]\n$/);
    await server.exit;
    assert.equal((await here.run('cat /tmp/shared')).stdout, 'kept\n');
    const other = await openPlace(here.place);
    assert.notEqual((await run(other, 'cat /tmp/shared')).code, 0);
    assert.notEqual((await run(other, ': </dev/tcp/127.0.0.1/5432')).code, 0);
    await other.close();
  });

  test('the umask is the command’s', async () => {
    await here.run(': >masked', { umask: 0o077 });
    assert.equal((await here.run('umask; stat -c %a masked', { umask: 0o027 })).stdout, '0027\n600\n');
    assert.ok(existsSync(path.join(here.place.workspace, 'masked')));
    assert.equal(readFileSync('/proc/self/status', 'utf8').includes('Umask:\t0077'), false);
  });
});
