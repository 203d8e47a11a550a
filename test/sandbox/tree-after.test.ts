/**
 * The tree of a workspace, listed before and after a run or a kill at any point of it, differs only by what the command
 * wrote; and what it wrote at protected names is put aside also when the daemon did not live to see its end.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Violation } from '../../client/protocol/events.ts';
import { readArguments, readChildren } from '../../daemon/platform/process-tree.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import type { Account } from '../../daemon/sandbox/plan/account.ts';
import { holderMark } from '../../daemon/sandbox/template/setup-script.ts';
import { runOutside } from '../fixtures/host-command.ts';
import { listTree } from '../fixtures/list-tree.ts';
import { removeTree } from '../fixtures/remove-tree.ts';
import {
  listTestAccounts,
  makePlace,
  openGuarded,
  type Place,
  run,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

const holdFlag = '--hold-session';
const env = {
  ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b.c' },
  ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b.c' },
};

const sessions = new Set<SandboxSession>();

async function open(place: Place): Promise<SandboxSession> {
  const session = await openGuarded(place);
  sessions.add(session);
  return session;
}

/** This file again, as the process to be killed: it opens a session, runs the command, and says when that is ready. */
async function hold(uid: number, folder: string, command: string, approved: string): Promise<void> {
  const account = listTestAccounts().find((candidate) => candidate.uid === uid) as Account;
  const at = (name: string): string => path.join(folder, name);
  const place = { account: { ...account, home: at('home') }, workspace: at('work'), staged: at('staged') };
  const session = await open({ ...place, home: at('home'), folder } as Place);
  const unprotect = approved === '' ? [] : [path.join(place.workspace, approved)];
  await waitForOutput(await start(session, command, { env, unprotect }), 'ready');
  process.stdout.write('holding\n');
  await session.closed;
}

function startHolder(place: Place, command: string, approved: string): Promise<ChildProcess> {
  const words = [holdFlag, String(place.account.uid), place.folder, command, approved];
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
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

async function becomes(isTrue: () => boolean): Promise<boolean> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (isTrue()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

const descendants = (pid: number): number[] => readChildren(pid).flatMap((child) => [child, ...descendants(child)]);

/** What can be killed of a session that a process holds. */
const victims: readonly (readonly [what: string, find: (holder: number) => readonly number[]])[] = [
  ['the daemon', (holder) => [holder]],
  [
    'the template and its starter',
    (holder) => descendants(holder).filter((pid) => readArguments(pid).includes(holderMark)),
  ],
  [
    'bubblewrap',
    (holder) => descendants(holder).filter((pid) => path.basename(readArguments(pid)[0] ?? '') === 'bwrap'),
  ],
  ['everything at once', (holder) => [holder, ...descendants(holder)]],
];

function defineTests(): void {
  for (const account of listTestAccounts()) {
    describe(`the tree after a run, as ${account.name}`, { timeout: 240_000 }, () => {
      let place: Place;
      const at = (name: string): string => path.join(place.workspace, name);
      const list = (): string[] => listTree(place.workspace);
      /** Lines that a command has added; anything else is a failure. */
      const added = (before: readonly string[]): string[] => {
        const now = list();
        assert.deepEqual(
          before.filter((line) => !now.includes(line)),
          [],
          'what was there is as it was',
        );
        return now.filter((line) => !before.includes(line)).map((line) => line.split(' ')[0] ?? '');
      };

      before(() => {
        place = makePlace(account);
        const made = runOutside(
          place,
          `set -e; git init -q -b main; mkdir -p src .vscode packages/a/.vscode .claude; echo a >src/a.ts; echo '{}' >.vscode/settings.json; echo x >packages/a/.vscode/tasks.json; echo r >.npmrc; echo S=1 >.env; chmod 600 .env; ln -s a.ts src/link; echo '{}' >.claude/settings.json; git init -q nested; git -C nested commit -q --allow-empty -m n; git add src .npmrc; git commit -qm one; git config core.hooksPath .husky`,
          place.workspace,
          env,
        );
        assert.equal(made.code, 0, made.stderr);
      });
      afterEach(async () => {
        // a test that failed has not come so far
        for (const session of sessions) await session.close();
        sessions.clear();
        removeTree(path.join(place.home, 'state'));
      });
      after(() => place.remove());

      test('a run that writes nothing changes nothing, whatever it looks at', async () => {
        const earlier = list();
        const session = await open(place);
        for (const command of [
          'true',
          'ls -laR . >/dev/null; find . >/dev/null; grep -r x . >/dev/null; cat .env >/dev/null; exit 3',
          'git log -1; git diff; git status; git stash list; git branch -a; git -C nested status',
          'cp -r . /tmp/copy; rm -rf /tmp/copy',
          'touch .vscode/settings.json; echo x >.npmrc; rm -rf .claude nested/.git; mv .vscode other',
          'kill -9 $$',
        ]) {
          const { aftermath } = await run(session, command, { env });
          assert.deepEqual(added(earlier), [], command);
          assert.deepEqual(
            aftermath.map(({ message }) => message),
            [],
            command,
          );
        }
        await session.close();
        assert.deepEqual(added(earlier), []);
      });

      test('the second of two runs is refused what it was before, when the first has ended', async () => {
        const earlier = list();
        const session = await open(place);
        const second = await start(
          session,
          'read -r _; echo x >>.vscode/settings.json; echo x >>packages/a/.vscode/tasks.json; mv .vscode other; echo x >>nested/.git/config; echo x >.envrc; mkdir -p .husky; echo x >.husky/pre-commit; echo x >src/.yarnrc; git init -q evil; cp /bin/true evil/.git/hooks/post-checkout; echo x >kept; cat .env',
          { stdin: 'stream' },
        );
        const first = await run(session, 'echo x >.mcp.json; echo x >own');
        assert.deepEqual(
          first.aftermath.map(({ target }) => path.relative(place.workspace, target)),
          ['.mcp.json'],
        );
        second.stdin?.end('\n');
        await second.exit;
        const told = (await second.aftermath).map(({ target }) => path.relative(place.workspace, target)).sort();
        assert.deepEqual(told, ['.envrc', '.husky', 'evil/.git', 'src/.yarnrc']);
        const own = added(earlier).filter((name) => !name.startsWith('evil/.git/'));
        assert.deepEqual(own, ['evil', 'evil/.git', 'kept', 'own']);
        assert.equal(existsSync(at('evil/.git/hooks/post-checkout')), false);
        await session.close();
        runOutside(place, 'rm -rf evil kept own');
        assert.deepEqual(added(earlier), []);
      });

      for (const [what, find] of victims) {
        test(`${what} killed during a run that writes nothing: the tree is as it was`, async () => {
          const earlier = list();
          const holder = await startHolder(place, 'git status >/dev/null; echo ready; sleep 1000', '');
          const ended = new Promise((resolve) => holder.once('exit', resolve));
          for (const pid of find(holder.pid ?? 0)) kill(pid);
          if (what === 'bubblewrap') holder.kill('SIGKILL');
          await ended;
          assert.deepEqual(added(earlier), []);
          const session = await open(place);
          assert.deepEqual((await run(session, 'true')).aftermath, []);
          await session.close();
          assert.deepEqual(added(earlier), []);
        });
      }

      const plant =
        'echo x >.envrc; mkdir -p .husky packages/b/.vscode; printf "#!/bin/sh\\ntouch ran\\n" >.husky/pre-commit; chmod 755 .husky/pre-commit; echo x >packages/b/.vscode/tasks.json; git init -q evil; git -C evil config core.fsmonitor "touch ran"; echo x >.yarnrc; echo more >>src/a.ts; git add src; git commit -qm two --no-verify; echo ready; sleep 1000';
      const expected = ['.yarnrc', 'evil', 'packages/b'];
      const quarantined = (): string[] => {
        const folder = path.join(place.home, 'state/quarantine');
        const found = runOutside(place, `cat ${folder}/*/record.json`).stdout;
        return [...found.matchAll(/"from": "([^"]+)"/g)].map(([, from = '']) => path.relative(place.workspace, from));
      };
      const restore = (): void => {
        assert.equal(runOutside(place, 'git hook run pre-commit').code, 1, 'no such hook');
        runOutside(place, 'rm -rf .yarnrc evil packages/b ran; git reset -q --hard HEAD~1', place.workspace, env);
      };
      const visible = (names: readonly string[]): string[] =>
        [...new Set(names.map((name) => (name.startsWith('evil/') ? 'evil' : name)))]
          .filter((name) => !name.startsWith('.git/'))
          .sort();
      /** Without the repository: whether it was cleaned while the run went on, before the kill, is a race. */
      const namesIn = (notes: readonly Violation[]): string[] =>
        notes
          .map(({ target }) => path.relative(place.workspace, target))
          .filter((name) => name !== 'evil/.git')
          .sort();
      /** What the run changed as it may. */
      const isOwn = (line: string): boolean => line.startsWith('src/a.ts ') || line.startsWith('.git');

      test('the daemon killed during a run: what it planted is gone at once, without another start', async () => {
        const earlier = list().filter((line) => !isOwn(line));
        const holder = await startHolder(place, plant, '.yarnrc');
        holder.kill('SIGKILL');
        const isSettled = (): boolean =>
          ['.envrc', '.husky', 'packages/b/.vscode'].every((name) => !existsSync(at(name)));
        assert.equal(await becomes(isSettled), true, 'it was put aside');
        assert.equal(await becomes(() => !/fsmonitor/.test(readFileSync(at('evil/.git/config'), 'utf8'))), true);
        const told = await becomes(() => quarantined().length >= 3);
        assert.equal(told, true);
        // looks without writing the index anew, which the merge of so short a run could not tell from a change
        runOutside(
          place,
          'git --no-optional-locks status; git hook run --ignore-missing pre-commit; git -C evil status',
        );
        assert.equal(existsSync(at('ran')), false, 'nothing of it ran on the host');
        const session = await open(place);
        const next = await run(session, 'true');
        assert.deepEqual(namesIn(next.aftermath), ['.envrc', '.husky', 'packages/b/.vscode']);
        assert.deepEqual((await run(session, 'true')).aftermath, [], 'it is told once');
        await session.close();
        assert.deepEqual(
          visible(added(earlier)).filter((name) => name !== '.git' && name !== 'src/a.ts'),
          expected,
        );
        assert.equal(runOutside(place, 'git log --format=%s').stdout, 'two\none\n', 'the commit arrived');
        restore();
      });

      test('everything killed at once: what it planted is put aside when the workspace is next opened', async () => {
        const earlier = list().filter((line) => !isOwn(line));
        const holder = await startHolder(place, plant, '.yarnrc');
        const keepers = descendants(holder.pid ?? 0);
        const ended = new Promise((resolve) => holder.once('exit', resolve));
        for (const pid of [...keepers, holder.pid ?? 0]) kill(pid);
        await ended;
        assert.equal(existsSync(at('.envrc')), true, 'nobody was left to look');
        const session = await open(place);
        assert.equal(existsSync(at('.envrc')), false, 'before anything runs there again');
        assert.doesNotMatch(readFileSync(at('evil/.git/config'), 'utf8'), /fsmonitor/);
        const next = await run(session, 'true');
        assert.deepEqual(namesIn(next.aftermath.filter(({ kind }) => kind === 'protected')), [
          '.envrc',
          '.husky',
          'packages/b/.vscode',
        ]);
        await session.close();
        assert.deepEqual(
          visible(added(earlier)).filter((name) => name !== '.git' && name !== 'src/a.ts'),
          expected,
        );
        restore();
      });

      test('a daemon killed when nothing ran, or after a run has ended, takes nothing of the host’s', async () => {
        const earlier = list();
        const holder = await startHolder(place, 'echo x >.envrc; echo ready', '');
        assert.equal(await becomes(() => !existsSync(at('.envrc'))), true);
        // by now the run is over: its record goes with it
        assert.equal(await becomes(() => runOutside(place, 'ls ../records').stdout === ''), true);
        runOutside(place, 'echo mine >.envrc; mkdir .husky; echo mine >.husky/pre-push; git init -q own');
        holder.kill('SIGKILL');
        await new Promise((resolve) => holder.once('exit', resolve));
        const session = await open(place);
        assert.deepEqual((await run(session, 'true')).aftermath, []);
        await session.close();
        assert.equal(readFileSync(at('.envrc'), 'utf8'), 'mine\n');
        assert.equal(existsSync(at('.husky/pre-push')), true);
        runOutside(place, 'rm -rf .envrc .husky own');
        assert.deepEqual(added(earlier), []);
      });
    });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended with another one
  }
}

if (process.argv[2] === holdFlag) {
  const [uid = '', folder = '', command = '', approved = ''] = process.argv.slice(3);
  await hold(Number(uid), folder, command, approved);
} else {
  defineTests();
}
