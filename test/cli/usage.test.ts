// Bad input: one sentence on stderr that says what to do, nothing on stdout, and no daemon started for it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { cliPath, PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const file = path.join(sbx.workspace, 'file');
writeFileSync(file, '');

const rows: readonly [string, string[], RegExp][] = [
  ['no command of sbx', [], /a command is missing; .*sbx run/],
  ['an unknown command', ['rnu', 'ls'], /unknown command `rnu`; did you mean `run`\?/],
  ['a mistyped option of sbx', ['--vesion'], /unknown option `--vesion`; did you mean `--version`\?/],
  ['nothing to run', ['run'], /the command is missing; write sbx run/],
  ['an empty command', ['run', ''], /the command is empty; /],
  ['a blank command', ['run', ' \t\n'], /the command is empty; /],
  ['an empty program', ['run', '--', '', 'x'], /the command is empty; /],
  ['an unknown option', ['run', '--alow', 'Bash(ls)', 'ls'], /unknown option `--alow`; did you mean `--allow`\?/],
  ['an option without its value', ['run', '--cwd'], /`--cwd` needs a value; see sbx run --help/],
  ['a cwd that is not there', ['run', '--cwd', '/nowhere', 'ls'], /`\/nowhere` does not exist; /],
  ['a cwd that is a file', ['run', '--cwd', file, 'ls'], /is not a directory; /],
  ['a cwd below a file', ['run', '--cwd', `${file}/x`, 'ls'], /does not exist; /],
  ['a time', ['run', '--timeout', '5 minutes', 'ls'], /`5 minutes` is not a time .*; write 90, 90s, 5m/],
  ['a mode', ['run', '--mode', 'manuel', 'ls'], /there is no mode `manuel`; did you mean `manual`\?/],
  ['a variable that is not set', ['run', '--env', 'NOT_SET', 'ls'], /`NOT_SET` is not set here; /],
  ['hidden characters are shown', ['run', '--\u202e\x1b[1m', 'ls'], /unknown option `--\\u202e\\x1b\[1m`; /],
  ['check without a command', ['check'], /the command is missing; write sbx check/],
  ['check with lines and words', ['check', '--jsonl', 'ls'], /`--jsonl` reads the commands from stdin/],
  ['an option of status', ['status', '--jsno'], /unknown option `--jsno`; did you mean `--json`\?/],
  ['a mistyped command', ['lgos', 'x'], /unknown command `lgos`; did you mean `logs`\?/],
  ['logs of nothing', ['logs'], /missing required argument `run`; /],
  ['an option of logs', ['logs', '--folow', 'x'], /unknown option `--folow`; did you mean `--follow`\?/],
  ['logs of two', ['logs', 'x', 'y'], /too many arguments/],
  ['a number of lines', ['logs', '--tail', 'all', 'x'], /`--tail`: `all` is not a number of lines; write --tail 100/],
  ['lines of JSON', ['logs', '--json', '--tail', '1', 'x'], /`--json` and `--tail` exclude each other; /],
  ['a run with an escape sequence', ['logs', '\x1b[2J'], /there is no run `\\x1b\[2J`; sbx ps -a lists them/],
  ['kill nothing', ['kill'], /missing required argument `run`; /],
  ['a signal', ['kill', '-s', 'STOP', 'x'], /`STOP` is no signal that can be sent to a run; choose HUP, /],
  ['a word for ps', ['ps', 'x'], /too many arguments/],
  ['a cwd for the shell', ['shell', 'ls'], /too many arguments/],
  ['drain and now', ['daemon', 'stop', '--drain', '--now'], /cannot be used with/],
  ['a subcommand', ['daemon', 'strat'], /unknown command `strat`; did you mean `start`\?/],
  ['no subcommand', ['daemon'], /a subcommand is missing; /],
];
for (const [name, args, sentence] of rows) {
  test(name, async () => {
    const { status, out, stderr } = await sbx.call(args);
    assert.match(stderr, /^sbx: [^\n]+\n$/, 'one line');
    assert.match(stderr, sentence);
    assert.equal(out, '');
    assert.equal(status, 125);
  });
}

test('bytes that are not UTF-8 are refused, a real U+FFFD is not', async () => {
  const printf = (octal: string) =>
    spawnSync('bash', ['-c', `exec "$0" "$1" check "echo $(printf '${octal}')"`, process.execPath, cliPath], {
      env: sbx.env,
      cwd: sbx.workspace,
    });
  const broken = printf('\\377');
  assert.equal(broken.status, 125);
  assert.match(broken.stderr.toString(), /^sbx: the command is not valid UTF-8; [^\n]+\n$/);
  const whole = printf('\\357\\277\\275');
  assert.doesNotMatch(whole.stderr.toString(), /UTF-8/);
  assert.notEqual(whole.status, 125);
});

test('a current directory that is gone', () => {
  const gone = path.join(sbx.workspace, 'gone');
  mkdirSync(gone);
  const script = 'cd "$2" && rmdir "$2" && exec "$0" "$1" run ls';
  const { status, stderr } = spawnSync('bash', ['-c', script, process.execPath, cliPath, gone], { env: sbx.env });
  assert.match(stderr.toString(), /^sbx: the current directory no longer exists; [^\n]+\n$/);
  assert.equal(status, 125);
  rmSync(gone, { recursive: true, force: true });
});

test('help and version are no errors', async () => {
  for (const args of [
    ['help'],
    ['--help'],
    ['run', '--help'],
    ['check', '-h'],
    ['help', 'run'],
    ['daemon', '--help'],
    ['help', 'logs'],
    ['attach', '--help'],
    ['--version'],
  ]) {
    const { status, out, stderr } = await sbx.call(args);
    assert.equal(status, 0, args.join(' '));
    assert.equal(stderr, '', args.join(' '));
    assert.match(out, /sbx/);
  }
});

const pages: readonly (readonly [topic: string, ...has: RegExp[]])[] = [
  ['run', /--allow RULE/],
  ['check', /--explain, -v/],
  ['trust', /--revoke/],
  ['policy', /^ {7}sbx policy lint \[OPTION…\] \[FILE…\]$/m, /^ {2}show {2}\S/m],
  ['policy show', /^ {2}--profile NAME .*: default, strict, ci$/m],
  ['policy lint', /^ {2}FILE… {2}/m],
  ['rules', /^usage: sbx rules \[OPTION…\]\n {7}sbx rules remove NUMBER…$/m, /^ {2}--all /m],
  ['rules remove', /^ {2}NUMBER… {2}/m],
  ['ps', /^ {2}-a, --all {2}/m],
  ['logs', /^usage: sbx logs \[OPTION…\] RUN$/m, /^ {2}-n, --tail LINES {2}/m],
  ['attach', /\(default: ctrl-p,ctrl-q\)$/m],
  ['kill', /^usage: sbx kill \[OPTION…\] RUN…$/m],
  ['shell', /^ {2}--env NAME\[=VALUE\] {2}/m],
  ['status', /^ {2}--json {2}/m],
  ['doctor', /^usage: sbx doctor \[OPTION…\]$/m],
  ['daemon', /^usage: sbx daemon start \[OPTION…\]$/m],
  ['daemon start', /^ {2}--listen HOST:PORT {2}/m],
];
for (const [topic, ...has] of pages) {
  test(`the help of ${topic} has the form of all of it`, async () => {
    const { status, out, stderr } = await sbx.call(['help', ...topic.split(' ')]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(out, new RegExp(`^usage: sbx ${topic}[\\s\\S]*\\n\\n[A-Z][^\\n]*\\n`));
    assert.doesNotMatch(out, /^Usage|Options:|Arguments:|Commands:|display help|[<>]/m);
    assert.ok(
      out.split('\n').every((line) => line.length <= 120 && line === line.trimEnd()),
      'lines of one width',
    );
    for (const pattern of has) assert.match(out, pattern);
    assert.deepEqual(await sbx.call([...topic.split(' '), '--help']).then((own) => own.out), out);
  });
}

test('none of this has started a daemon', () => assert.equal(existsSync(sbx.socket), false));
