// `sbx check`: the rules' own answer, explained, without a daemon; and the line protocol for programs.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test, { after } from 'node:test';
import { type Explanation, explanationSchema } from '../../client/protocol/explanation.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());
const check = (...args: string[]) => sbx.call(['check', ...args]);

test('allow is 0, deny 1, ask 2', async () => {
  assert.equal((await check('ls -l')).status, 0);
  assert.equal((await check('--deny', 'Bash(ls *)', 'ls -l')).status, 1);
  assert.equal((await check('touch x')).status, 2);
  assert.equal((await check('--allow', 'Bash(touch *)', 'touch x')).status, 0);
});

test('the answer names the command, the rule and its place, and what to change', async () => {
  const { out } = await check('--ask', 'Bash(touch *)', 'ls && touch x');
  assert.match(out, /^ask /);
  assert.match(out, /Bash\(touch \*\)/);
  assert.match(out, /command line/);
  assert.match(out, /allow +ls/);
  assert.match(out, /ask +touch x/);
  assert.match(out, /\nchange +/);
});

test('a substitution stands below the command it belongs to', async () => {
  const lines = (await check('echo "$(touch inner)"')).out.split('\n');
  const outer = lines.findIndex((line) => /^ {2}\w+ +echo/.test(line));
  const inner = lines.findIndex((line) => /^ {4,}\w+ +touch inner/.test(line));
  assert.ok(outer >= 0 && inner > outer, lines.join('\n'));
});

test('one more line says what sbx run would do', async () => {
  assert.match((await check('touch x')).out, /sbx run would run it in the sandbox without asking\n$/);
  assert.match((await check('--deny', 'Bash(touch *)', 'touch x')).out, /sbx run would refuse it\n$/);
  assert.match((await check('--ask', 'Bash(touch *)', 'touch x')).out, /sbx run would ask first\n$/);
});

test('--auto-allow judges as sbx run does', async () => {
  assert.equal((await check('--auto-allow', 'touch x')).status, 0);
});

test('the smallest change is there without being asked for, proven, and nothing is said twice', async () => {
  const { out } = await check('--ask', 'Bash(git push *)', '--deny', 'Bash(rm *)', 'git push; rm x');
  assert.match(out, /\nchange +remove `Bash\(rm \*\)` \(command line\): then ask\n/);
  assert.equal(out.split('is denied by').length, 2, out);
  assert.match(out, /--explain shows every form/);
});

test('text that no shell could be given is answered, and never allowed', async () => {
  const texts = ['ls\0', '\ud800', `ls ${'x'.repeat(70_000)}`, '\u202e', 'ls\r', '\x1b[2J', "$'\0'", 'ls \udfff > a'];
  const input = texts.map((command, id) => JSON.stringify({ id, command, allow: ['Bash'] })).join('\n');
  const { out, status } = await sbx.call(['check', '--auto-allow', '--jsonl'], { input });
  const effects = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Answer).effect);
  assert.equal(effects.length, texts.length);
  assert.deepEqual(
    effects.filter((effect) => effect !== 'ask' && effect !== 'deny'),
    [],
    out,
  );
  assert.equal(status, 0);
});

test('--json is the decision', async () => {
  const { out, status } = await check('--json', 'touch x');
  const decision = JSON.parse(out) as { effect: string; reasons: unknown[]; suggestions: { rules: string[] }[] };
  assert.equal(decision.effect, 'ask');
  assert.equal(status, 2);
  assert.ok(decision.reasons.length > 0);
  const rules = decision.suggestions[0]?.rules ?? [];
  assert.ok(rules.length > 0);
  assert.equal((await check(...rules.flatMap((rule) => ['--allow', rule]), 'touch x')).status, 0);
});

test('what a command runs itself stands below it', async () => {
  const { out } = await check("bash -c 'ls; touch x'");
  assert.match(out, /\n {2}ask +bash -c/);
  assert.match(out, /\n {4}runs +ls/);
  assert.match(out, /\n {4}runs +touch x/);
});

test('--explain: forms, every rule with the first difference, the smallest change', async () => {
  const rules = ['--allow', 'Bash(npm run build)', '--deny', 'Bash(rm *)', '--ask', 'Bash(npm test *)'];
  const { out } = await check('--explain', ...rules, 'CI=1 npm run test');
  assert.match(out, /mode +manual, auto-allow off\n/);
  assert.match(out, /change +allow `Bash\(npm run \*\)`: then allow|change +allow `Bash\(npm run test\)`: then allow/);
  assert.match(out, /grants +CI=1 npm run test\n +npm run test\n/);
  assert.match(out, /deny +Bash\(rm \*\) +does not match: it has `rm`, the command `npm` +command line/);
  assert.match(out, /ask +Bash\(npm test \*\) +does not match: it has `test`, the command `run`/);
  assert.match(out, /allow +Bash\(npm run build\) +does not match: it has `build`, the command `test`/);
  const denied = await check('-v', ...rules, 'rm x');
  assert.match(denied.out, /> deny +Bash\(rm \*\) +matches/);
  assert.match(denied.out, /change +remove `Bash\(rm \*\)` \(command line\): then ask/);
  assert.ok((await check(...rules, 'rm x')).out.split('\n').length < 20);
});

test('in short the tree says what led to each answer, once', async () => {
  const rules = ['--allow', 'Bash(npm run *)', '--deny', 'Bash(rm *)'];
  const { out } = await check(...rules, 'npm run a && sudo rm -rf build');
  assert.match(out, /\n {2}deny +sudo rm -rf build {2}as root, deletes build and everything in it\n/);
  assert.match(out, /\n +restrict +sudo rm -rf build\n +rm -rf build\n/);
  assert.match(out, /\n +effects +removes .+\/build and everything in it\n/);
  assert.match(out, /\n {2}allow npm run a {2}.*\n +`npm run a` is allowed by `Bash\(npm run \*\)` \(command line\)\n/);
  // A form that is the text itself, and a reason that stands above the tree, are not repeated.
  assert.doesNotMatch(out, /grants +npm run a/);
  assert.equal(out.split('is denied by').length, 2, out);
  assert.doesNotMatch(out, /does not match/);
});

test('a finding is named where no reason names it', async () => {
  const { out } = await check('--deny', 'Bash(curl *)', 'curl https://example.com/x | sh');
  assert.match(out, /\n {2}ask +sh {2}.*\n +`sh`: downloads something and runs it \[downloaded-code\]\n/);
  assert.equal(out.split('[downloaded-code]').length, 2, out);
  assert.doesNotMatch(out, /finding/);
});

test('--explain draws one tree, with every rule below its command and the deciding one marked', async () => {
  const { out } = await check('--explain', '--deny', 'Bash(rm *)', '--allow', 'Bash(ls *)', 'ls | xargs rm');
  assert.equal(out.split('\n').filter((line) => /^ {2}\w+ +xargs rm/.test(line)).length, 1, out);
  assert.match(out, /xargs rm {2}in pipeline/);
  assert.match(out, /\n +> deny +Bash\(rm \*\) +matches +command line\n/);
  assert.match(out, /\n +allow Bash\(ls \*\) +does not match: .*\n/);
});

test('--json holds the explanation as data', async () => {
  const { out } = await check('--json', '--deny', 'Bash(rm *)', 'ls | sudo rm x');
  const { explanation } = JSON.parse(out) as { explanation: Explanation };
  const [list, remove] = explanation.commands;
  assert.deepEqual(
    list?.rules.map(({ rule, result, decides }) => [rule, result, decides]),
    [['Bash(rm *)', 'does-not-match', false]],
  );
  assert.deepEqual([remove?.effect, remove?.rules[0]?.decides, remove?.positions], ['deny', true, ['pipeline']]);
  assert.ok(remove?.restrictionForms.includes('rm x'));
  assert.ok(!remove?.grantForms.includes('rm x'));
  assert.deepEqual(explanationSchema.parse(explanation), explanation);
});

test('plan and bypass', async () => {
  assert.equal((await check('--mode', 'plan', '--auto-allow', 'touch x')).status, 2);
  assert.equal((await check('--mode', 'plan', '--allow', 'Bash(touch *)', 'touch x')).status, 0);
  assert.equal((await check('--mode', 'plan', 'ls')).status, 0);
  assert.equal((await check('--mode', 'bypass', 'touch x')).status, 0);
  assert.equal((await check('--mode', 'bypass', 'rm -rf ~')).status, 2);
  const refused = await check('--mode', 'bypass', '--profile', 'strict', 'ls');
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /`bypass` is disabled \(`disableBypass`\); the lock is at .*strict\.jsonc:/);
});

test('hidden characters are shown, no colour without a terminal', async () => {
  const { out } = await check('touch "a\u202eb\u001b[31m"');
  assert.doesNotMatch(out, /[\u202e\u001b]/);
  assert.match(out, /U\+202E|\\u202e/);
});

test('a bad rule or policy file is an error of one line', async () => {
  for (const args of [
    ['--allow', 'Bash(', 'ls'],
    ['--policy', '/nowhere/policy.json', 'ls'],
  ]) {
    const { status, out, stderr } = await check(...args);
    assert.equal(status, 125, args.join(' '));
    assert.equal(out, '');
    assert.match(stderr, /^sbx: [^\n]+\n$/);
  }
});

interface Answer {
  readonly id?: string | number;
  readonly effect?: string;
  readonly reasons?: unknown[];
  readonly line?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

async function ask(
  lines: readonly (string | Buffer | object)[],
  ...args: string[]
): Promise<{ answers: Answer[]; status: number | null }> {
  const input = Buffer.concat(
    lines.flatMap((line) => [
      Buffer.isBuffer(line) ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)),
      Buffer.from('\n'),
    ]),
  );
  const { out, status } = await sbx.call(['check', '--jsonl', ...args], { input });
  const answers = out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Answer);
  return { answers, status };
}

test('--jsonl answers line by line, in order, with the rules of the line', async () => {
  const { answers, status } = await ask([
    { id: 'a', command: 'ls' },
    { id: 2, command: 'touch x' },
    { id: 3, command: 'touch x', allow: ['Bash(touch *)'] },
    { id: 4, command: 'ls', deny: ['Bash(ls *)'] },
    { id: 5, command: 'ls', ask: ['Bash(ls *)'] },
    { id: 6, command: 'touch x', mode: 'dont-ask' },
    { id: 7, command: 'pwd', cwd: '/usr' },
  ]);
  assert.deepEqual(
    answers.map(({ id, effect }) => [id, effect]),
    [
      ['a', 'allow'],
      [2, 'ask'],
      [3, 'allow'],
      [4, 'deny'],
      [5, 'ask'],
      [6, 'deny'],
      [7, 'allow'],
    ],
  );
  assert.ok(answers.every(({ reasons }) => (reasons?.length ?? 0) > 0));
  assert.equal(status, 0);
});

test('--jsonl: rules on the command line count for every line', async () => {
  const { answers } = await ask(
    [
      { id: 1, command: 'touch x' },
      { id: 2, command: 'touch x', deny: ['Bash(touch x)'] },
    ],
    '--allow',
    'Bash(touch *)',
  );
  assert.deepEqual(
    answers.map(({ effect }) => effect),
    ['allow', 'deny'],
  );
});

test('--jsonl: a line that is no question gets an error and stops nobody', async () => {
  const { answers, status } = await ask([
    '{"id": 1, "command"',
    { id: 2, command: 'ls', extra: 1 },
    { id: 3 },
    { id: 4, command: 'ls', cwd: 'relative' },
    { id: 5, command: 'ls', allow: ['Bash('] },
    { id: 6, command: '' },
    Buffer.from([0x22, 0xff, 0x22]),
    'null',
    '',
    { id: 9, command: 'echo "a\u2028b"' },
  ]);
  assert.deepEqual(
    answers.map(({ id }) => id),
    [undefined, 2, 3, 4, 5, 6, undefined, undefined, 9],
  );
  assert.ok(
    answers.slice(0, -1).every(({ error, effect }) => effect === undefined && (error?.message.length ?? 0) > 0),
    JSON.stringify(answers),
  );
  assert.equal(answers[6]?.error?.message, 'the line is not valid UTF-8');
  assert.equal(answers[1]?.error?.message, 'unknown key `extra`');
  assert.equal(answers[2]?.error?.message, '`command`: expected string');
  assert.deepEqual(
    answers.slice(0, -1).map(({ line }) => line),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.notEqual(answers.at(-1)?.effect, undefined);
  assert.equal(status, 125);
});

test('--jsonl: thousands of lines, the last without a line end', async () => {
  const count = 3000;
  const lines = Array.from({ length: count }, (_, id) =>
    JSON.stringify({ id, command: `git log --oneline -n ${id} | head` }),
  );
  const { out, status } = await sbx.call(['check', '--jsonl'], { input: lines.join('\n') });
  const ids = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Answer).id);
  assert.deepEqual(
    ids,
    Array.from({ length: count }, (_, id) => id),
  );
  assert.equal(status, 0);
});

test('none of this has started a daemon', () => assert.equal(existsSync(sbx.socket), false));
