/** A run on a terminal: keys, job control, size, and every byte up to the last. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { readTerminal, waitForOutput } from '../fixtures/sandbox-session.ts';

const pty = { columns: 91, rows: 23, term: 'xterm-256color' };

describeInSession('terminal', { timeout: 60_000 }, (here) => {
  const rows: readonly [command: string, output: RegExp | string][] = [
    ['test -t 0 && test -t 1 && test -t 2 && echo terminal', 'terminal\r\n'],
    ['stty size', '23 91\r\n'],
    ['tty', /^\/dev\/(console|pts\/\d+)\r\n$/],
    ['echo a >/dev/tty; echo b >/dev/stdout; echo c >/dev/stderr', 'a\r\nb\r\nc\r\n'],
    ['trap', ''],
    ['grep SigIgn /proc/self/status', 'SigIgn:\t0000000000000000\r\n'],
    [
      'set -m; sleep 100 & jobs; kill %1; wait %1; echo $?',
      /Running[^\n]*sleep 100[^\n]*\n(.*Terminated[^\n]*\n)?143/s,
    ],
    ['ls /proc/self/fd | tr "\\n" " "', '0 1 2 3 '],
  ];
  for (const [command, output] of rows) {
    test(command, async () => {
      const text = await readTerminal(await here.start(command, { pty }));
      if (typeof output === 'string') assert.equal(text, output);
      else assert.match(text, output);
    });
  }

  test('exit status', async () => {
    const started = await here.start('exit 5', { pty });
    assert.deepEqual(await started.exit, { code: 5, signal: undefined, failure: undefined });
  });

  test('Ctrl-C interrupts the command alone', async () => {
    const started = await here.start('trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done', {
      pty,
    });
    await waitForOutput(started, 'ready');
    started.pty?.write(Buffer.from('\x03'));
    assert.equal((await started.exit).code, 4);
  });

  test('Ctrl-C ends a command without a trap', async () => {
    const started = await here.start('echo ready; sleep 100', { pty });
    await waitForOutput(started, 'ready');
    started.pty?.write(Buffer.from('\x03'));
    assert.equal((await started.exit).code, 130);
  });

  test('Ctrl-D ends the input', async () => {
    const started = await here.start('echo ready; cat; echo over', { pty });
    await waitForOutput(started, 'ready');
    started.pty?.write(Buffer.from('x\n\x04'));
    assert.match(await readTerminal(started), /x\r\nx\r\nover/);
  });

  test('an interactive shell has job control', async () => {
    const started = await here.start('PS1="> " bash --norc -i', { pty });
    const output = readTerminal(started);
    await waitForOutput(started, '> ');
    const going = waitForOutput(started, 'job goes');
    started.pty?.write(Buffer.from('bash -c "echo job g""oes; exec sleep 100"\n'));
    await going;
    started.pty?.write(Buffer.from('\x1a'));
    await waitForOutput(started, 'Stopped');
    started.pty?.write(Buffer.from('exit 9\nexit 9\n'));
    assert.equal((await started.exit).code, 9);
    assert.doesNotMatch(await output, /no job control|cannot set terminal/);
  });

  test('resize', async () => {
    const started = await here.start('trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done', {
      pty,
    });
    const output = readTerminal(started);
    await waitForOutput(started, 'ready');
    started.pty?.resize(40, 10);
    assert.match(await output, /10 40/);
    started.pty?.resize(41, 11);
  });

  test('a paused reader gets everything, also after the end', async () => {
    const started = await here.start('seq 20000; echo last', { pty });
    let text = '';
    started.pty?.onData((chunk) => {
      text += chunk.toString();
    });
    started.pty?.pause();
    setTimeout(() => started.pty?.resume(), 700);
    await started.exit;
    await started.pty?.ended;
    assert.match(text, /\r\n20000\r\nlast\r\n$/);
    assert.equal(text.split('\r\n').length, 20_002);
  });

  // together more than the daemon reads ahead, so that some is in the kernel when the command ends
  for (const size of [100, 9_000, 12_000, 60_000, 66_000, 70_000, 74_000, 78_000]) {
    test(`the end does not wait for a paused reader, which gets all ${size} bytes`, async () => {
      const command = `stty -echo -opost; echo ready; read -r; printf "%*s" ${size} end`;
      const started = await here.start(command, { pty });
      await waitForOutput(started, 'ready\n');
      let text = '';
      started.pty?.onData((chunk) => {
        text += chunk.toString();
      });
      started.pty?.pause();
      started.pty?.write(Buffer.from('\n'));
      assert.equal((await started.exit).code, 0);
      assert.equal(text, '');
      started.pty?.resume();
      await started.pty?.ended;
      assert.equal(text.length, size);
      assert.match(text, / end$/);
    });
  }

  test('many short runs at once lose nothing', async () => {
    const runs = Array.from({ length: 24 }, async (_, number) => {
      const started = await here.start(`stty -opost; seq ${number} 3000; echo last`, { pty });
      let text = '';
      started.pty?.onData((chunk) => {
        text += chunk.toString();
        started.pty?.pause();
        setImmediate(() => started.pty?.resume());
      });
      await started.exit;
      await started.pty?.ended;
      const lines = Array.from({ length: 3001 - number }, (_, index) => index + number);
      assert.equal(text, `${lines.join('\n')}\nlast\n`);
    });
    await Promise.all(runs);
  });

  test('what is typed waits for a command that does not read, and nobody else waits', async () => {
    const command = 'stty raw -echo; echo ready; until [[ -e go ]]; do sleep 0.02; done; head -c 100000 | cksum';
    const started = await here.start(command, { pty, cwd: here.place.workspace });
    await waitForOutput(started, 'ready');
    const typed = Buffer.from(Array.from({ length: 100_000 }, (_, index) => 97 + (index % 23)));
    let isTaken = false;
    void Promise.resolve(started.pty?.write(typed)).then(() => {
      isTaken = true;
    });
    assert.equal((await here.run('echo meanwhile')).stdout, 'meanwhile\n');
    assert.equal(isTaken, false);
    const output = readTerminal(started);
    here.place.write(`${here.place.workspace}/go`, '');
    const expected = await here.run('cksum', { input: typed });
    assert.equal(await output, expected.stdout);
    assert.equal(isTaken, true);
    await here.run('rm go');
  });

  test('a terminal that is full ends with its command', async () => {
    const started = await here.start('stty raw -echo; echo ready; sleep 100', { pty });
    await waitForOutput(started, 'ready');
    const taken = started.pty?.write(Buffer.alloc(100_000, 'x'));
    started.stop(5000);
    assert.equal((await started.exit).signal, 'SIGTERM');
    await started.pty?.ended;
    await taken;
  });

  test('stop, and the terminal ends with the command', async () => {
    const started = await here.start('trap "" TERM HUP; echo ready; sleep 100; sleep 100', { pty });
    const output = readTerminal(started);
    await waitForOutput(started, 'ready');
    started.stop(50);
    assert.equal((await started.exit).signal, 'SIGKILL');
    assert.match(await output, /ready/);
  });

  test('another run cannot reach the terminal', async () => {
    const terminal = await here.start('echo ready; sleep 100', { pty });
    await waitForOutput(terminal, 'ready');
    const other = await here.run('ls /proc/self/fd | tr "\\n" " "; ls /dev/pts');
    assert.equal(other.stdout, '0 1 2 3 ptmx\n');
    const second = await readTerminal(await here.start('ls /proc/self/fd | tr "\\n" " "', { pty }));
    assert.equal(second, '0 1 2 3 ');
    terminal.stop(0);
    await terminal.exit;
  });

  test('typing into the own terminal is refused', async () => {
    const command = `perl -e 'my $c = "x"; printf "%s\\n", ioctl(STDIN, 0x5412, $c) ? "typed" : "refused: $!"; my $p = pack("i", 0); printf "%s\\n", ioctl(STDIN, 0x540f, $p) ? "read" : "unreadable"'`;
    assert.equal(
      await readTerminal(await here.start(command, { pty })),
      'refused: Operation not permitted\r\nread\r\n',
    );
  });
});
