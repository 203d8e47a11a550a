// The daemon behind the CLI: started once, found again, replaced, lost, refused.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { connect } from '../../client/connect.ts';
import { cliPath, type PrivateSbx } from '../fixtures/private-sbx.ts';
import { withSbx } from '../fixtures/with-sbx.ts';

interface Status {
  readonly running: boolean;
  readonly pid: number;
  readonly build: string;
  readonly liveRuns: number;
}

async function readStatus(sbx: PrivateSbx): Promise<Status> {
  return JSON.parse((await sbx.call(['status', '--json'])).out) as Status;
}

/** A process that ended but was not collected yet has no command line. */
const isAlive = (pid: number) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';

withSbx('status and stop without a daemon say so and start none', async (sbx) => {
  const status = await sbx.call(['status']);
  assert.equal(status.status, 1);
  assert.match(status.out, /no daemon runs/);
  assert.equal((await sbx.call(['daemon', 'stop'])).status, 0);
  assert.equal(existsSync(sbx.socket), false);
});

withSbx('start, status, logs, stop', async (sbx) => {
  const started = await sbx.call(['daemon', 'start']);
  assert.match(started.out, /^sbxd .* runs as process \d+\n$/, started.stderr);
  const { pid, running } = await readStatus(sbx);
  assert.equal(running, true);
  assert.match((await sbx.call(['daemon', 'status'])).out, /sandbox/);
  assert.match((await sbx.call(['daemon', 'logs', '-n', '1'])).out, /listens on/);
  assert.equal((await sbx.call(['daemon', 'stop'])).status, 0);
  assert.equal(isAlive(pid), false);
  assert.equal(existsSync(sbx.socket), false);
});

withSbx('several at once start one', async (sbx) => {
  const results = await Promise.all(Array.from({ length: 5 }, (_, index) => sbx.run(`echo ${index}`)));
  assert.deepEqual(
    results.map(({ out, status }) => ({ out, status })),
    results.map((_, index) => ({ out: `${index}\n`, status: 0 })),
  );
  const log = readFileSync(path.join(sbx.home, '.local/state/sbx/sbxd.log'), 'utf8');
  assert.equal(log.match(/listens on/g)?.length, 1, log);
});

withSbx('the daemon keeps nothing of its starter: folder, descriptors, terminal, variables', async (sbx) => {
  const script = 'exec 9<"$0" 200>"$1/held"; shift; exec "$@"';
  const { stdout } = spawnSync(
    'bash',
    ['-c', script, cliPath, sbx.base, process.execPath, cliPath, 'daemon', 'start'],
    {
      cwd: sbx.workspace,
      env: { ...sbx.env, SECRET_TOKEN: 'x', NODE_OPTIONS: '--no-warnings' },
      encoding: 'utf8',
    },
  );
  const pid = Number(/process (\d+)/.exec(stdout)?.[1]);
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  assert.deepEqual(
    links.filter((link) => link.startsWith(sbx.base) && !link.endsWith('sbxd.log')),
    [],
  );
  assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/');
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  assert.doesNotMatch(environment, /SECRET_TOKEN|NODE_OPTIONS/);
  assert.match(environment, /XDG_RUNTIME_DIR=/);
  const [, , , , group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
  assert.deepEqual([group, session].map(Number), [pid, pid]);
});

withSbx('a stale socket is no obstacle', async (sbx) => {
  mkdirSync(path.dirname(sbx.socket), { mode: 0o700 });
  // A process that ends without taking its socket along.
  const leave = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  spawnSync(process.execPath, ['-e', leave, sbx.socket]);
  assert.ok(existsSync(sbx.socket));
  assert.equal((await sbx.run('echo works')).out, 'works\n');
});

withSbx('a daemon that dies under a run: one sentence, 125, and the next run works', async (sbx) => {
  const run = sbx.start(['run', 'echo ready; sleep 1000']);
  await run.seen(/ready/);
  process.kill((await readStatus(sbx)).pid, 'SIGKILL');
  const { status, stderr } = await run.result;
  assert.match(stderr, /^sbx: the connection to the daemon was lost[^\n]*; [^\n]+\n$/);
  assert.equal(status, 125);
  assert.equal((await sbx.run('echo again')).out, 'again\n');
});

withSbx('daemon stop ends what runs', async (sbx) => {
  const run = sbx.start(['run', 'echo ready; sleep 1000']);
  await run.seen(/ready/);
  assert.equal((await sbx.call(['daemon', 'stop'])).status, 0);
  assert.notEqual((await run.result).status, 0);
});

withSbx('a daemon of another build is replaced; what it runs goes on to its end', async (sbx) => {
  const run = sbx.start(['run', 'echo ready; while [ ! -e go ]; do sleep 0.05; done; echo finished']);
  await run.seen(/ready/);
  const before = await readStatus(sbx);
  const script = path.join(path.dirname(cliPath), 'sbxd.js');
  const greeted = await connect({ env: sbx.env, build: 'another build', client: 'test', daemonScript: script }).catch(
    (error: unknown) => error,
  );
  // The new daemon is again of the build on disk, so a client of yet another build gives up after some attempts.
  assert.ok(greeted instanceof Error);
  assert.notEqual((await readStatus(sbx)).pid, before.pid);
  assert.ok(isAlive(before.pid), 'the old one still has a run');
  writeFileSync(path.join(sbx.workspace, 'go'), '');
  assert.equal((await run.result).out, 'ready\nfinished\n');
});

withSbx('a run directory that is not private is refused', async (sbx) => {
  mkdirSync(path.dirname(sbx.socket), { mode: 0o700 });
  chmodSync(path.dirname(sbx.socket), 0o755);
  const { status, stderr } = await sbx.run('true');
  assert.match(stderr, /^sbx: `[^`]+` can be entered by other users[^\n]*; chmod 700 [^\n]+\n$/);
  assert.equal(status, 125);
});

withSbx('a run directory that is no directory is refused', async (sbx) => {
  writeFileSync(path.dirname(sbx.socket), '');
  const { status, stderr } = await sbx.run('true');
  assert.match(stderr, /^sbx: `[^`]+` is not a directory, [^\n]+\n$/);
  assert.equal(status, 125);
});

const asRoot = process.getuid?.() === 0 ? withSbx : () => undefined;

// Only root can make a directory that is somebody else's.
asRoot("another user's run directory is refused", async (sbx) => {
  const directory = path.dirname(sbx.socket);
  mkdirSync(directory, { mode: 0o700 });
  spawnSync('chown', ['12345', directory]);
  const { status, stderr } = await sbx.run('true');
  assert.match(stderr, /^sbx: `[^`]+` belongs to user id 12345, [^\n]+\n$/);
  assert.equal(status, 125);
});

withSbx('a socket path that does not fit is refused', async (sbx) => {
  const deep = path.join(sbx.runtime, 'd'.repeat(100));
  mkdirSync(deep, { mode: 0o700 });
  const { status, stderr } = await sbx.call(['run', 'true'], { env: { XDG_RUNTIME_DIR: deep } });
  assert.match(stderr, /^sbx: the socket path `[^`]+` is longer than 107 bytes; [^\n]+\n$/);
  assert.equal(status, 125);
});

withSbx('a run directory that cannot be written', async (sbx) => {
  // A file in the place of a folder stops root too.
  const file = path.join(sbx.base, 'file');
  writeFileSync(file, '');
  const { status, stderr } = await sbx.call(['run', 'true'], {
    env: { XDG_RUNTIME_DIR: undefined, TMPDIR: path.join(file, 'x') },
  });
  assert.match(stderr, /^sbx: [^\n]+; [^\n]+\n$/);
  assert.equal(status, 125);
});

withSbx('something else on the socket is no daemon', async (sbx) => {
  mkdirSync(path.dirname(sbx.socket), { mode: 0o700 });
  const server = net.createServer((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(sbx.socket, resolve));
  const { status, stderr } = await sbx.run('true');
  server.close();
  assert.match(stderr, /^sbx: what listens on `[^`]+` does not answer[^\n]*\n$/);
  assert.equal(status, 125);
  rmSync(sbx.socket, { force: true });
});

withSbx('doctor answers with and without a daemon', async (sbx) => {
  const alone = await sbx.call(['doctor']);
  assert.match(
    alone.out,
    /^sandbox {3}available: the sandbox works\n {2}ok {4}platform\n(?:.*\n)* {2}ok {4}host mounts\n$/,
  );
  // nothing is missing here, so there is nothing to install
  assert.deepEqual(await sbx.call(['doctor', '--fix']), alone);
  assert.equal(existsSync(sbx.socket), false);
  await sbx.call(['daemon', 'start']);
  const asked = await sbx.call(['doctor', '--json']);
  assert.equal(typeof (JSON.parse(asked.out) as { available: unknown }).available, 'boolean');
  assert.equal(asked.status, alone.status);
});
