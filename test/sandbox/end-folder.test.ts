/** Where a command's shell stood when it ended is told, and telling it changes nothing that the command sees. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parseEndFolder, takeEndFolder } from '../../daemon/sandbox/command/end-folder.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { type RunOptions, readAll, start, waitForOutput } from '../fixtures/sandbox-session.ts';

async function runTo(session: SandboxSession, command: string, options: RunOptions = {}) {
  const started = await start(session, command, options);
  const [stdout, stderr, exit, cwd] = await Promise.all([
    readAll(started.stdout),
    readAll(started.stderr),
    started.exit,
    started.cwd,
  ]);
  return { stdout: stdout.toString(), stderr: stderr.toString(), code: exit.code, cwd };
}

describeInSession('the end folder', { timeout: 60_000 }, (here) => {
  const rows: readonly [
    command: string,
    cwd: string | undefined,
    expected?: { code?: number; stdout?: string; stderr?: string },
  ][] = [
    ['true', '.'],
    ['cd /usr', '/usr'],
    ['mkdir -p sub && cd sub', './sub'],
    ['ln -sfn /usr/lib link; cd link', '/usr/lib'],
    ['cd /usr; exit 3', '/usr', { code: 3 }],
    ['cd /usr; false', '/usr', { code: 1 }],
    ['(cd /usr)', '.'],
    ['cd /usr | cat', '.'],
    ['bash -c "cd /usr"', '.'],
    ['cd /usr; bash -c "cd /etc"', '/usr'],
    ['set -e; cd /usr; false; cd /etc', '/usr', { code: 1 }],
    ['cd /usr; exec true', undefined],
    ['cd /usr; kill -9 $$', undefined, { code: 137 }],
    ['cd /usr; kill -TERM $$', '/usr', { code: 143 }],
    ['cd /usr; trap "echo mine" EXIT', undefined, { stdout: 'mine\n' }],
    ['cd /usr; trap - EXIT', undefined],
    ["mkdir -p $'a\\né\\n'; cd $'a\\né\\n'", './a\né\n'],
    ["mkdir -p $'\\377'; cd $'\\377'", undefined],
    ['mkdir gone; cd gone; rmdir ../gone', undefined],
    ['pwd() { echo /fake; }; builtin() { echo /fake; }; unset() { :; }; cd /usr', '/usr'],
    ['shopt -s expand_aliases; alias builtin=false pwd=false unset=false; cd /usr\n:', '/usr'],
    ['readonly POSIXLY_CORRECT; cd /usr', undefined],
    ['exec 1>&- 2>&-; cd /usr', '/usr'],
    ['exec 187>&-; cd /usr', undefined],
    ['exec 187>kept; cd /usr; cat $OLDPWD/kept', '/usr'],
    ['echo /made/up >&187; exec true', '/made/up'],
    ['printf "no path" >&187; exec true', undefined],
    ['head -c 100000 /dev/zero >&187 & sleep 0.05; exec true', undefined],
    ['cd /usr; sleep 100 & disown', '/usr'],
    ['ulimit -n 20; cd /usr', '/usr'],
    ['set -x; cd /usr', '/usr', { stderr: '+ cd /usr\n' }],
    ['set -Ee; trap "echo failed" ERR; mkdir gone; cd gone; rmdir ../gone', undefined],
    ['trap "echo debug" DEBUG; cd /usr', '/usr', { stdout: 'debug\n' }],
  ];
  for (const [command, cwd, expected] of rows) {
    test(command, async () => {
      const result = await runTo(here.session, command, { reportCwd: true });
      const inside = cwd?.startsWith('.') ? `${here.place.workspace}${cwd.slice(1)}` : cwd;
      assert.deepEqual(result, { stdout: '', stderr: '', code: 0, ...expected, cwd: inside });
    });
  }

  test('messages, variables, descriptors and options are as without it', async () => {
    for (const command of [
      'if',
      'nosuchcommand\n\nalso-none',
      'echo $_ $LINENO "$0" $# $- $BASH_SUBSHELL $SHLVL $!; env | sort; export -p; set | grep -c BASH_ENV; ls /proc/self/fd',
      `: ${'x'.repeat(200_000)}\n\nnosuchcommand; ls /proc/self/fd; echo $0`,
    ]) {
      const [without, withIt] = [
        await runTo(here.session, command),
        await runTo(here.session, command, { reportCwd: true }),
      ];
      assert.deepEqual({ ...withIt, cwd: undefined }, without);
      assert.equal(withIt.cwd, here.place.workspace);
    }
  });

  test('not told unless asked for', async () => {
    assert.equal((await runTo(here.session, 'cd /usr')).cwd, undefined);
  });

  test('an interactive shell has the prompt of its environment, keeps no history, and ends as a shell does', async () => {
    const pty = { columns: 80, rows: 24, term: 'dumb' };
    await assert.rejects(here.start('', { shell: true }), { code: 'bad-command' });
    const shell = await here.start('', { shell: true, pty, env: { PS1: 'sbx-prompt> ', TERM: 'dumb' } });
    let seen = '';
    shell.pty?.onData((bytes) => {
      seen += bytes.toString();
    });
    await waitForOutput(shell, 'sbx-prompt> ');
    shell.pty?.write(Buffer.from('echo "$-" "[$HISTFILE]"; exit 5\n'));
    const exit = await shell.exit;
    await shell.pty?.ended;
    assert.equal(exit.code, 5);
    assert.match(seen, /^himBHs \[\]\r?$/m);
  });
});

describe('what is taken for a folder', () => {
  const rows: readonly [string | Buffer, string | undefined][] = [
    ['/usr\n', '/usr'],
    ['/usr\n\n', '/usr\n'],
    ['/\n', '/'],
    ['/usr', undefined],
    ['', undefined],
    ['\n', undefined],
    ['usr\n', undefined],
    ['/a\0b\n', undefined],
    [Buffer.from([0x2f, 0xff, 0x0a]), undefined],
    ['/\ufeffa\n', '/\ufeffa'],
    [`/${'a'.repeat(4094)}\n`, `/${'a'.repeat(4094)}`],
    [`/${'a'.repeat(4096)}\n`, undefined],
  ];
  for (const [said, folder] of rows) {
    test(JSON.stringify(said.toString()).slice(0, 40), () => {
      assert.equal(parseEndFolder(Buffer.from(said as string)), folder);
    });
  }
});

describe('whoever holds the pipe', () => {
  const rows: readonly [said: string, folder: string | undefined][] = [
    ['', undefined],
    ['/usr\n', '/usr'],
  ];
  for (const [said, folder] of rows) {
    test(`is not waited for, having said ${JSON.stringify(said)}`, () => {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'sbx-test-'));
      const fifo = path.join(directory, 'fifo');
      execFileSync('mkfifo', [fifo]);
      const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      const writer = openSync(fifo, constants.O_WRONLY);
      writeSync(writer, said);
      assert.equal(takeEndFolder(reader), folder);
      closeSync(writer);
      rmSync(directory, { recursive: true });
    });
  }
});
