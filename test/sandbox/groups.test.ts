/**
 * Control groups of runs, as far as this machine lets us make any. As an ordinary user without delegation there are none:
 * then it is their absence that must be said. A hierarchy without the controllers for memory and processes still shows
 * that a command is in its group from its first moment, what it used, and that nothing of it is left.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { readPidNamespace, readStat } from '../../daemon/platform/process-tree.ts';
import { findGroupParent, isGroupParent } from '../../daemon/sandbox/groups/group-parent.ts';
import { OwnGroups, type RunGroups, sweepRunGroups } from '../../daemon/sandbox/groups/run-groups.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { listTestAccounts, makePlace, openPlace, type Place, readAll, start } from '../fixtures/sandbox-session.ts';

const parent = findGroupParent();
const mine = (): string[] =>
  isGroupParent(parent) ? readdirSync(parent.folder).filter((name) => name.startsWith(`sbx-run-${process.pid}-`)) : [];
const namespace = /\d+/.exec(readPidNamespace('self') ?? '')?.[0] ?? '0';

if (!isGroupParent(parent)) {
  test('where no group can be made, the reason and the remedy are said, and commands run', async () => {
    assert.match(parent.because, /control group/);
    assert.ok(parent.help.length > 20);
    for (const account of listTestAccounts()) {
      const place = makePlace(account);
      const session = await openPlace(place);
      try {
        const limits = { memoryBytes: 64 * 1024 ** 2 };
        const started = await start(session, 'echo ran', { limits });
        assert.equal((await readAll(started.stdout)).toString(), 'ran\n');
        assert.deepEqual(started.limits.limitsAbsent, [
          { name: 'memoryBytes', value: limits.memoryBytes, because: parent.because },
        ]);
        assert.equal(await started.use, undefined);
      } finally {
        await session.close();
        place.remove();
      }
    }
  });
} else {
  const real = new OwnGroups({ folder: parent.folder, controllers: new Set() });
  /** A command that asks for memory gets a group here, whatever this machine can limit in it. */
  const counting: RunGroups = { controllers: new Set(['memory']), make: () => real.make({}) };
  const limits = { memoryBytes: 64 * 1024 ** 2 };

  const openCounted = (place: Place) => openPlace(place, { groups: counting });
  describeInSession('groups', { timeout: 60_000, openSession: openCounted }, (here) => {
    for (const pty of [undefined, { columns: 80, rows: 24, term: 'dumb' }]) {
      const kind = pty ? 'on a terminal' : 'with pipes';
      test(`a command ${kind} is in its group with all that carries it, and the group is gone after it`, async () => {
        const command = 'grep "^0::" /proc/self/cgroup; for ((i = 0; i < 200000; i++)); do :; done';
        const started = await here.start(command, { limits, pty });
        let seen = '';
        started.stdout?.on('data', (chunk: Buffer) => {
          seen += chunk.toString();
        });
        started.pty?.onData((chunk) => {
          seen += chunk.toString();
        });
        const [exit, use] = [await started.exit, await started.use];
        await started.pty?.ended;
        assert.deepEqual([exit.code, exit.failure], [0, undefined]);
        assert.match(seen.trim(), new RegExp(`/sbx-run-${process.pid}-\\d+-${namespace}/run-\\d+$`));
        assert.ok((use?.cpuMs ?? 0) > 20, `${use?.cpuMs} ms`);
        assert.equal(use?.outOfMemory, false);
        assert.deepEqual(mine(), []);
      });
    }

    test('a command that needs no group has none', async () => {
      const result = await here.run('grep "^0::" /proc/self/cgroup');
      assert.equal(result.stdout.includes('sbx-run-'), false, result.stdout);
      assert.deepEqual(mine(), []);
    });

    test('two at once have a group each', async () => {
      const [one, other] = await Promise.all([
        here.run('grep "^0::" /proc/self/cgroup; sleep 0.3', { limits }),
        here.run('grep "^0::" /proc/self/cgroup; sleep 0.3', { limits }),
      ]);
      assert.equal(one?.code, 0);
      assert.equal(other?.code, 0);
      assert.notEqual(one?.stdout, other?.stdout);
      assert.deepEqual(mine(), []);
    });

    test('no command leaves its group, nor makes one', async () => {
      const command = `find /sys/fs/cgroup -name cgroup.procs -writable 2>/dev/null | while read -r f; do echo $$ 2>/dev/null >"$f" && echo "$f"; done; mkdir ${parent.folder}/sbx-mine 2>/dev/null && echo made; grep "^0::" /proc/self/cgroup`;
      const result = await here.run(command, { limits });
      assert.match(result.stdout, /^0::\S*sbx-run-\S+\n$/);
    });
  });

  const refusing: RunGroups = {
    controllers: new Set(['memory']),
    make: () => ({
      ...real.make({}),
      add: () => {
        throw new Error('refused');
      },
    }),
  };
  const openRefusing = (place: Place) => openPlace(place, { groups: refusing });
  describeInSession('no group takes it', { timeout: 60_000, openSession: openRefusing }, (here) => {
    test('a command that cannot be put into its group does not run', async () => {
      for (const pty of [undefined, { columns: 80, rows: 24, term: 'dumb' }]) {
        const started = await here.start('touch ran', { limits, pty });
        const exit = await started.exit;
        assert.notEqual(exit.failure, undefined, JSON.stringify(exit));
        assert.equal(existsSync(path.join(here.place.workspace, 'ran')), false);
      }
      assert.equal((await here.run('touch ran')).code, 0, 'one that needs no group does');
      assert.deepEqual(mine(), []);
    });
  });

  test('what a killed daemon left is ended and removed, what a living one has stays', async () => {
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
    const gone = new Promise((resolve) => sleeper.once('exit', (_, signal) => resolve(signal)));
    // the number is in use, by a process that began at another time
    const left = path.join(parent.folder, `sbx-run-${process.pid}-1-${namespace}`);
    const kept = path.join(parent.folder, `sbx-run-${process.pid}-${readStat(process.pid)?.startTime}-${namespace}`);
    const elsewhere = path.join(parent.folder, `sbx-run-${process.pid}-1-1${namespace}`);
    for (const folder of [left, kept, elsewhere]) mkdirSync(path.join(folder, 'run-1'), { recursive: true });
    writeFileSync(path.join(left, 'run-1', 'cgroup.procs'), String(sleeper.pid));
    try {
      assert.deepEqual(await sweepRunGroups(), [path.basename(left)]);
      assert.equal(await gone, 'SIGKILL');
      assert.deepEqual(
        [left, kept, elsewhere].map((folder) => existsSync(folder)),
        [false, true, true],
      );
    } finally {
      for (const folder of [kept, elsewhere]) {
        rmdirSync(path.join(folder, 'run-1'));
        rmdirSync(folder);
      }
    }
  });
}
