// `sbx policy show` and `sbx policy lint`: real processes over files in a home and a project of their own.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, afterEach } from 'node:test';
import { type PolicyReport, policyReportSchema } from '../../client/protocol/policy-report.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';
import { greeting, RawClient } from '../fixtures/raw-client.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const user = path.join(sbx.home, '.config/sbx/policy.json');
const project = path.join(sbx.workspace, '.sbx/policy.json');
const imported = path.join(sbx.workspace, '.claude/settings.json');
for (const file of [user, project, imported, path.join(sbx.workspace, '.git/x')])
  mkdirSync(path.dirname(file), { recursive: true });
const write = (file: string, text: string) => writeFileSync(file, text, { mode: 0o600 });
afterEach(() => {
  for (const file of [user, project, imported]) rmSync(file, { force: true });
});
const show = async (...args: string[]): Promise<PolicyReport> =>
  JSON.parse((await sbx.call(['policy', 'show', '--json', ...args])).out) as PolicyReport;

test('every entry stands with its file, line and column, and every layer with its state', async () => {
  write(user, '{\n  "permissions": {\n    "deny": ["Bash(rm *)"],\n    "autoAllow": false\n  }\n}\n');
  write(project, '{"permissions": {"allow": ["Bash(make *)"], "ask": ["Bash(git push *)"]}}');
  const report = await show();
  assert.equal(report.workspace, sbx.workspace);
  assert.deepEqual(
    report.rules.map(({ list, rule, origin }) => [list, rule, origin.layer, origin.line, origin.column]),
    [
      ['deny', 'Bash(rm *)', 'user', 3, 14],
      ['ask', 'Bash(git push *)', 'project', 1, 53],
    ],
  );
  const setting = report.settings.find(({ key }) => key === 'autoAllow');
  assert.deepEqual([setting?.value, setting?.origin.file, setting?.origin.line], [false, user, 4]);
  assert.deepEqual(
    report.layers.filter(({ state }) => state !== 'absent').map(({ layer, state }) => [layer, state]),
    [
      ['project', 'untrusted'],
      ['user', 'used'],
      ['built-in', 'used'],
    ],
  );
  assert.match(report.ignored[0]?.what ?? '', /allow `Bash\(make \*\)`/);
  const { out, status } = await sbx.call(['policy', 'show']);
  assert.equal(status, 0);
  assert.match(out, /deny\n {2}Bash\(rm \*\) +.*policy\.json:3:14/);
  assert.match(out, /untrusted +.*\.sbx\/policy\.json/);
});

test('the network stands with its presets in one line each', async () => {
  write(user, '{"network": {"allow": ["example.com"], "deny": ["10.0.0.0/8"], "hostPorts": [5432]}}');
  write(project, '{"network": {"allow": ["project.example"], "presets": ["models"]}}');
  const { network, ignored } = await show();
  assert.deepEqual(
    network.entries.filter(({ preset }) => preset === undefined).map(({ list, entry }) => [list, entry]),
    [
      ['deny', '10.0.0.0/8'],
      ['allow', 'example.com'],
    ],
  );
  assert.deepEqual([network.default.value, network.presets.map(({ name }) => name)], ['ask', ['registries']]);
  assert.equal(network.entries.find(({ entry }) => entry === 'pypi.org')?.reason, 'packages of Python');
  assert.equal(ignored.filter(({ what }) => /connect to/.test(what)).length, 2);
  const { out } = await sbx.call(['policy', 'show']);
  assert.match(out, /network\n {2}deny 10\.0\.0\.0\/8 /);
  assert.match(out, / {2}allow preset registries, \d+ hosts +.*default\.jsonc/);
  assert.match(out, / {2}allow port 5432 of this machine /);
  assert.match(out, / {2}ask other hosts /);
});

test('the profile and the import can be chosen', async () => {
  write(imported, '{"permissions": {"deny": ["Bash(rm *)"]}, "sandbox": {"excludedCommands": ["docker *"]}}');
  const report = await show('--profile', 'ci');
  assert.equal(report.settings.find(({ key }) => key === 'defaultMode')?.value, 'dont-ask');
  assert.equal(report.rules[0]?.origin.file, imported);
  assert.ok(
    report.ignored.some(({ what, because }) => what === '`sandbox.excludedCommands`' && /weaken/.test(because)),
  );
  assert.deepEqual((await show('--no-import')).rules, []);
  assert.equal((await sbx.call(['policy', 'show', '--profile', 'lax'])).status, 125);
});

test('lint: one line each with place, remedy and id; 1 with findings', async () => {
  write(
    user,
    '{\n  "permissions": {\n    "allow": ["Bash(*)", "Write(src/**)"],\n    "deny": ["Read(/etc/passwd)", "Bash(rm"]\n  }\n}\n',
  );
  const { out, status } = await sbx.call(['policy', 'lint']);
  assert.equal(status, 1);
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => [/:(\d+:\d+): /.exec(line)?.[1], /\[([\w-]+)\]$/.exec(line)?.[1]]),
    [
      ['3:15', 'broad-grant'],
      ['3:26', 'no-effect'],
      ['4:14', 'looks-absolute'],
      ['4:43', 'mistake'],
    ],
  );
  assert.ok(lines.every((line) => line.startsWith(`${user}:`)));
  assert.match(lines[3] ?? '', /write `Bash\(rm\)`/);
});

test('lint: 0 when there is nothing to say, also about files that are named', async () => {
  write(user, '{"permissions": {"allow": ["Bash(npm test *)"]}}');
  assert.deepEqual(
    [(await sbx.call(['policy', 'lint'])).status, (await sbx.call(['policy', 'lint', user])).status],
    [0, 0],
  );
});

test('lint: one layer can make a rule of another pointless', async () => {
  write(user, '{"permissions": {"deny": ["Bash(git *)"]}}');
  write(project, '{"permissions": {"allow": ["Bash(git push *)"]}}');
  const { out, status } = await sbx.call(['policy', 'lint', '--json']);
  const { findings } = JSON.parse(out) as { findings: { id: string; file: string }[] };
  assert.deepEqual(
    findings.map(({ id, file }) => [id, file]),
    [['shadowed', project]],
  );
  assert.equal(status, 1);
});

test('lint: 125 for what cannot be read', async () => {
  for (const file of ['/nowhere/policy.json', sbx.workspace]) {
    const { status, stderr } = await sbx.call(['policy', 'lint', file]);
    assert.equal(status, 125, file);
    assert.match(stderr, /^sbx: [^\n]+\n$/);
  }
});

test('the daemon shows the same, and a file that is edited counts at the next run', async () => {
  write(user, '{"permissions": {"deny": ["Bash(echo no*)"]}}');
  assert.equal((await sbx.run('echo now')).status, 126);
  write(user, '{"permissions": {"deny": []}}');
  assert.equal((await sbx.run('echo now')).out, 'now\n');
  write(user, '{"permissions": {"autoAllow": false}}');
  assert.equal((await sbx.run('--no-prompt', 'touch made')).status, 126);
  assert.equal((await sbx.run('--auto-allow', 'touch made')).status, 0);
});

test('policy.show and policy.reload on the wire, with the mistakes that there are', async () => {
  write(user, '{"permissions": {"deny": ["Bash(rm *)"], "alow": []}}');
  assert.equal((await sbx.run('true')).status, 0);
  const client = await RawClient.open(sbx.socket);
  await client.call(1, 'hello', greeting);
  const shown = await client.call(2, 'policy.show', { cwd: sbx.workspace });
  const report = policyReportSchema.parse(shown.result);
  assert.deepEqual(
    report.rules.map(({ rule }) => rule),
    ['Bash(rm *)'],
  );
  assert.equal(report.layers.find(({ file }) => file === user)?.state, 'broken');
  const reloaded = await client.call(3, 'policy.reload', { cwd: sbx.workspace });
  const { problems } = reloaded.result as Pick<PolicyReport, 'problems'>;
  assert.deepEqual(
    problems.map(({ message, origin }) => [message, origin.line, origin.column]),
    [['unknown key `alow`', 1, 42]],
  );
  const checked = await client.call(4, 'check', { cwd: sbx.workspace, command: 'rm x', explain: true });
  const { explanation } = checked.result as { explanation: { commands: { rules: unknown[] }[] } };
  assert.equal(explanation.commands[0]?.rules.length, 1);
  client.socket.close();
});

test('every layer counts in a running daemon from the next command on, and no longer when its file is gone', async () => {
  const trusted = path.join(sbx.home, '.local/state/sbx/trust.json');
  const answers = (JSON.parse((await sbx.call(['policy', 'show', '--json'])).out) as PolicyReport).layers.find(
    ({ file }) => file?.includes('/projects/'),
  )?.file;
  assert.ok(answers !== undefined);
  const files = [
    path.join(sbx.workspace, '.sbx/policy.local.json'),
    project,
    user,
    answers,
    imported,
    path.join(sbx.workspace, '.claude/settings.local.json'),
    path.join(sbx.home, '.claude/settings.json'),
  ];
  assert.equal((await sbx.run('echo word')).status, 0);
  const { pid } = JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number };
  for (const file of files) {
    mkdirSync(path.dirname(file), { recursive: true });
    write(file, '{"permissions": {"deny": ["Bash(echo word)"]}}');
    assert.equal((await sbx.run('echo word')).status, 126, file);
    rmSync(file);
    assert.equal((await sbx.run('echo word')).status, 0, file);
  }
  write(project, '{"permissions": {"allow": ["Bash(touch *)"]}}');
  const careful = ['--no-prompt', '--no-auto-allow', 'touch made'];
  assert.equal((await sbx.run(...careful)).status, 126);
  assert.equal((await sbx.call(['trust', '--yes'])).status, 0);
  assert.equal((await sbx.run(...careful)).status, 0, 'trust counts at once');
  rmSync(trusted);
  assert.equal((await sbx.run(...careful)).status, 126, 'and is gone with its store');
  assert.equal((JSON.parse((await sbx.call(['status', '--json'])).out) as { pid: number }).pid, pid);
});

test('show: what a remark is about is not called without effect', async () => {
  write(imported, '{"permissions": {"allow": ["Write(x)"], "ask": ["Bash(wget"]}}');
  const { out } = await sbx.call(['policy', 'show']);
  assert.doesNotMatch(out, /ignored.*has no effect|asked about: it has no effect/);
  assert.match(out, /\nnotes\n(?: .*\n)* {2}`Bash\(wget` cannot be read, so everything of its tool is asked about /);
});

test('rules of another agent for tools that sbx does not have are one remark in show, and none elsewhere', async () => {
  const others = '"mcp__x", "WebSearch", "Task(a)", "NotebookEdit"';
  write(imported, `{"permissions": {"deny": [${others}, "Bash(rm *)"], "allow": ["mcp__*"]}}`);
  const checked = await sbx.call(['check', 'ls']);
  assert.deepEqual([checked.status, checked.stderr], [0, '']);
  assert.doesNotMatch(checked.out, /note|mcp/);
  const shown = await sbx.call(['policy', 'show']);
  assert.match(shown.out, /imported; 5 of its rules are for tools that sbx does not have/);
  assert.equal(shown.out.match(/tools that sbx/g)?.length, 1);
  const linted = await sbx.call(['policy', 'lint']);
  assert.equal(linted.status, 0, linted.out);
  write(imported, `{"permissions": {"deny": [${others}, "Bsh(rm *)"]}}`);
  const slip = await sbx.call(['policy', 'lint']);
  assert.equal(slip.status, 1);
  assert.match(
    slip.out,
    /settings\.json:1:\d+: `Bsh\(rm \*\)` cannot be read, .*; did you mean `Bash\(rm \*\)`\? \[no-effect\]\n$/,
  );
});

test('lint: a restriction that cannot be read shadows nothing', async () => {
  write(imported, '{"permissions": {"ask": ["Bash(wget"]}}');
  write(user, '{"permissions": {"allow": ["Bash(npm test *)"], "ask": ["Bash(git push *)"]}}');
  const { findings } = JSON.parse((await sbx.call(['policy', 'lint', '--json'])).out) as { findings: { id: string }[] };
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['no-effect'],
  );
});

test('lint: text that ends too early is one mistake', async () => {
  write(user, '{"permissions": {"allow": ["Bash(ls)"');
  const { findings } = JSON.parse((await sbx.call(['policy', 'lint', '--json'])).out) as {
    findings: { message: string }[];
  };
  assert.equal(new Set(findings.map(({ message }) => message)).size, findings.length);
});
