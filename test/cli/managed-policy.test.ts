// The administrator's policy at its real path: sbx and its daemon run in a mount namespace whose /etc/sbx is a folder of
// the test. Only root can make one that belongs to root; for others there is the table of test/unit/platform.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, afterEach } from 'node:test';
import type { PolicyReport } from '../../client/protocol/policy-report.ts';
import { cliPath, PrivateSbx, type Result } from '../fixtures/private-sbx.ts';

const skip = process.getuid?.() === 0 ? false : 'only root can make a file of root';
const somebody = 65_534;
const sbx = new PrivateSbx();
const made = path.join(sbx.base, 'managed');
const mountPoint = path.join(sbx.base, 'mount-point');
for (const folder of [made, path.join(made, 'policy.d'), path.join(mountPoint, 'sbx')]) {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
}
chmodSync(mountPoint, 0o755);
mkdirSync(path.join(sbx.home, '.config/sbx'), { recursive: true });

/** The machine's own /etc with one more folder in it, which nobody outside of the namespace sees. */
const machine = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-euc',
  'mount -t overlay overlay -o "lowerdir=$1:/etc" /etc; mount --bind "$2" /etc/sbx; shift 2; exec "$@"',
  'sh',
  mountPoint,
  made,
  process.execPath,
  cliPath,
] as const;
const call = (...args: string[]): Promise<Result> => sbx.call(args, { program: machine });
const user = path.join(sbx.home, '.config/sbx/policy.json');
const file = path.join(made, 'policy.json');
const manage = (text: string, name = 'policy.json'): void =>
  writeFileSync(path.join(made, name), text, { mode: 0o644 });
const check = async (...args: string[]): Promise<number | null> => (await call('check', ...args)).status;

afterEach(() => {
  rmSync(file, { force: true });
  for (const name of readdirSync(path.join(made, 'policy.d'))) rmSync(path.join(made, 'policy.d', name));
  chownSync(made, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  rmSync(user, { force: true });
});
after(async () => {
  if (existsSync(sbx.socket)) await call('daemon', 'stop');
  await sbx.close();
});

test('a denial of root holds against every grant, with the real path as its place', { skip }, async () => {
  manage('{"permissions": {"deny": ["Bash(make *)"]}}');
  writeFileSync(user, '{"permissions": {"allow": ["Bash"]}}');
  const { out, status } = await call('check', '--allow', 'Bash(make)', 'make');
  assert.equal(status, 1);
  assert.match(out, /is denied by `Bash\(make \*\)` \(\/etc\/sbx\/policy\.json:1:27\)/);
  assert.equal(await check('ls'), 0);
  manage('{"permissions": {"deny": ["Bash(ls *)"]}}', 'policy.d/10-more.json');
  assert.deepEqual([await check('ls'), await check('make')], [1, 1], 'both files hold');
  const report = JSON.parse((await call('policy', 'show', '--json')).out) as PolicyReport;
  assert.deepEqual(
    report.layers.filter(({ layer }) => layer === 'managed').map((layer) => [layer.file, layer.state]),
    [
      ['/etc/sbx/policy.json', 'used'],
      ['/etc/sbx/policy.d/10-more.json', 'used'],
    ],
  );
});

test('a run in a daemon follows it from the next command on', { skip }, async () => {
  assert.equal((await call('run', 'echo word')).out, 'word\n');
  manage('{"permissions": {"deny": ["Bash(echo word)"]}}');
  const denied = await call('run', 'echo word');
  assert.deepEqual([denied.status, denied.out], [126, '']);
  assert.match(denied.stderr, /\/etc\/sbx\/policy\.json:1:27/);
  rmSync(file);
  assert.equal((await call('run', 'echo word')).out, 'word\n');
});

const foreign: readonly (readonly [name: string, give: () => void, because: RegExp])[] = [
  ['of somebody else', () => chownSync(file, somebody, somebody), /`\/etc\/sbx\/policy\.json` does not belong to root/],
  ['that a group can write', () => chmodSync(file, 0o664), /others than root can write `\/etc\/sbx\/policy\.json`/],
  ['that everybody can write', () => chmodSync(file, 0o666), /others than root can write `\/etc\/sbx\/policy\.json`/],
  ['in a folder of somebody else', () => chownSync(made, somebody, somebody), /`\/etc\/sbx` does not belong to root/],
  [
    'that is a link to where others can write',
    () => {
      const elsewhere = path.join(sbx.base, 'elsewhere.json');
      writeFileSync(elsewhere, '{"permissions": {"allow": ["Bash"], "deny": ["Bash(ls)"]}}');
      rmSync(file);
      symlinkSync(elsewhere, file);
    },
    /others than root can write `\/var\/tmp`/,
  ],
];
for (const [name, give, because] of foreign) {
  test(`a file ${name} is ignored, and that is seen`, { skip }, async () => {
    manage('{"permissions": {"allow": ["Bash"], "deny": ["Bash(ls)"]}}');
    assert.equal(await check('ls'), 1);
    give();
    const { out, status } = await call('check', 'make');
    assert.equal(status, 2, 'it grants nothing');
    assert.match(out, because);
    assert.equal(out.match(/managed policy is ignored/g)?.length, 1, 'once');
    assert.equal(await check('ls'), 0, 'it denies nothing');
    assert.match((await call('policy', 'show')).out, because);
  });
}

const broken: readonly (readonly [name: string, text: string, place: RegExp])[] = [
  [
    'a slip in a key',
    '{\n  "permissions": {"dney": ["Bash(ls)"]}}',
    /\/etc\/sbx\/policy\.json:2:19: unknown key `dney`; did you mean `deny`\?/,
  ],
  [
    'text that ends too early',
    '{"permissions": {"deny": ["Bash(ls)"]',
    /\/etc\/sbx\/policy\.json:1:\d+: the file is not valid JSON/,
  ],
  ['a rule with a mistake', '{"permissions": {"deny": ["Bash(ls"]}}', /\/etc\/sbx\/policy\.json:1:\d+: .*closing/],
];
for (const [name, text, place] of broken) {
  test(`with ${name} no daemon starts, and nothing is decided`, { skip }, async () => {
    if (existsSync(sbx.socket)) await call('daemon', 'stop');
    manage(text);
    for (const args of [
      ['daemon', 'start'],
      ['run', 'true'],
      ['check', 'true'],
    ]) {
      const { status, out, stderr } = await call(...args);
      assert.equal(status, 125, args.join(' '));
      assert.equal(out, '');
      assert.match(stderr, /^sbx: [^\n]+\n$/, 'one sentence');
      assert.match(stderr, place);
    }
    assert.equal(existsSync(sbx.socket), false);
    const shown = await call('policy', 'show');
    assert.equal(shown.status, 125);
    assert.match(shown.out, /managed +broken/);
    rmSync(file);
    assert.equal((await call('run', 'true')).status, 0);
    manage(text);
    const denied = await call('run', 'true');
    assert.equal(denied.status, 126, 'what breaks under a running daemon lets nothing run');
    assert.match(denied.stderr, /managed policy is broken, so nothing runs/);
  });
}

test('managedRulesOnly: nobody else grants, everybody may restrict', { skip }, async () => {
  manage('{"permissions": {"managedRulesOnly": true, "allow": ["Bash(make *)"]}}');
  writeFileSync(user, '{"permissions": {"allow": ["Bash(npm *)"], "deny": ["Bash(make evil)"]}}');
  assert.deepEqual([await check('make'), await check('npm test'), await check('make evil')], [0, 2, 1]);
  assert.equal(await check('--allow', 'Bash(npm *)', 'npm test'), 2);
  assert.match((await call('policy', 'show')).out, /locked-out .*\.config\/sbx\/policy\.json/);
});

test('disableBypass: the mode is refused with the place of the lock', { skip }, async () => {
  manage('{"permissions": {"disableBypass": true}}');
  for (const command of ['check', 'run']) {
    const { status, stderr } = await call(command, '--mode', 'bypass', 'true');
    assert.equal(status, 125, command);
    assert.match(stderr, /^sbx: the mode `bypass` is disabled.*\/etc\/sbx\/policy\.json:1:18/);
  }
  assert.equal((await call('run', '--mode', 'plan', 'true')).status, 0);
});

test('lockFlags: no grant and no answer by flag', { skip }, async () => {
  manage('{"permissions": {"lockFlags": true, "ask": ["Bash(touch *)"]}}');
  const granted = await call('run', '--allow', 'Bash(touch *)', 'touch x');
  assert.equal(granted.status, 125);
  assert.match(granted.stderr, /`lockFlags`.*\/etc\/sbx\/policy\.json:1:18/);
  assert.equal((await call('run', '--yes', 'touch x')).status, 126);
  assert.equal(existsSync(path.join(sbx.workspace, 'x')), false);
  assert.equal((await call('run', '--deny', 'Bash(ls)', 'true')).status, 0);
});

test('lockAutoAllow and the profile are managed policy’s to choose', { skip }, async () => {
  manage('{"profile": "strict", "permissions": {"lockAutoAllow": true}}');
  assert.equal((await call('run', '--no-prompt', 'touch y')).status, 126);
  assert.equal((await call('run', '--auto-allow', 'touch y')).status, 126);
  assert.equal((await call('run', '--no-prompt', '--profile', 'default', 'touch y')).status, 126);
  assert.equal((await call('run', '--allow', 'Bash(touch *)', 'touch y')).status, 0);
});
