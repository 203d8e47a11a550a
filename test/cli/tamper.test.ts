// A command that knows sbx turns on it: the daemon's socket, its process, its policy and record, its own program.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());

const policyFile = path.join(sbx.home, '.config/sbx/policy.json');
const policy = '{"permissions": {"deny": ["Bash(shred *)"]}}\n';
const program = path.join(findPackageRoot(), 'dist', 'sbxd.js');
let daemonPid = 0;

before(async () => {
  mkdirSync(path.dirname(policyFile), { recursive: true });
  writeFileSync(policyFile, policy, { mode: 0o600 });
  assert.equal((await sbx.run('true')).status, 0);
  const { out } = await sbx.call(['status', '--json']);
  daemonPid = (JSON.parse(out) as { pid: number }).pid;
});

/** Bodies of functions; each returns something only when the attempt worked. */
const attempts: Readonly<Record<string, string>> = {
  'connects to the daemon': `return connect(process.env.SOCKET)`,
  'finds the socket': `return fs.existsSync(process.env.SOCKET)`,
  'lists the run directory': `return fs.readdirSync(path.dirname(process.env.SOCKET)).join()`,
  'signals the daemon': `process.kill(Number(process.env.DAEMON), 0); return fs.readFileSync('/proc/' + process.env.DAEMON + '/cmdline', 'utf8').includes('sbxd')`,
  'reads its environment': `return fs.readFileSync('/proc/' + process.env.DAEMON + '/environ', 'utf8').includes('HOME')`,
  'reads the policy': `return fs.readFileSync(home + '/.config/sbx/policy.json', 'utf8')`,
  'writes the policy': `fs.writeFileSync(home + '/.config/sbx/policy.json', '{}'); return true`,
  'replaces the policy': `fs.writeFileSync(home + '/.config/sbx/p', '{}'); fs.renameSync(home + '/.config/sbx/p', home + '/.config/sbx/policy.json'); return true`,
  'moves the policy’s folder': `fs.renameSync(home + '/.config/sbx', home + '/.config/old'); return true`,
  'moves the folder above': `fs.renameSync(home + '/.config', home + '/.old'); return true`,
  'removes the policy': `fs.rmSync(home + '/.config/sbx', { recursive: true }); return !fs.existsSync(home + '/.config/sbx')`,
  'saves an answer': `fs.mkdirSync(home + '/.config/sbx/projects', { recursive: true }); fs.writeFileSync(home + '/.config/sbx/projects/x.json', '{}'); return true`,
  'trusts the project': `fs.mkdirSync(home + '/.local/state/sbx', { recursive: true }); fs.writeFileSync(home + '/.local/state/sbx/trust.json', '{}'); return true`,
  'reads the record': `return fs.readdirSync(home + '/.local/state/sbx').join()`,
  'reads the caches of other workspaces': `return fs.readdirSync(home + '/.cache/sbx/workspaces').join()`,
  'changes the daemon’s program': `fs.appendFileSync(process.env.PROGRAM, '//'); return true`,
  'replaces the daemon’s program': `fs.writeFileSync(process.env.PROGRAM + '.new', ''); fs.renameSync(process.env.PROGRAM + '.new', process.env.PROGRAM); return true`,
  'writes managed policy': `fs.mkdirSync('/etc/sbx', { recursive: true }); fs.writeFileSync('/etc/sbx/policy.json', '{}'); return true`,
  'makes a service of the user': `fs.mkdirSync(home + '/.config/systemd/user', { recursive: true }); fs.writeFileSync(home + '/.config/systemd/user/x.service', ''); return true`,
};

const script = `
const fs = require('node:fs'), path = require('node:path'), net = require('node:net');
const home = process.env.HOME;
const connect = (address) => new Promise((resolve) => net.connect(address, () => resolve(true)).on('error', () => resolve(false)));
const attempts = { ${Object.entries(attempts)
  .map(([name, body]) => `${JSON.stringify(name)}: async () => { ${body} }`)
  .join(',\n')} };
(async () => {
  for (const [name, attempt] of Object.entries(attempts)) {
    const found = await attempt().catch(() => undefined);
    if (found) console.log(name + ': ' + found);
  }
  fs.writeFileSync('finished', 'yes');
})();
`;

test('nothing of sbx is reached from inside, and the rest works as ever', async () => {
  writeFileSync(path.join(sbx.workspace, 'attack.js'), script);
  const names = { SOCKET: sbx.socket, DAEMON: String(daemonPid), PROGRAM: program };
  const before = { program: statSync(program).mtimeMs, home: readdirSync(sbx.home).sort() };
  const grants = Object.entries(names).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const { status, out, stderr } = await sbx.run(...grants, '--', process.execPath, 'attack.js');
  assert.equal(stderr, '');
  assert.equal(out, '');
  assert.equal(status, 0);
  assert.equal(readFileSync(path.join(sbx.workspace, 'finished'), 'utf8'), 'yes');
  assert.equal(readFileSync(policyFile, 'utf8'), policy);
  assert.equal(statSync(program).mtimeMs, before.program);
  assert.deepEqual(readdirSync(sbx.home).sort(), before.home);
  assert.equal(existsSync('/etc/sbx'), false);
  // the same daemon answers, by the same rules
  assert.equal((JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number }).pid, daemonPid);
  assert.equal((await sbx.run('shred x')).status, 126);
});

test('the attempts are real: outside the sandbox they find what they look for', async () => {
  const { result } = sbx.start(
    ['-e', `${script.replace(/fs\.(?:writeFileSync|rmSync|renameSync|appendFileSync|mkdirSync)/g, 'void')}`],
    {
      program: [process.execPath],
      env: { HOME: sbx.home, SOCKET: sbx.socket, DAEMON: String(daemonPid), PROGRAM: program },
    },
  );
  const { out } = await result;
  for (const name of ['connects to the daemon', 'finds the socket', 'signals the daemon', 'reads the policy']) {
    assert.match(out, new RegExp(`^${name}: `, 'm'));
  }
});

test('a command that holds its own init ends at its time limit and by sbx kill, and the daemon goes on', async () => {
  const ptrace = process.arch === 'x64' ? 101 : 117;
  const hold = `$| = 1; $SIG{TERM} = "IGNORE"; syscall(${ptrace}, 0x4206, 1, 0, 0); syscall(${ptrace}, 0x4207, 1, 0, 0); waitpid(1, 0x40000000); print "held\\n"; sleep 100`;
  const timed = await sbx.run('--timeout', '3s', '--', 'perl', '-e', hold);
  assert.deepEqual([timed.status, timed.out], [124, 'held\n'], timed.stderr);
  const killed = sbx.start(['run', '--', 'perl', '-e', hold]);
  await killed.seen(/held/);
  const runs = JSON.parse((await sbx.call(['ps', '--json'])).out) as { runId: string }[];
  assert.equal(runs.length, 1);
  assert.equal((await sbx.call(['kill', runs[0]?.runId ?? ''])).status, 0);
  assert.notEqual((await killed.result).status, 0);
  assert.equal((await sbx.run('echo next')).out, 'next\n');
  assert.equal((JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number }).pid, daemonPid);
});
