// `sbx run` from the outside: bytes and order, status, signals, input, arguments.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { cliPath, PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
/** Says so itself: bash between an `echo` and its exec can swallow a signal. */
const waiting = 'echo ready >said; exec tail -f said';

test("stdout, stderr and status are the command's", async () => {
  const { out, stderr, status } = await sbx.run('echo out; echo err >&2; exit 3');
  assert.deepEqual({ out, stderr, status }, { out: 'out\n', stderr: 'err\n', status: 3 });
});

test('inside its own sandbox it says so, whatever the environment says', async () => {
  // commands see a /tmp and a /var/tmp of their own, and the checkout may lie in the machine's
  const copy = path.join(sbx.workspace, 'copy');
  const manifest = JSON.parse(readFileSync(path.join(findPackageRoot(), 'package.json'), 'utf8')) as {
    dependencies: object;
  };
  const needed = Object.keys(manifest.dependencies).map((name) => `node_modules/${name}`);
  for (const name of ['dist', 'policies', 'package.json', ...needed]) {
    cpSync(path.join(findPackageRoot(), name), path.join(copy, name), { recursive: true });
  }
  const inner = `'${process.execPath}' '${path.join(copy, 'dist/sbx.cjs')}'`;
  const { stderr, status } = await sbx.run(`unset SBX_SESSION; ${inner} run true`);
  assert.match(stderr, /^sbx: already inside sbx/m);
  assert.equal(status, 125);
  assert.equal((await sbx.run(`${inner} check true`)).status, 0);
  rmSync(copy, { recursive: true });
});

test('every byte arrives, and nothing else', async () => {
  const bytes = randomBytes(300_000);
  writeFileSync(path.join(sbx.workspace, 'bytes'), bytes);
  const { stdout, stderr } = await sbx.run('cat bytes');
  assert.ok(stdout.equals(bytes));
  assert.equal(stderr, '');
});

test('stdout and stderr keep their order when both go to one place', async () => {
  // Written one after the other with time between, so that there is an order to keep.
  const script = '"$@" 2>&1 | cat';
  const command = 'for i in 1 2 3 4 5; do echo o$i; sleep 0.03; echo e$i >&2; sleep 0.03; done';
  const { stdout } = spawnSync('bash', ['-c', script, 'bash', process.execPath, cliPath, 'run', command], {
    cwd: sbx.workspace,
    env: sbx.env,
    encoding: 'utf8',
  });
  assert.equal(stdout, 'o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n');
});

test('100 MB arrive whole, through a reader slower than the command', async () => {
  const script = 'set -o pipefail; "$@" | (sleep 0.5; sha256sum)';
  const command = 'head -c 100000000 /dev/zero';
  const { stdout, status } = spawnSync('bash', ['-c', script, 'bash', process.execPath, cliPath, 'run', command], {
    cwd: sbx.workspace,
    env: sbx.env,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.equal(stdout.split(' ')[0], createHash('sha256').update(Buffer.alloc(100_000_000)).digest('hex'));
});

test('a reader that is gone ends the run as SIGPIPE would', () => {
  const script = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"';
  const { stdout } = spawnSync('bash', ['-c', script, 'bash', process.execPath, cliPath, 'run', 'yes'], {
    cwd: sbx.workspace,
    env: sbx.env,
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(stdout, 'y\n141\n');
});

const argvs: readonly (readonly string[])[] = [
  ['printf', '<%s>', 'two words', '$HOME', "it's", '', '*', 'ü', '-n'],
  ['--', 'printf', '<%s>', '--', '--json', '$(id)'],
  ['printf', '<%s>', 'line\nline', '\\', '"', '`', '!x', '~', '#'],
];
for (const argv of argvs) {
  test(`an argv arrives word for word: ${JSON.stringify(argv)}`, async () => {
    const words = argv[0] === '--' ? argv.slice(1) : argv;
    const { out } = await sbx.run(...argv);
    assert.equal(
      out,
      words
        .slice(2)
        .map((word) => `<${word}>`)
        .join(''),
    );
  });
}

test('options after the command reach the program', async () => {
  writeFileSync(path.join(sbx.workspace, 'f'), 'b\nroot\na\n');
  assert.equal((await sbx.run('--', 'grep', '-c', 'root', 'f')).out, '1\n');
  assert.equal((await sbx.run('grep', '-c', 'root', 'f')).out, '1\n');
  assert.equal((await sbx.run('--', 'sort', '-d', 'f')).out, 'a\nb\nroot\n');
  assert.match((await sbx.run('--', 'bash', '--version')).out, /GNU bash/);
});

test('a signal inside is 128 and its number', async () => {
  assert.equal((await sbx.run('kill -TERM $$')).status, 143);
  assert.equal((await sbx.run('kill -KILL $$')).status, 137);
});

for (const [name, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGQUIT', 131],
] as const) {
  test(`${name} is forwarded`, async () => {
    const handled = sbx.start([
      'run',
      `trap 'echo caught; exit 9' ${name.slice(3)}; echo ready; while :; do sleep 0.05; done`,
    ]);
    await handled.seen(/ready/);
    handled.child.kill(name);
    const result = await handled.result;
    assert.deepEqual({ out: result.out, status: result.status }, { out: 'ready\ncaught\n', status: 9 });

    const unhandled = sbx.start(['run', waiting]);
    await unhandled.seen(/ready/);
    unhandled.child.kill(name);
    assert.equal((await unhandled.result).status, status);
  });
}

test('a second interrupt stops what ignores the first', async () => {
  const run = sbx.start(['run', 'trap "echo ignored" INT TERM; echo ready; while :; do sleep 0.05; done']);
  await run.seen(/ready/);
  run.child.kill('SIGINT');
  await run.seen(/ignored/);
  run.child.kill('SIGINT');
  assert.equal((await run.result).status, 130);
});

test('the end of stdin is passed on', async () => {
  assert.equal((await sbx.call(['run', 'cat; echo over'], { input: 'in\n' })).out, 'in\nover\n');
  assert.equal((await sbx.call(['run', 'cat; echo over'], { input: '' })).out, 'over\n');
  assert.equal((await sbx.run('cat; echo over')).out, 'over\n');
});

test('stdin closed is an empty stdin', () => {
  const { stdout } = spawnSync('bash', ['-c', '"$@" <&-', 'bash', process.execPath, cliPath, 'run', 'cat; echo over'], {
    cwd: sbx.workspace,
    env: sbx.env,
    encoding: 'utf8',
  });
  assert.equal(stdout, 'over\n');
});

test('20 MB of stdin arrive whole, by pipe and by file', async () => {
  const bytes = randomBytes(20_000_000);
  const sum = createHash('sha256').update(bytes).digest('hex');
  assert.equal((await sbx.call(['run', 'sha256sum'], { input: bytes })).out.split(' ')[0], sum);
  const file = path.join(sbx.base, 'input');
  writeFileSync(file, bytes);
  const { stdout } = spawnSync(
    'bash',
    ['-c', '"${@:2}" < "$1"', 'bash', file, process.execPath, cliPath, 'run', 'sha256sum'],
    {
      cwd: sbx.workspace,
      env: sbx.env,
      encoding: 'utf8',
    },
  );
  assert.equal(stdout.split(' ')[0], sum);
});

test('a command that does not read does not keep a signal waiting', async () => {
  const run = sbx.start(['run', waiting], { input: Buffer.alloc(20_000_000) });
  await run.seen(/ready/);
  run.child.kill('SIGTERM');
  assert.equal((await run.result).status, 143);
});

test('a command that does not read all of its input ends in peace', async () => {
  const { out, status } = await sbx.call(['run', 'head -c 5'], { input: Buffer.alloc(20_000_000, 'x') });
  assert.deepEqual({ out, status }, { out: 'xxxxx', status: 0 });
});

test('--timeout ends it with 124 and says so', async () => {
  const { status, stderr } = await sbx.run('--timeout', '300ms', 'sleep 1000');
  assert.equal(status, 124);
  assert.match(stderr, /^sbx: [^\n]+\n$/);
});

test('--cwd, --env and the working directory', async () => {
  const inner = path.join(sbx.workspace, 'in ner');
  mkdirSync(inner);
  assert.equal((await sbx.run('pwd')).out, `${sbx.workspace}\n`);
  assert.equal((await sbx.run('--cwd', 'in ner', 'pwd')).out, `${inner}\n`);
  const env = { SECRET_TOKEN: 'inherited' };
  const show = 'echo "${SECRET_TOKEN-unset}"';
  assert.equal((await sbx.call(['run', show], { env })).out, 'unset\n');
  assert.equal((await sbx.call(['run', '--env', 'SECRET_TOKEN', show], { env })).out, 'inherited\n');
  assert.equal((await sbx.call(['run', '--env', 'SECRET_TOKEN=given', show], { env })).out, 'given\n');
});

test('--json is one event a line, output among them, in one sequence', async () => {
  const { out, stderr, status } = await sbx.run('--json', 'echo ü; printf "\\377" >&2; exit 4');
  assert.equal(status, 4);
  assert.equal(stderr, '');
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => index),
  );
  const output = events.filter(({ type }) => type === 'output');
  assert.deepEqual(
    output
      .map(({ stream, text, base64, offset }) => ({ stream, text, base64, offset }))
      .sort((a, b) => String(b.stream).localeCompare(String(a.stream))),
    [
      { stream: 'stdout', text: 'ü\n', base64: undefined, offset: 0 },
      { stream: 'stderr', text: undefined, base64: '/w==', offset: 0 },
    ],
  );
  assert.equal(events[0]?.['type'], 'decided');
  assert.equal(events.at(-1)?.['type'], 'exited');
});

test('--json says an error of sbx as an event too', async () => {
  const { out, status } = await sbx.run('--json', '--policy', '/nowhere.json', 'true');
  assert.equal(status, 125);
  assert.equal((JSON.parse(out) as { code?: string }).code, 'bad-policy');
});

test('a command text of 1 MiB is asked about, and runs with --yes', async () => {
  const words = ['echo', ...Array.from({ length: 11 }, () => 'x'.repeat(100_000))];
  const asked = await sbx.run(...words);
  assert.equal(asked.status, 126);
  assert.equal(asked.out, '');
  const { status, stdout } = await sbx.run('--yes', ...words);
  assert.equal(status, 0);
  assert.equal(stdout.length, 11 * 100_001);
});

test('files are written in the workspace', async () => {
  assert.equal((await sbx.run('echo hello > out.txt && cat out.txt')).out, 'hello\n');
  assert.equal(readFileSync(path.join(sbx.workspace, 'out.txt'), 'utf8'), 'hello\n');
});
