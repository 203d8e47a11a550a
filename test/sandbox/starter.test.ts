/** The process that starts a session's commands: what it is given is data, it keeps nothing, and dies with the session. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { listProcesses, readArguments, readChildren } from '../../daemon/platform/process-tree.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { starterScript } from '../../daemon/sandbox/template/starter.ts';
import {
  listTestAccounts,
  makePlace,
  openPlace,
  type Place,
  run,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

/** Starters of this test's sessions. */
function listStarters(): number[] {
  const below = (pid: number): number[] => readChildren(pid).flatMap((child) => [child, ...below(child)]);
  return below(process.pid).filter((pid) => readArguments(pid)[4] === starterScript);
}

function countDescriptors(pid: number | 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The starter makes new pipes after it has said that a command goes, and Node closes sockets a moment later. */
async function becomes<T>(read: () => T, wanted: T): Promise<T> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline && read() !== wanted; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return read();
}

/** What it is once it has stayed the same for a while: pipes are replaced a moment after a command took them. */
async function settle(read: () => number): Promise<number> {
  for (let value = read(), unchanged = 0; ; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const next = read();
    unchanged = next === value ? unchanged + 1 : 0;
    value = next;
    if (unchanged === 10) return value;
  }
}

for (const account of listTestAccounts()) {
  describe(`the starter as ${account.name}`, { timeout: 60_000 }, () => {
    let place: Place;
    let session: SandboxSession;
    let starter: number;
    before(async () => {
      place = makePlace(account);
      session = await openPlace(place);
      starter = listStarters()[0] ?? 0;
      assert.notEqual(starter, 0);
    });
    after(async () => {
      await session.close();
      place.remove();
    });

    test('a text is passed on byte by byte, and never looked into', async () => {
      const everything = Array.from({ length: 0x2ff }, (_, index) => String.fromCodePoint(index + 1)).join('');
      const command = `cat <<'END OF TEXT'\n${everything}\n$(echo run >/tmp/ran) \`id\` "\${words[@]}" $status\nEND OF TEXT\n`;
      const result = await run(session, command, { env: { LC_ALL: 'C.UTF-8' } });
      assert.equal(result.stdout, command.split('\n').slice(1, -2).join('\n').concat('\n'));
      for (const hostile of ['start - 1 2 3', 'wait 1\ndrop 10\n', '\n\nstarted 1\nmade 10 11\n', '']) {
        assert.equal((await run(session, `: '${hostile}'; echo fine`)).stdout, 'fine\n');
      }
      assert.equal((await run(session, '')).code, 0);
      assert.equal((await run(session, 'ls /tmp/ran')).code, 2);
    });

    test('options that do not fit a pipe arrive whole', async () => {
      const env = Object.fromEntries(['A', 'B', 'C', 'D'].map((name) => [name, name.repeat(60_000)]));
      const result = await run(session, 'echo ${#A} ${#B} ${#C} ${#D}', { env });
      assert.equal(result.stdout, '60000 60000 60000 60000\n');
    });

    test('more commands at once than it has pipes for, each with its own umask, input and output', async () => {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          run(session, 'umask; cat; echo err >&2; exit $((10#$(umask) > 0))', {
            input: `${index}`,
            umask: index % 8,
            reportCwd: index % 2 === 0,
          }),
        ),
      );
      assert.deepEqual(
        results.map(({ stdout, stderr, code }) => [stdout, stderr, code]),
        results.map((_, index) => [`000${index % 8}\n${index}`, 'err\n', index % 8 > 0 ? 1 : 0]),
      );
    });

    test('it keeps no descriptor and no process of a run, nor does the daemon', async () => {
      await run(session, 'true');
      const descriptors = await settle(() => countDescriptors(starter));
      const own = await settle(() => countDescriptors('self'));
      for (let round = 0; round < 12; round++) {
        await run(session, 'cat', { input: 'x', reportCwd: true });
        await assert.rejects(start(session, 'true', { env: { '': 'x' }, stdin: 'stream', reportCwd: true }));
      }
      assert.equal(await becomes(() => countDescriptors(starter), descriptors), descriptors);
      assert.equal(await becomes(() => countDescriptors('self'), own), own);
      assert.deepEqual(readChildren(starter), []);
    });

    test('commands do not see it and cannot signal it', async () => {
      const result = await run(
        session,
        'kill -KILL -1; ls /proc | grep -c "^[0-9]"; cat /proc/[0-9]*/cmdline | tr "\\0" " "',
      );
      assert.doesNotMatch(result.stdout, /verb input output/);
      assert.equal((await run(session, 'echo next')).stdout, 'next\n');
      assert.equal(listStarters()[0], starter);
    });

    test('it has no right that commands should not gain from it', async () => {
      const effective = /^CapEff:\s*(\w+)$/m.exec(readFileSync(`/proc/${starter}/status`, 'utf8'))?.[1];
      if (account.uid !== 0) assert.equal(effective, '0000000000000000');
      assert.equal(
        (await run(session, 'grep CapEff /proc/self/status | tr -d "\\t"')).stdout,
        'CapEff:0000000000000000\n',
      );
    });

    test('its death from outside ends the session and all of its runs, with a failure that says so', async () => {
      const own = await openPlace(place);
      const ownStarter = listStarters().find((pid) => pid !== starter) ?? 0;
      const marker = `${5000 + Math.floor(Math.random() * 1e6)}.5`;
      const started = await start(own, `trap "" TERM; echo ready; setsid sleep ${marker} & sleep ${marker}`);
      await waitForOutput(started, 'ready');
      const pending = start(own, 'echo late').then(
        (late) => late.exit,
        () => undefined,
      );
      process.kill(ownStarter, 'SIGKILL');
      const exit = await started.exit;
      assert.deepEqual([exit.code, exit.failure], [137, 'the session ended before the command did']);
      await own.closed;
      await pending;
      assert.equal(own.isCurrent(), false);
      assert.deepEqual(
        listProcesses().filter((pid) => readArguments(pid).includes(marker)),
        [],
      );
      await assert.rejects(start(own, 'true'), { code: 'sandbox-failed' });
      await own.close();
      assert.equal((await run(session, 'echo other')).stdout, 'other\n');
    });
  });
}
