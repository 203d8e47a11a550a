/** Names that are protected for another reason than the list of names at the root, when a command makes them. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import type { SessionInput } from '../../daemon/sandbox/plan/input.ts';
import { filePolicy, readLayer } from '../fixtures/file-policy.ts';
import { runOutside } from '../fixtures/host-command.ts';
import { removeTree } from '../fixtures/remove-tree.ts';
import { listTestAccounts, makePlace, openGuarded, type Place, run, start } from '../fixtures/sandbox-session.ts';

const env = {
  ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b.c' },
  ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b.c' },
};

for (const account of listTestAccounts()) {
  describe(`names that the guard knows, as ${account.name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let session: SandboxSession;
    const at = (name: string): string => path.join(place.workspace, name);
    const open = async (input: Partial<SessionInput> = {}): Promise<void> => {
      session = await openGuarded(place, input);
    };
    const told = async (command: string): Promise<string[]> => {
      const { aftermath } = await run(session, command, { env });
      return aftermath.map(({ target }) => path.relative(place.workspace, target)).sort();
    };
    const outside = (command: string): ReturnType<typeof runOutside> =>
      runOutside(place, command, place.workspace, env);

    before(() => {
      place = makePlace(account);
    });
    afterEach(async () => {
      await session.close();
      runOutside(place, 'find . -mindepth 1 -delete');
      removeTree(path.join(place.home, 'state'));
    });
    after(() => place.remove());

    test('the folder of sbx in a cache is put aside, the rest of the cache stays', async () => {
      await open();
      assert.deepEqual(
        await told(
          'mkdir -p .cache/sbx/staged .cache/pip/.vscode src/.cache/sbx; echo x >.cache/sbx/x; echo x >.cache/pip/.npmrc',
        ),
        ['.cache/sbx', 'src/.cache/sbx'],
      );
      assert.deepEqual([existsSync(at('.cache/sbx')), existsSync(at('.cache/pip/.npmrc'))], [false, true]);
    });

    test('what a policy lets nobody edit is put aside when a command makes it, what the host has there stays', async () => {
      place.write(at('deep/held.secret'), 'host');
      const policy = readLayer('user', { permissions: { deny: ['Edit(secrets/**)', 'Edit(*.secret)'] } });
      const files = filePolicy([policy], { home: place.home, workspace: place.workspace });
      await open({ files });
      assert.deepEqual(
        await told('mkdir -p secrets/in free; echo x >secrets/in/a; echo x >free/new.secret; echo x >free/public'),
        ['free/new.secret', 'secrets/in/a'],
      );
      assert.deepEqual([existsSync(at('free/public')), existsSync(at('free/new.secret'))], [true, false]);
      const running = await start(session, 'read -r _', { stdin: 'stream' });
      writeFileSync(at('deep/held.new'), 'host again');
      renameSync(at('deep/held.new'), at('deep/held.secret'));
      running.stdin?.end('\n');
      await running.exit;
      await running.aftermath;
      assert.equal(readFileSync(at('deep/held.secret'), 'utf8'), 'host again', 'an editor replaces what it saves');
    });

    test('a submodule that is not checked out gets no repository that runs something', async () => {
      assert.equal(
        outside(
          'set -e; git init -q ../lib; git -C ../lib commit -q --allow-empty -m one; git init -q; git -c protocol.file.allow=always submodule --quiet add ../lib vendor/lib; git commit -qm top; git submodule --quiet deinit -f vendor/lib; rm -rf ../lib',
        ).code,
        0,
      );
      assert.equal(existsSync(at('vendor/lib/.git')), false);
      await open();
      const notes = await told(
        'cd vendor/lib && git init -q && git commit -q --allow-empty -m evil && git config core.fsmonitor "touch ../../ran; true"',
      );
      assert.deepEqual(notes, ['vendor/lib/.git']);
      outside('git status; git diff; git -C vendor/lib status');
      assert.equal(existsSync(at('ran')), false);
      outside('git -C vendor/lib config core.fsmonitor "touch ../../ran; true"; git status');
      assert.equal(existsSync(at('ran')), true, 'it would have run');
    });

    test('a rebase left half way in a new repository tells what it would run', async () => {
      await open();
      const make = (name: string): string =>
        `git init -q ${name}; cd ${name}; git commit -q --allow-empty -m one; echo a >a; git add a; git commit -qm two; git rebase -q -x false HEAD~1; cd ..`;
      const { aftermath } = await run(
        session,
        `${make('r')}; echo "exec touch ../ran" >>r/.git/rebase-merge/git-rebase-todo; ${make('s')}; git -C s rebase --abort; true`,
        { env },
      );
      const notes = aftermath.map(({ target, message }) => `${path.relative(place.workspace, target)} ${message}`);
      assert.equal(notes.length, 1, notes.join());
      assert.match(notes[0] ?? '', /^r\/\.git .*stays.*runs `exec touch \.\.\/ran` when it goes on/);
      outside('git -C r status; git -C r log');
      assert.equal(existsSync(at('ran')), false);
      outside('git -C r rebase --continue');
      assert.equal(existsSync(at('ran')), true, 'as it said');
    });

    test('a workspace that is a bare repository: what a git of the host would run cannot be written', async () => {
      assert.equal(outside('git init -q --bare -b main .').code, 0);
      await open();
      const attempts = [
        'git config core.fsmonitor "touch ran"; git config core.pager "touch ran;"; git config alias.x "!touch ran"',
        'printf "#!/bin/sh\\ntouch ran\\n" >hooks/reference-transaction; chmod 755 hooks/reference-transaction',
        'mv hooks old; mkdir hooks; printf "#!/bin/sh\\ntouch ran\\n" >hooks/reference-transaction; chmod 755 hooks/*',
        'printf "[core]\\n\\tpager = touch ran;\\n" >config.worktree; mkdir -p c; cp -r HEAD objects refs c; printf "[alias]\\n\\tx = !touch ran\\n" >c/config; echo c >commondir',
      ];
      for (const attempt of attempts) {
        await told(attempt);
        outside(
          'git x; git -p log; git update-ref refs/heads/x HEAD; git branch; git tag t $(git commit-tree -m x $(git mktree </dev/null))',
        );
        assert.equal(existsSync(at('ran')), false, attempt);
        if (!session.isCurrent()) {
          await session.close();
          await open();
        }
      }
      const work = await run(session, 'git tag inside $(git commit-tree -m y $(git mktree </dev/null)) && git tag', {
        env,
      });
      assert.match(work.stdout, /inside/);
      assert.match(outside('git tag').stdout, /inside/);
    });
  });
}
