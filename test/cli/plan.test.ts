// `sbx plan` as somebody types it: what it shows is what `sbx run` then does, and it leaves nothing behind.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import type { PlanReport } from '../../daemon/methods/describe-plan.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
const policy = path.join(sbx.home, '.config/sbx/policy.json');
const data = path.join(sbx.home, 'data');
mkdirSync(path.dirname(policy), { recursive: true });
mkdirSync(data);
writeFileSync(path.join(sbx.workspace, '.env'), 'SECRET');
writeFileSync(path.join(sbx.workspace, '.mcp.json'), '{}');
writeFileSync(path.join(sbx.home, '.netrc'), 'SECRET');
writeFileSync(
  policy,
  `{
  "permissions": { "deny": ["Read(.env)", "Read(//**/*.pem)", "Bash(rm *)"] },
  "sandbox": { "filesystem": { "allowWrite": ["~/data", "~/absent"] } }
}`,
);
after(async () => {
  if (existsSync(sbx.socket)) await sbx.call(['daemon', 'stop']);
  await sbx.close();
});
const list = (): string[] => readdirSync(sbx.base, { recursive: true, encoding: 'utf8' }).sort();
const env = { GITHUB_TOKEN: 'SECRET', SOME_SETTING: 'x', CI: '1' };

test('each part with its reason and place; nothing runs and nothing is made', async () => {
  const before = list();
  const { out, status, stderr } = await sbx.call(['plan', 'touch made; rm -rf x'], { env });
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(list(), before);
  for (const line of [
    /^decision +deny: .*Bash\(rm \*\)/m,
    /^workspace +~\/a project ü$/m,
    /^ {2}~\/a project ü +the workspace$/m,
    /^ {2}~\/data +`allowWrite` `~\/data` \(.*policy\.json:3:\d+\)$/m,
    /^ {2}~\/a project ü\/\.mcp\.json +protected: it names programs/m,
    /^ {2}~\/a project ü\/\.env +`Read\(\.env\)` \(.*policy\.json:2:\d+\)$/m,
    /^ {2}~\/\.netrc +passwords for hosts$/m,
    /^ {2}passed .*\bCI\b/m,
    /^ {2}withheld +its name looks like a secret: GITHUB_TOKEN$/m,
    /^ {2}withheld +it is not on the list: .*SOME_SETTING/m,
    /^ {2}`allowWrite` `~\/absent` \(.*\): `.*\/absent` is not there$/m,
    /^ {2}`Read\(\/\/\*\*\/\*\.pem\)` \(.*\): the sandbox looks for it in the workspace only$/m,
  ])
    assert.match(out, line);
  assert.doesNotMatch(out, /SECRET/);
});

test('as data', async () => {
  const { out } = await sbx.call(['plan', '--json', '--env', 'SOME_SETTING', '--', 'npm', 'test'], { env });
  const report = JSON.parse(out) as PlanReport;
  assert.deepEqual(
    [report.command, report.decision.effect, report.workspace, report.unixSockets],
    ['npm test', 'allow', sbx.workspace, 'allowed'],
  );
  assert.equal(report.environment.passed.includes('SOME_SETTING'), true);
  assert.deepEqual(
    report.environment.withheld.filter(({ name }) => name === 'GITHUB_TOKEN'),
    [{ name: 'GITHUB_TOKEN', because: 'its name looks like a secret' }],
  );
  assert.equal(report.hiddenWhenMade.includes(path.join(sbx.home, '.npmrc')), true);
});

test('what is protected below the workspace’s own folder is there too', async () => {
  for (const folder of ['lib/repo/.git/refs', 'lib/repo/.git/objects', 'lib/.vscode'])
    mkdirSync(path.join(sbx.workspace, folder), { recursive: true });
  writeFileSync(path.join(sbx.workspace, 'lib/repo/.git/HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(path.join(sbx.workspace, 'lib/.vscode/tasks.json'), '{}');
  const before = list();
  const { out } = await sbx.call(['plan', '--json', 'ls']);
  const { readOnly } = JSON.parse(out) as PlanReport;
  const because = (name: string) => readOnly.find((place) => place.path === path.join(sbx.workspace, name))?.because;
  assert.match(because('lib/repo/.git') ?? '', /gets a private copy/);
  assert.match(because('lib/.vscode') ?? because('lib/.vscode/tasks.json') ?? '', /^protected: /);
  assert.equal(because('lib'), undefined);
  assert.deepEqual(list(), before);
});

test('a run then has that sandbox, and the next one that of a changed policy', async () => {
  // A script: what it does is not seen by the rules, only by the sandbox.
  const script = 'cat .env ~/.netrc; echo a >~/data/a && cat ~/data/a; : >~/b; echo x >.mcp.json; echo end';
  writeFileSync(path.join(sbx.workspace, 'try.sh'), script);
  const first = await sbx.call(['run', 'bash try.sh']);
  assert.equal(first.out, 'a\nend\n', first.stderr);
  writeFileSync(policy, '{}');
  assert.equal((await sbx.call(['run', 'bash try.sh; cat .env'])).out, 'SECRETend\nSECRET');
});

test('a protected file that a person approved to write is written, and its neighbours keep their pins', async () => {
  mkdirSync(path.join(sbx.workspace, '.vscode'), { recursive: true });
  for (const name of ['settings.json', 'tasks.json']) writeFileSync(path.join(sbx.workspace, '.vscode', name), '{}');
  const script = 'for f in .vscode/tasks.json .mcp.json; do echo y >$f; done; mv .vscode v; rm .vscode/tasks.json';
  writeFileSync(path.join(sbx.workspace, 'more.sh'), script);
  const command = 'echo x >.vscode/settings.json; bash more.sh; cat .vscode/* .mcp.json';
  assert.equal((await sbx.call(['run', '--no-prompt', command])).status, 126);
  const approved = await sbx.call(['run', '--yes', command]);
  assert.equal(approved.out, 'x\n{}{}', approved.stderr);
  const replaced = await sbx.call(['run', '--yes', 'echo new >n && mv n .vscode/settings.json && cat .vscode/*']);
  assert.equal(replaced.out, 'new\n{}', replaced.stderr);
  writeFileSync(path.join(sbx.workspace, 'more.sh'), 'for f in .vscode/s*; do echo z >$f; done; cat .vscode/s*');
  const later = await sbx.call(['run', 'bash more.sh']);
  assert.equal(later.out.endsWith('new\n'), true, 'the next command has its pin again');
});

test('what a user takes out of protection is written without a question, and nothing beside it', async () => {
  writeFileSync(policy, '{ "sandbox": { "unprotect": [".vscode/settings.json"] } }');
  const own = await sbx.call(['run', '--no-prompt', 'echo free >.vscode/settings.json && cat .vscode/settings.json']);
  assert.deepEqual([own.status, own.out], [0, 'free\n'], own.stderr);
  assert.equal((await sbx.call(['run', '--no-prompt', 'echo x >.vscode/tasks.json'])).status, 126);
  assert.equal((await sbx.call(['run', '--no-prompt', 'echo x >.vscode/s*'])).status, 126, 'a guess is a question');
  writeFileSync(policy, '{}');
  assert.equal((await sbx.call(['run', '--no-prompt', 'echo x >.vscode/settings.json'])).status, 126);
});

test('a list that no sandbox can hold stops the run with its place and a remedy', async () => {
  writeFileSync(policy, '{ "sandbox": { "filesystem": { "allowWrite": ["~/"] } } }');
  for (const name of ['plan', 'run']) {
    const { status, stderr } = await sbx.call([name, 'ls']);
    assert.equal(status, 125);
    assert.match(stderr, /policy\.json:1:\d+.*cannot be made writable[\s\S]*name the folder/);
  }
  writeFileSync(policy, '{}');
  assert.equal((await sbx.call(['run', 'echo works'])).out, 'works\n');
});

test('help, and what is typed wrongly', async () => {
  assert.match((await sbx.call(['help', 'plan'])).out, /^usage: sbx plan/);
  assert.match((await sbx.call(['plan'])).stderr, /the command is missing/);
  assert.match((await sbx.call(['plan', '--jason', 'ls'])).stderr, /did you mean `--json`/);
});
