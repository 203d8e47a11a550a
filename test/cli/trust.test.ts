// `sbx trust`: a project's grants wait until its user has seen them, and so does everything they become later.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test, { after, beforeEach } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const project = path.join(sbx.workspace, '.sbx/policy.json');
const store = path.join(sbx.home, '.local/state/sbx/trust.json');
mkdirSync(path.dirname(project), { recursive: true });
mkdirSync(path.join(sbx.workspace, '.git'));
const allow = (...rules: string[]) => writeFileSync(project, JSON.stringify({ permissions: { allow: rules } }));
const trust = (...args: string[]) => sbx.call(['trust', ...args]);
const check = async (command: string) => (await sbx.call(['check', command])).status;
beforeEach(() => {
  rmSync(store, { force: true });
  rmSync(path.join(sbx.home, '.local/state/sbx/notices.json'), { force: true });
});

test('shows before it asks, needs an answer, and binds to what was shown', async () => {
  allow('Bash(make *)');
  assert.equal(await check('make'), 2);
  const unanswered = await trust();
  assert.equal(unanswered.status, 125);
  assert.match(unanswered.out, /new +allow `Bash\(make \*\)` +.*\.sbx\/policy\.json:1:/);
  assert.match(unanswered.stderr, /nobody can be asked/);
  assert.equal(await check('make'), 2);

  assert.equal((await trust('--yes')).status, 0);
  assert.equal(statSync(store).mode & 0o777, 0o600);
  assert.equal(await check('make'), 0);

  allow('Bash(make *)', 'Bash(deploy *)');
  assert.deepEqual([await check('make'), await check('deploy')], [0, 2]);
  const shown = await trust('--show');
  assert.match(shown.out, /trusted +allow `Bash\(make \*\)`/);
  assert.match(shown.out, /new +allow `Bash\(deploy \*\)`/);
  assert.equal(shown.status, 0);
  assert.equal(await check('deploy'), 2);
});

test('a person says yes at the terminal; the default is no', async () => {
  allow('Bash(make *)');
  const refusing = sbx.sit(['trust']);
  await refusing.sees(/Trust it with the new grant\?/);
  refusing.type('\r');
  assert.equal(await refusing.ended, 1);
  assert.equal(existsSync(store), false);
  const agreeing = sbx.sit(['trust']);
  await agreeing.sees(/Trust it with the new grant\?/);
  agreeing.type('y');
  assert.equal(await agreeing.ended, 0);
  assert.equal(await check('make'), 0);
});

test('can be taken back, and is listed', async () => {
  allow('Bash(make *)');
  assert.match((await trust('--list')).out, /no project is trusted/);
  await trust('--yes');
  assert.ok((await trust('--list')).out.includes(sbx.workspace));
  assert.match((await trust('--revoke')).out, /no longer trusted/);
  assert.equal(await check('make'), 2);
  assert.match((await trust('--revoke')).out, /was not trusted/);
});

test('is not for a flag where the policy locks flags', async () => {
  const user = path.join(sbx.home, '.config/sbx/policy.json');
  mkdirSync(path.dirname(user), { recursive: true });
  writeFileSync(user, '{"permissions": {"lockFlags": true}}');
  allow('Bash(make *)');
  const { status, stderr } = await trust('--yes');
  rmSync(user);
  assert.equal(status, 125);
  assert.match(stderr, /lockFlags/);
  assert.equal(existsSync(store), false);
});

test('nothing to trust is said, and names with control characters are shown as such', async () => {
  writeFileSync(project, '{"permissions": {"deny": ["Bash(rm *)"]}}');
  assert.match((await trust('--yes')).out, /grants nothing/);
  allow('Bash(make \u001b[2J\u202e)');
  const { out } = await trust('--show');
  assert.doesNotMatch(out, /[\u001b\u202e]/);
  assert.match(out, /allow/);
});

test('sbx run says it once a day, with restrictions in force at once', async () => {
  writeFileSync(project, '{"permissions": {"allow": ["Bash(a)", "Bash(b)"], "deny": ["Bash(touch *)"]}}');
  const first = await sbx.run('touch x');
  assert.equal(first.status, 126);
  assert.match(first.stderr, /sbx: 2 project grants ignored; `sbx trust` shows them\n/);
  assert.doesNotMatch((await sbx.run('touch x')).stderr, /project grants/);
});

test('without an answer a refusal names what trust would change', async () => {
  allow('Bash(make *)');
  const { out } = await sbx.call(['check', '--mode', 'dont-ask', 'make']);
  assert.match(out, /^deny /);
  assert.match(out, /note +the project's own rules would allow it; `sbx trust` shows them/);
});

test('the store names the workspace and no rule in clear', async () => {
  allow('Bash(make *)');
  await trust('--yes');
  const text = readFileSync(store, 'utf8');
  assert.ok(text.includes(JSON.stringify(sbx.workspace)));
  assert.doesNotMatch(text, /make/);
});

test('simultaneous answers in several projects are all kept, and no lock stays', async () => {
  const projects = Array.from({ length: 4 }, (_, index) => path.join(sbx.home, `project-${index}`));
  for (const folder of projects) {
    mkdirSync(path.join(folder, '.git'), { recursive: true });
    mkdirSync(path.join(folder, '.sbx'));
    writeFileSync(path.join(folder, '.sbx/policy.json'), '{"permissions": {"allow": ["Bash(make *)"]}}');
  }
  const results = await Promise.all(projects.map((folder) => trust('--yes', folder)));
  assert.deepEqual(
    results.map(({ status }) => status),
    projects.map(() => 0),
  );
  const { out } = await trust('--list');
  assert.deepEqual(
    projects.filter((folder) => !out.includes(folder)),
    [],
  );
  assert.deepEqual(
    readdirSync(path.dirname(store)).filter((name) => name.startsWith('.trust')),
    [],
  );
});

const git = (cwd: string, ...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main', ...args], {
    cwd,
    env: { ...sbx.env, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: 'ignore',
  });

test('a worktree, a clone and a moved folder are projects of their own', async () => {
  const main = path.join(sbx.home, 'main');
  mkdirSync(path.join(main, '.sbx'), { recursive: true });
  mkdirSync(path.join(main, 'below'));
  writeFileSync(path.join(main, '.sbx/policy.json'), '{"permissions": {"allow": ["Bash(make *)"]}}');
  git(main, 'init');
  git(main, 'add', '.');
  git(main, 'commit', '-m', 'x');
  git(main, 'worktree', 'add', '../tree');
  git(sbx.home, 'clone', 'main', 'clone');
  const at = async (folder: string): Promise<number | null> =>
    (await sbx.call(['check', 'make'], { cwd: path.join(sbx.home, folder) })).status;
  assert.equal((await trust('--yes', path.join(main, 'below'))).status, 0);
  assert.deepEqual([await at('main'), await at('main/below')], [0, 0], 'the git root is what is trusted');
  assert.deepEqual([await at('tree'), await at('clone')], [2, 2]);
  assert.equal((await trust('--yes', path.join(sbx.home, 'tree'))).status, 0);
  assert.deepEqual([await at('tree'), await at('main')], [0, 0]);
  symlinkSync('main', path.join(sbx.home, 'link'));
  assert.equal(await at('link'), 0, 'a link to it is the same folder');
  renameSync(main, path.join(sbx.home, 'moved'));
  assert.equal(await at('moved'), 2);
  rmSync(path.join(sbx.home, 'link'));
  git(sbx.home, 'clone', 'clone', 'main');
  writeFileSync(path.join(main, '.sbx/policy.json'), '{"permissions": {"allow": ["Bash(make *)", "Bash(evil)"]}}');
  assert.deepEqual([await at('main'), (await sbx.call(['check', 'evil'], { cwd: main })).status], [0, 2]);
});

test('a policy that is a link is trusted as it reads, wherever its text comes from', async () => {
  const elsewhere = path.join(sbx.home, 'elsewhere.json');
  const write = (...rules: string[]) => writeFileSync(elsewhere, JSON.stringify({ permissions: { allow: rules } }));
  write('Bash(make *)');
  rmSync(project, { force: true });
  symlinkSync(elsewhere, project);
  assert.equal(await check('make'), 2);
  assert.equal((await trust('--yes')).status, 0);
  assert.equal(await check('make'), 0);
  write('Bash(make *)', 'Bash(deploy *)');
  assert.deepEqual([await check('make'), await check('deploy')], [0, 2]);
  rmSync(project);
});

test('what a command in the sandbox writes into the project’s policy grants nothing', async () => {
  rmSync(project, { force: true });
  allow('Bash(make *)');
  assert.equal((await trust('--yes')).status, 0);
  const wider = JSON.stringify({ permissions: { allow: ['Bash(make *)', 'Bash(touch *)'], autoAllow: true } });
  const places = ['.sbx/policy.json', '.sbx/policy.local.json', '.claude/settings.json', '.claude/settings.local.json'];
  const script = `import json,os
for place in ${JSON.stringify(places)}:
  try:
    os.makedirs(os.path.dirname(place), exist_ok=True)
    open(place, 'w').write(${JSON.stringify(wider)})
    print('written', place)
  except OSError as error: print(error)`;
  writeFileSync(path.join(sbx.workspace, 'widen.py'), script);
  const ran = await sbx.run('python3 widen.py && echo done');
  assert.match(ran.out, /done\n$/);
  assert.equal(await check('touch x'), 2, ran.out);
  assert.equal((await sbx.run('--no-prompt', '--no-auto-allow', 'touch widened')).status, 126);
  assert.equal(existsSync(path.join(sbx.workspace, 'widened')), false);
  assert.equal(await check('make'), 0, 'what was trusted still is');
  const home = await sbx.run(
    `python3 -c "open('${sbx.home}/.config/sbx/policy.json', 'w')"; python3 -c "open('${store}', 'w')"`,
  );
  assert.equal(
    home.stderr.match(/OSError|Error: \[Errno/g)?.length,
    2,
    'neither the own policy nor the store can be written',
  );
  for (const place of places.slice(1)) rmSync(path.join(sbx.workspace, place), { force: true });
});
