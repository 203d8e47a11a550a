// `sbx ps`: what runs, in a table for people and as JSON for programs.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const sbx = new PrivateSbx();
after(() => sbx.close());

test('without a daemon there are no runs, and none is started to say so', async () => {
  for (const [args, expected] of [
    [['ps'], ''],
    [['ps', '-a'], ''],
    [['ps', '--json'], '[]\n'],
  ] as const) {
    const { status, out, stderr } = await sbx.call(args);
    assert.deepEqual({ status, out, stderr }, { status: 0, out: expected, stderr: '' });
  }
  const { status, stderr } = await sbx.call(['logs', 'x']);
  assert.deepEqual({ status, stderr }, { status: 125, stderr: 'sbx: there is no run `x`; sbx ps -a lists them\n' });
  assert.equal(existsSync(sbx.socket), false);
});

test('live runs, with -a also those that have ended', async () => {
  const inner = path.join(sbx.workspace, 'inner');
  mkdirSync(inner);
  const live = (
    await sbx.run('-d', '--cwd', 'inner', '--tag', 'web', '--tag', 'é', 'printf 12345; sleep 1000')
  ).out.trim();
  const follower = sbx.start(['logs', '-f', live]);
  await follower.seen(/12345/);
  assert.equal((await sbx.run('exit 7')).status, 7);
  assert.equal((await sbx.run('--deny', 'Bash(true)', 'true')).status, 126);

  const lines = (await sbx.call(['ps'])).out.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^RUN +STATE +AGE +OUTPUT +FOLDER +TAGS +COMMAND$/);
  assert.match(
    lines[1] ?? '',
    /^[\da-f]{8} +running +\d+ s +5 B +~\/a project ü\/inner +web é +printf 12345; sleep 1000$/,
  );
  assert.ok(lines[1]?.startsWith(live.slice(0, 8)));

  const all = (await sbx.call(['ps', '--all'])).out;
  assert.match(all, /^[\da-f]{8} +exit 7 .* exit 7$/m);
  assert.match(all, /^[\da-f]{8} +denied .* true$/m);

  const listed = JSON.parse((await sbx.call(['ps', '-a', '--json'])).out) as Record<string, unknown>[];
  assert.deepEqual(
    listed.map(({ state, command }) => [state, command]),
    [
      ['running', 'printf 12345; sleep 1000'],
      ['ended', 'exit 7'],
      ['ended', 'true'],
    ],
  );
  assert.deepEqual(
    [listed[0]?.['background'], listed[0]?.['cwd'], listed[0]?.['tags'], listed[0]?.['outputBytes']],
    [true, inner, ['web', 'é'], 5],
  );
  await sbx.call(['kill', live]);
});

test('on a terminal a row is a line, whatever the command', async () => {
  const { out } = await sbx.run('-d', '--yes', `sleep 1000 # \x1b[31m ${'x'.repeat(300)}\n: second line`);
  const person = sbx.sit(['ps']);
  assert.equal(await person.ended, 0);
  const rows = person.screen().trimEnd().split('\r\n');
  assert.equal(rows.length, 2, person.screen());
  assert.match(rows[1] ?? '', /sleep 1000 # \\x1b\[31m x+…$/);
  assert.equal([...(rows[1] ?? '')].length, 80);
  await sbx.call(['kill', out.trim()]);
});

test('status counts them and names the switches of a session', async () => {
  const { out } = await sbx.run('-d', 'sleep 1000');
  const text = (await sbx.call(['status'])).out;
  assert.match(text, /^runs +1 live \(1 in the background\), \d+ ended and remembered$/m);
  assert.match(text, /^clients +1$/m);
  assert.match(text, /^session +.*a project ü: 1 run, 0 clients/m);
  const status = JSON.parse((await sbx.call(['status', '--json'])).out) as { backgroundRuns: number };
  assert.equal(status.backgroundRuns, 1);
  await sbx.call(['kill', out.trim()]);
});
