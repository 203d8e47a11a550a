/** However the process that holds a session ends, nothing of the session is left: no process, no file, no mount. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readMountTable } from '../../daemon/platform/mount-table.ts';
import { listProcesses, readArguments, readPidNamespace, readStat } from '../../daemon/platform/process-tree.ts';
import { holderMark } from '../../daemon/sandbox/template/setup-script.ts';
import { endSurvivors, findSurvivors } from '../../daemon/sandbox/template/survivors.ts';
import {
  listTestAccounts,
  makePlace,
  openPlace,
  type Place,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

const holdFlag = '--hold-session';

/** This file again, as the process to be killed: it opens a session, runs the marked command, and says so. */
async function hold(uid: number, folder: string, marker: string): Promise<void> {
  const account = listTestAccounts().find((candidate) => candidate.uid === uid);
  if (account === undefined) throw new Error('no such account');
  const place = {
    account: { ...account, home: path.join(folder, 'home') },
    workspace: path.join(folder, 'work'),
  } as Place;
  const session = await openPlace(place);
  const command = `trap "" TERM HUP INT; nohup setsid sleep ${marker} >/dev/null 2>&1 & echo ready; sleep ${marker}`;
  await waitForOutput(await start(session, command), 'ready');
  process.stdout.write('holding\n');
  await session.closed;
}

function startHolder(place: Place, marker: string): Promise<ChildProcess> {
  const file = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [file, holdFlag, String(place.account.uid), place.folder, marker], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // the runner's own variable would make this one report to it as a test
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('holding')) resolve(child);
    });
    child.on('exit', () => reject(new Error('the holder ended')));
  });
}

function findByArgument(text: string): number[] {
  return listProcesses().filter((pid) => readArguments(pid).includes(text) && readStat(pid)?.state !== 'Z');
}

/** The kernel ends the session's processes by itself, but not in the same instant. */
async function becomesEmpty(find: () => readonly unknown[]): Promise<boolean> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; ) {
    if (find().length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}

function defineTests(): void {
  for (const account of listTestAccounts()) {
    describe(`the holder of a session dies, as ${account.name}`, { timeout: 60_000 }, () => {
      for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSEGV'] as const) {
        test(signal, async () => {
          const place = makePlace(account);
          const marker = `${3000 + Math.floor(Math.random() * 1e6)}.125`;
          const listTemporary = (): string[] => readdirSync(os.tmpdir()).filter((name) => /^sbx-\w{6}$/.test(name));
          const temporary = listTemporary();
          const mounts = readMountTable('self').length;
          const holder = await startHolder(place, marker);
          assert.equal(
            await becomesEmpty(() => (findByArgument(marker).length >= 2 ? [] : [1])),
            true,
            'the command runs',
          );
          holder.kill(signal);
          assert.equal(await becomesEmpty(() => findByArgument(marker)), true, 'the command is gone');
          const ofHolder = (): number[] =>
            listProcesses().filter((pid) => {
              const args = readArguments(pid);
              return args[args.indexOf(holderMark) + 1] === String(holder.pid) && args.includes(holderMark);
            });
          assert.equal(await becomesEmpty(ofHolder), true, 'the template is gone');
          assert.equal(await becomesEmpty(() => listTemporary().filter((name) => !temporary.includes(name))), true);
          assert.equal(readMountTable('self').length, mounts);
          assert.deepEqual(readdirSync(place.workspace), []);
          place.remove();
        });
      }
    });
  }

  test('a template whose daemon is gone is found and ended; a live one and other processes are not', async () => {
    const namespace = readPidNamespace('self') ?? '';
    const orphan = spawn('bash', ['-c', 'read -r _', holderMark, '999999999', '1', namespace], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const own = readStat(process.pid)?.startTime ?? '';
    const elsewhere = spawn('bash', ['-c', 'read -r _', holderMark, '999999999', '1', 'pid:[1]'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const live = spawn('bash', ['-c', 'read -r _', holderMark, String(process.pid), own, namespace], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const reused = spawn('bash', ['-c', 'read -r _', holderMark, String(process.pid), '1', namespace], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = Promise.all(
      [orphan, reused].map((child) => new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)))),
    );
    assert.equal(await becomesEmpty(() => (findSurvivors().length >= 2 ? [] : [1])), true);
    const found = endSurvivors().map(({ pid }) => pid);
    assert.deepEqual(
      [
        found.includes(orphan.pid ?? 0),
        found.includes(reused.pid ?? 0),
        found.includes(live.pid ?? 0),
        found.includes(elsewhere.pid ?? 0),
      ],
      [true, true, false, false],
    );
    assert.deepEqual(await ended, ['SIGKILL', 'SIGKILL']);
    assert.equal(live.exitCode, null);
    assert.equal(elsewhere.exitCode, null);
    live.stdin?.end();
    elsewhere.stdin?.end();
  });
}

if (process.argv[2] === holdFlag) {
  const [uid = '', folder = '', marker = ''] = process.argv.slice(3);
  await hold(Number(uid), folder, marker);
} else {
  defineTests();
}
