/** Without a sandbox: a run's input, output, environment, exit and end are those of a sandboxed one. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compileCommand } from '../../daemon/sandbox/command/command.ts';
import type { SandboxProcess } from '../../daemon/sandbox/model.ts';
import { compileLauncher, quoteWord } from '../../daemon/sandbox/unsandboxed/launcher.ts';
import { openUnsandboxed } from '../../daemon/sandbox/unsandboxed/unsandboxed.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import {
  type Place,
  planCommand,
  type RunOptions,
  type RunResult,
  readTerminal,
  start as startIn,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

const pty = { columns: 91, rows: 23, term: 'xterm-256color' };

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

const unsandboxed = { timeout: 60_000, openSession: (place: Place) => openUnsandboxed(place.account) };

describeInSession('without a sandbox', unsandboxed, (here) => {
  const start = (command: string, options: RunOptions = {}): Promise<SandboxProcess> =>
    here.start(command, { cwd: here.place.workspace, ...options });
  const run = (command: string, options: RunOptions = {}): Promise<RunResult> =>
    here.run(command, { cwd: here.place.workspace, ...options });

  test('the report says that nothing holds the command', () => {
    const { warnings, ...report } = here.session.report;
    assert.deepEqual(report, {
      backend: 'none',
      network: 'host',
      seccomp: false,
      userns: 'none',
      user: here.account.name,
      writable: ['/'],
    });
    assert.equal(warnings.length, 2);
    assert.equal(here.session.isCurrent(), true);
  });

  const rows: readonly [command: string, expected: Partial<RunResult>, options?: RunOptions][] = [
    ['true', {}],
    ['exit 7', { code: 7 }],
    ['echo out; echo err >&2', { stdout: 'out\n', stderr: 'err\n' }],
    ['echo out >/dev/stdout; echo err >/dev/stderr', { stdout: 'out\n', stderr: 'err\n' }],
    ['kill -TERM $$', { code: 143 }],
    ['kill -KILL $$', { code: 137 }],
    ['kill -SEGV $$', { code: 139 }],
    ['exit 137', { code: 137 }],
    ['nosuchcommand', { code: 127, stderr: 'bash: line 1: nosuchcommand: command not found\n' }],
    ['cat', { stdout: '' }],
    ['cat', { stdout: 'typed' }, { input: 'typed' }],
    ['cat /dev/stdin', { stdout: 'typed' }, { input: 'typed' }],
    ['exec <&-; exit 3', { code: 3 }, { input: Buffer.alloc(1_000_000) }],
    ['umask', { stdout: '0027\n' }, { umask: 0o027 }],
    ['echo $0 $# $LINENO', { stdout: 'bash 0 1\n' }],
    ['ls /proc/self/fd | tr "\\n" " "', { stdout: '0 1 2 3 ' }],
    [
      'grep -E "Sig(Ign|Blk)" /proc/self/status',
      { stdout: `SigBlk:\t${'0'.repeat(16)}\nSigIgn:\t${'0'.repeat(16)}\n` },
    ],
    ['id -un', { stdout: `${here.account.name}\n` }],
    [`: ${'x'.repeat(200_000)}\necho $LINENO $# $0`, { stdout: '2 0 bash\n' }],
  ];
  for (const [command, expected, options] of rows) {
    test(`${command.slice(0, 60)} ${JSON.stringify(options ?? '').slice(0, 40)}`, async () => {
      const result = await run(command, options);
      const normal = { code: 0, signal: undefined, failure: undefined, aftermath: [], stdout: '', stderr: '' };
      assert.deepEqual(result, { ...normal, ...expected });
    });
  }

  test('the environment is exactly that of the plan, with the folder', async () => {
    const env = {
      ...{
        A: '',
        'B-b': 'not a name',
        name: "'",
        'X Y': '\n',
        IFS: 'x',
        LC_ALL: 'xx_XX',
        TMOUT: '1',
        PATH: '/usr/bin',
      },
      ...{
        UID: '77',
        RANDOM: '5',
        SHLVL: '4',
        _: 'underscore',
        GROUPS: 'g',
        SECONDS: 'never',
        LINENO: 'l',
        FUNCNAME: 'f',
      },
      ...{
        OLDPWD: '/usr',
        PWD: '/made/up',
        CDPATH: '/',
        HOME: '/nowhere',
        BASHPID: '1',
        DIRSTACK: 'd',
        EPOCHSECONDS: '1',
      },
    };
    const result = await run('/bin/cat /proc/$$/environ; :', { env });
    const entries = Object.entries({ ...env, PWD: here.place.workspace }).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(result.stdout.split('\0').slice(0, -1).sort(), entries.sort());
  });

  test('the environment is not among the arguments of any process', async () => {
    const started = await start('echo ready; sleep 100', { env: { SECRET: 'unmistakable-4711' } });
    await waitForOutput(started, 'ready');
    const seen = await run('grep -las "unmistakable-[4]711" /proc/[0-9]*/cmdline; true');
    assert.equal(seen.stdout, '');
    started.stop(0);
    await started.exit;
  });

  const refused: readonly string[] = [
    '',
    'A=B',
    'N\0',
    'BASH_ENV',
    'SHELLOPTS',
    'BASHOPTS',
    'PS4',
    'BASH_FUNC_x%%',
    'BASH_COMPAT',
    'POSIXLY_CORRECT',
  ];
  for (const name of refused) {
    test(`the variable ${JSON.stringify(name)} is refused, as with a sandbox`, async () => {
      const plan = planCommand(here.session, 'true', { env: { [name]: 'x' } });
      const setting = {
        bash: '/bin/bash',
        limit: [],
        resetSignals: [],
        procFiles: new Set<string>(),
        disableUserns: true,
        resolver: undefined,
        seccompDescriptor: 4,
        statusDescriptor: 5,
      };
      assert.throws(() => compileCommand(plan, setting), { code: 'bad-environment' });
      assert.throws(() => compileLauncher(plan, { bash: '/bin/bash', env: '/usr/bin/env' }), {
        code: 'bad-environment',
      });
      await assert.rejects(start('true', { env: { [name]: 'x' } }), { code: 'bad-environment' });
    });
  }

  test('a folder that cannot be entered is a failure, not an exit', async () => {
    const gone = `${here.place.workspace}/it's gone`;
    const result = await run('echo never', { cwd: gone });
    assert.equal(result.failure, `the folder \`${gone}\` is not there, or \`cd\` to it is not permitted`);
    assert.equal(result.stdout, '');
    const folder = `${here.place.workspace}/-it's here\n`;
    assert.equal((await run(`mkdir -- ${quoteWord(folder)}`)).code, 0);
    assert.equal((await run('pwd', { cwd: folder })).stdout, `${folder}\n`);
  });

  test('the folder in which the shell ended is told', async () => {
    const started = await start('cd /usr; [[ ! -v BASH_ENV ]] && ls /proc/self/fd | wc -w', { reportCwd: true });
    assert.equal(await started.cwd, '/usr');
    assert.equal((await started.exit).code, 0);
    assert.equal(await (await start('cd /usr')).cwd, undefined);
    const long = await start(`: ${'x'.repeat(200_000)}; cd /usr`, { reportCwd: true });
    assert.equal(await long.cwd, '/usr');
    const plain = await run('ls /proc/self/fd; echo $_ $-');
    assert.deepEqual(await run('ls /proc/self/fd; echo $_ $-', { reportCwd: true }), plain);
  });

  test('what the command left in the background ends with it, a program in another session does not', async () => {
    const result = await run(
      'sleep 100 & echo $!; set -m; sleep 100 & echo $!; set +m; setsid sleep 30 >/dev/null 2>&1 & echo $!; until [[ $(ps -o sid= $!) -eq $! ]]; do sleep 0.01; done',
    );
    const [first, second, other] = result.stdout.trim().split('\n').map(Number) as [number, number, number];
    assert.equal(isAlive(first), false);
    assert.equal(isAlive(second), false);
    assert.equal(isAlive(other), true);
    process.kill(other, 'SIGKILL');
  });

  const ends: readonly [command: string, act: (started: SandboxProcess) => void, expected: object][] = [
    ['echo ready; sleep 100', (started) => started.stop(5000), { code: 143, signal: 'SIGTERM' }],
    ['trap "" TERM; echo ready; sleep 100; sleep 100', (started) => started.stop(50), { code: 137, signal: 'SIGKILL' }],
    [
      'trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done',
      (started) => started.stop(5000),
      { code: 9, signal: undefined },
    ],
    [
      'trap "exit 9" INT; echo ready; while :; do sleep 0.02; done',
      (started) => started.signal('SIGINT'),
      { code: 9, signal: undefined },
    ],
    [
      'trap "exit 9" USR1; echo ready; while :; do sleep 0.02; done',
      (started) => started.signal('SIGUSR1'),
      { code: 9, signal: undefined },
    ],
    ['echo ready; sleep 100', (started) => started.signal('SIGUSR1'), { code: 138, signal: 'SIGUSR1' }],
    ['echo ready; sleep 100', (started) => started.signal('SIGKILL'), { code: 137, signal: 'SIGKILL' }],
    ['echo ready; timeout 100 sleep 100; exit 5', (started) => started.stop(5000), { code: 143, signal: 'SIGTERM' }],
  ];
  for (const terminal of [undefined, pty]) {
    for (const [command, act, expected] of ends) {
      test(`${terminal === undefined ? '' : 'terminal: '}${command}, ${act}`, async () => {
        const started = await start(command, { pty: terminal });
        await waitForOutput(started, 'ready');
        act(started);
        assert.deepEqual(await started.exit, { failure: undefined, ...expected });
      });
    }
  }

  test('stop before the command has begun', async () => {
    const started = await start('sleep 100');
    started.stop(0);
    const { code, signal, failure } = await started.exit;
    assert.ok(code === 143 || code === 137);
    assert.equal(signal, code === 143 ? 'SIGTERM' : 'SIGKILL');
    assert.equal(failure, undefined);
  });

  const terminals: readonly [command: string, output: RegExp | string][] = [
    ['test -t 0 && test -t 1 && test -t 2 && echo terminal', 'terminal\r\n'],
    ['stty size', '23 91\r\n'],
    ['echo a >/dev/tty; echo b >/dev/stdout; echo c >/dev/stderr', 'a\r\nb\r\nc\r\n'],
    ['trap', ''],
    ['grep -E "Sig(Ign|Blk)" /proc/self/status', `SigBlk:\t${'0'.repeat(16)}\r\nSigIgn:\t${'0'.repeat(16)}\r\n`],
    ['ls /proc/self/fd | tr "\\n" " "', '0 1 2 3 '],
    ['kill -KILL $$', ''],
    ['stty -opost; seq 3000', Array.from({ length: 3000 }, (_, index) => `${index + 1}\n`).join('')],
  ];
  for (const [command, output] of terminals) {
    test(`terminal: ${command}`, async () => {
      const text = await readTerminal(await start(command, { pty }));
      if (typeof output === 'string') assert.equal(text, output);
      else assert.match(text, output);
    });
  }

  test('terminal: Ctrl-C interrupts the command alone', async () => {
    const started = await start('trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done', { pty });
    await waitForOutput(started, 'ready');
    const output = readTerminal(started);
    started.pty?.write(Buffer.from('\x03'));
    assert.match(await output, /caught/);
    assert.equal((await started.exit).code, 4);
  });

  test('terminal: Ctrl-C ends a command without a trap', async () => {
    const started = await start('echo ready; sleep 100', { pty });
    await waitForOutput(started, 'ready');
    started.pty?.write(Buffer.from('\x03'));
    assert.equal((await started.exit).code, 130);
  });

  test('an interactive shell has job control, its prompt, and no history file', async () => {
    await assert.rejects(start('', { shell: true }), { code: 'bad-command' });
    const started = await start('', { pty, shell: true, reportCwd: true, env: { PS1: 'sbx> ', TERM: 'dumb' } });
    const output = readTerminal(started);
    await waitForOutput(started, 'sbx> ');
    const going = waitForOutput(started, 'job goes');
    started.pty?.write(Buffer.from('bash -c "echo job g""oes; exec sleep 100"\n'));
    await going;
    started.pty?.write(Buffer.from('\x1a'));
    await waitForOutput(started, 'Stopped');
    started.pty?.write(Buffer.from('echo "[$HISTFILE]"; exit 9\nexit 9\n'));
    assert.equal((await started.exit).code, 9);
    assert.match(await output, /\r\n\[\]\r\n/);
    assert.doesNotMatch(await output, /no job control|cannot set terminal/);
  });

  test('the end of the session ends its runs, and nothing starts after it', async () => {
    const other = await openUnsandboxed(here.place.account);
    const inOther = (options: RunOptions): Promise<SandboxProcess> =>
      startIn(other, 'trap "" TERM HUP; echo ready; sleep 100; sleep 100', { cwd: here.place.workspace, ...options });
    const runs = [await inOther({}), await inOther({ pty })];
    await Promise.all(runs.map((started) => waitForOutput(started, 'ready')));
    const late = assert.rejects(inOther({}), { code: 'sandbox-failed' });
    await other.close();
    await late;
    const failure = 'the session ended before the command did';
    for (const started of runs) assert.deepEqual(await started.exit, { code: 137, signal: undefined, failure });
    assert.equal(other.isCurrent(), false);
    await other.closed;
    await assert.rejects(inOther({}), { code: 'sandbox-failed' });
    assert.equal((await run('echo alive')).stdout, 'alive\n');
  });
});
