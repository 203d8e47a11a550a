import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { readRunArguments } from '../../../client/cli/run-arguments.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx arguments ü '));
after(() => rmSync(folder, { recursive: true }));
const caller = { env: { PATH: '/bin', TOKEN: 't', EMPTY: '' }, cwd: () => folder };
const read = (...args: string[]) => readRunArguments(args, caller);

test('one word is shell text', () => assert.deepEqual(read('a | b')?.words, { command: 'a | b' }));
test('several words are an argv', () => assert.deepEqual(read('a', '| b')?.words, { argv: ['a', '| b'] }));
test('one word after -- is an argv', () => assert.deepEqual(read('--', 'a | b')?.words, { argv: ['a | b'] }));
test('help is not a run', () => assert.equal(read('--help'), undefined));
test('--help of the command is its own', () =>
  assert.deepEqual(read('ls', '--help')?.words, { argv: ['ls', '--help'] }));

test('the defaults', () => {
  const wish = read('ls');
  assert.equal(wish?.cwd, folder);
  assert.equal(wish?.autoAllow, undefined);
  assert.equal(wish?.prompt, true);
  assert.equal(wish?.pty, undefined);
  assert.equal(wish?.timeoutMs, undefined);
  assert.equal(wish?.flags, undefined);
  assert.deepEqual(wish?.grantEnv, []);
});

test('rules and policy go into the flags, the file as an absolute path', () => {
  const wish = read('--allow', 'Bash(a)', '--deny=Bash(b)', '--deny', 'Bash(c)', '--policy', 'p.json', 'ls');
  assert.deepEqual(wish?.flags, {
    allow: ['Bash(a)'],
    deny: ['Bash(b)', 'Bash(c)'],
    policyFile: path.join(folder, 'p.json'),
  });
});

test('--env grants by name, with the value that is set or given', () => {
  const wish = read('--env', 'TOKEN', '--env', 'NEW=a=b', '--env=EMPTY', 'ls');
  assert.deepEqual(wish?.grantEnv, ['TOKEN', 'NEW', 'EMPTY']);
  assert.deepEqual(wish?.env, { PATH: '/bin', TOKEN: 't', EMPTY: '', NEW: 'a=b' });
});

test('the other options', () => {
  const wish = read(
    '--timeout',
    '5m',
    '--mode',
    'accept-edits',
    '--no-pty',
    '--no-prompt',
    '--no-auto-allow',
    '--new-session',
    'ls',
  );
  assert.equal(wish?.timeoutMs, 300_000);
  assert.equal(wish?.mode, 'accept-edits');
  assert.equal(wish?.pty, false);
  assert.equal(wish?.prompt, false);
  assert.equal(wish?.autoAllow, false);
  assert.equal(wish?.newSession, true);
});

test('in the background, with its tags', () => {
  const wish = read('-d', '--tag', 'web', '--tag=dev server', 'npm', 'run', 'dev');
  assert.equal(wish?.background, true);
  assert.deepEqual(wish?.tags, ['web', 'dev server']);
  assert.deepEqual(wish?.words, { argv: ['npm', 'run', 'dev'] });
  assert.equal(read('--background', 'x')?.background, true);
  assert.equal(read('sort', '-d', 'f')?.background, false);
});

test('a relative --cwd counts from here', () => {
  assert.equal(read('--cwd', '..', 'ls')?.cwd, path.dirname(folder));
});

const file = path.join(folder, 'file');
writeFileSync(file, '');
const wrong: readonly [string, string[], string, RegExp][] = [
  ['no command', [], 'bad-usage', /the command is missing/],
  ['options but no command', ['--json'], 'bad-usage', /the command is missing/],
  ['an empty command', [''], 'empty-command', /empty/],
  ['a blank command', [' \n\t '], 'empty-command', /empty/],
  ['an empty program', ['--', ''], 'empty-command', /empty/],
  ['a cwd that is not there', ['--cwd', '/nowhere/at all', 'ls'], 'bad-cwd', /`\/nowhere\/at all` does not exist/],
  ['a cwd that is a file', ['--cwd', file, 'ls'], 'bad-cwd', /is not a directory/],
  ['a cwd below a file', ['--cwd', `${file}/x`, 'ls'], 'bad-cwd', /does not exist/],
  ['a mode', ['--mode', 'acept-edits', 'ls'], 'bad-usage', /no mode `acept-edits`/],
  ['a time', ['--timeout', 'soon', 'ls'], 'bad-usage', /`soon`/],
  ['a variable that is not set', ['--env', 'MISSING', 'ls'], 'bad-environment', /`MISSING` is not set/],
  ['a variable without a name', ['--env', '=x', 'ls'], 'bad-environment', /no name/],
  ['a tag that is too long', ['--tag', 'x'.repeat(129), 'ls'], 'bad-usage', /--tag/],
  ['too many tags', [...Array.from({ length: 17 }, (_, index) => `--tag=${index}`), 'ls'], 'bad-usage', /--tag/],
  ['yes and never ask', ['--yes', '--no-prompt', 'ls'], 'bad-usage', /exclude each other/],
];
for (const [name, args, code, message] of wrong) {
  test(`refused: ${name}`, () => assert.throws(() => read(...args), { code, message }));
}

test('refused: the current directory is gone', () => {
  const gone = {
    env: {},
    cwd: () => {
      throw new Error('ENOENT: uv_cwd');
    },
  };
  assert.throws(() => readRunArguments(['ls'], gone), { code: 'bad-cwd', message: /no longer exists/ });
});

test('refused with what was meant', () => {
  assert.throws(() => read('--mode', 'dont-aks', 'ls'), { help: 'did you mean `dont-ask`?' });
});
