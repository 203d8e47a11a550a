/**
 * Runs change a private copy of the workspace's repository. Here: that the copy is all they can change, that nobody else
 * reaches it, that a later or simultaneous git of the host never runs what they wrote, and what happens to a copy at the end.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import type { Account } from '../../daemon/sandbox/plan/account.ts';
import { openSession } from '../../daemon/sandbox/session.ts';
import { mustRunOutside } from '../fixtures/host-command.ts';
import {
  listTestAccounts,
  makePlace,
  openPlace,
  type Place,
  run,
  start,
  waitForOutput,
} from '../fixtures/sandbox-session.ts';

class Repository {
  readonly place: Place;

  constructor(account: Account, names?: { home: string; workspace: string }) {
    this.place = names === undefined ? makePlace(account) : makePlace(account, names);
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.name', 'n');
    this.git('config', 'user.email', 'e@example.org');
    this.place.write(this.at('f'), 'one\n');
    this.git('add', 'f');
    this.git('commit', '-qm', 'one');
  }

  at(name: string): string {
    return path.join(this.place.workspace, name);
  }

  /** Runs a program of the host as the account. */
  host(cwd: string, ...argv: string[]): string {
    return mustRunOutside(this.place, argv, cwd);
  }

  git(...args: string[]): string {
    return this.host(this.place.workspace, 'git', ...args);
  }

  /** Everything in the git folder but its objects, which nothing runs. */
  list(): string {
    return this.host(this.at('.git'), 'find', '.', '-path', './objects', '-prune', '-o', '-printf', '%p %y %l\\n');
  }

  staged(): string[] {
    return readdirSync(this.place.staged);
  }
}

for (const account of listTestAccounts()) {
  describe(`staged git as ${account.name}`, { timeout: 120_000 }, () => {
    let repository: Repository;
    let session: SandboxSession;
    before(async () => {
      repository = new Repository(account, { home: 'höme', workspace: "wörk spàce's, a:b\\c" });
      session = await openPlace(repository.place);
    });
    after(async () => {
      await session.close();
      repository.place.remove();
    });

    test('a repository can be staged here', () => {
      assert.deepEqual(
        session.report.warnings.filter((warning) => warning.includes('repository')),
        [],
      );
    });

    test('a run that is not staged sees the repository and can change nothing of it', async () => {
      const result = await run(
        session,
        'git log --format=%s; git status --porcelain; ( echo x >.git/x; mv .git g; rm -rf .git; git commit --allow-empty -m x ) 2>/dev/null && echo changed; git rev-parse HEAD',
        { git: 'read-only' },
      );
      assert.equal(result.stdout, `one\n${repository.git('rev-parse', 'HEAD')}`);
    });

    test('no command sees or reaches the copies', async () => {
      const keeper = await start(session, 'git branch kept; echo ready; read', { input: '', stdin: 'stream' });
      const look =
        'ls -A /dev/shm; for p in /dev/shm/staged /proc/self/root/dev/shm/staged /proc/*/root/dev/shm/staged; do ls "$p" && echo reached; done 2>/dev/null; umount -l /dev/shm 2>/dev/null && ls /dev/shm; nsenter -t 1 -m ls /dev/shm 2>/dev/null && echo entered; echo over';
      for (const git of ['staged', 'read-only'] as const) {
        const result = await run(session, look, { git });
        assert.equal(result.stdout, 'over\n');
      }
      const host = await run(session, `ls ${JSON.stringify(repository.place.staged)} && echo reached`);
      assert.equal(host.stdout, '');
      const onTerminal = await start(session, `${look}; sleep 0.1`, { pty: { columns: 200, rows: 24, term: 'xterm' } });
      const seen = await waitForOutput(onTerminal, 'over');
      assert.doesNotMatch(seen, /reached|entered|up|work/);
      await onTerminal.exit;
      keeper.stop(0);
      await keeper.exit;
    });

    test('nor where programs may make sandboxes of their own', async () => {
      const open = await openPlace(repository.place, { userNamespaces: 'open' });
      const ways = [
        'umount -l /dev/shm; ls -A /dev/shm',
        'umount -l /dev/shm; umount -l /dev/shm; umount -l /dev; ls -A /dev/shm',
        'mkdir -p /tmp/m; mount --bind / /tmp/m; ls -A /tmp/m/dev/shm',
        'mkdir -p /tmp/m; mount --bind /dev /tmp/m; ls -A /tmp/m/shm',
        'mkdir -p /tmp/m; mount --rbind /dev /tmp/m; umount -l /tmp/m/shm; ls -A /tmp/m/shm',
        'mount --move /dev/shm /tmp/m; ls -A /dev/shm',
      ];
      for (const way of ways) {
        const result = await run(
          open,
          `git branch -f x; unshare -rm bash -c '${way}' 2>/dev/null; unshare -rm echo over`,
        );
        // root's own commands make none
        assert.equal(result.stdout, account.uid === 0 ? '' : 'over\n', way);
      }
      await open.close();
    });

    test('what a hostile command writes is in its copy alone, also while it runs', async () => {
      const own = new Repository(account);
      const before = own.list();
      const config = readFileSync(own.at('.git/config'), 'utf8');
      const live = await openPlace(own.place);
      const marker = own.at('MARKER');
      const hostile = await start(
        live,
        `set -e; printf '#!/bin/sh\\necho ran >>"%s"\\n' ${JSON.stringify(marker)} >evil; chmod +x evil; e=$PWD/evil
        git config core.fsmonitor "$e"; git config core.pager "$e"; git config core.hooksPath "$PWD"; git config alias.status "!$e"
        git config filter.x.clean "$e"; git config filter.x.smudge "$e"; git config diff.external "$e"
        echo '* filter=x' >.git/info/attributes; cp evil .git/hooks/pre-commit; cp evil .git/hooks/post-checkout
        echo ../evilgit >.git/commondir; printf '[core]\\nfsmonitor = %s\\n' "$e" >.git/config.worktree
        rm -rf .git/refs; ln -s /tmp .git/refs; mkdir -p .git/modules/m; cp .git/config .git/modules/m/config
        echo ready; read line || true`,
        { stdin: 'stream' },
      );
      await waitForOutput(hostile, 'ready');
      const useGit = (): void => {
        own.git('status');
        own.git('diff');
        own.git('log', '-1');
        own.git('config', 'user.name', `n${Math.random()}`);
        own.place.write(own.at('g'), String(Math.random()));
        own.git('add', 'g');
        own.git('commit', '-qm', 'host');
        own.git('checkout', '-q', '-B', 'side');
      };
      useGit();
      const second = await run(live, 'git config core.fsmonitor; test -e .git/commondir && echo there', {
        git: 'read-only',
      });
      assert.equal(second.stdout, '', 'another run does not see it');
      hostile.stdin?.end();
      await hostile.exit;
      await hostile.aftermath;
      useGit();
      assert.equal(existsSync(marker), false);
      const strip = (text: string): string => text.replace(/name = .*/, '');
      assert.equal(strip(readFileSync(own.at('.git/config'), 'utf8')), strip(config));
      const names = (text: string): string[] =>
        text.split('\n').filter((line) => /hooks|info|common|config|modules/.test(line));
      assert.deepEqual(names(own.list()), names(before));
      await live.close();
      own.place.remove();
    });

    test('a copy that nothing was written to is gone after its run, also when the command never began', async () => {
      const before = repository.staged();
      await run(session, 'git log -1; : >.git/../free');
      await run(session, 'true', { cwd: repository.at('absent') });
      assert.deepEqual(repository.staged(), before);
    });

    test('an ended run leaves no mount and no process, however it ended', async () => {
      const own = new Repository(account);
      const live = await openPlace(own.place);
      for (const [index, end] of ['kill -9 $PPID', 'kill -9 $$', 'exit 3'].entries()) {
        await run(live, `git branch b${index}; ${end}`);
      }
      const stopped = await start(live, 'git branch stopped; echo ready; sleep 100');
      await waitForOutput(stopped, 'ready');
      stopped.stop(0);
      await stopped.aftermath;
      const closed = await start(live, 'git branch closed; echo ready; sleep 100');
      await waitForOutput(closed, 'ready');
      await live.close();
      await closed.aftermath;
      assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(own.place.folder));
      const branches = own.git('branch', '--format=%(refname:short)').trim().split('\n');
      assert.deepEqual(branches.sort(), ['b0', 'b1', 'b2', 'closed', 'main', 'stopped']);
      assert.deepEqual(own.staged(), []);
      own.place.remove();
    });

    test('what git does arrives on the host, and the next run sees it', async () => {
      const own = new Repository(account);
      const live = await openPlace(own.place);
      const work = [
        'echo a >a; git add a; git commit -qm two',
        'git checkout -qb side; echo b >b; git add b; git commit -qm three',
        'git checkout -q main; echo c >c; git add c; git commit -qm four; git merge -q side -m merged',
        'git tag v1; git tag -a v2 -m annotated',
        'echo d >>a; git stash -q; git stash list | grep -q stash; git stash pop -q; git checkout -q a',
        'git commit -q --amend -m "merged again"',
        'git checkout -qb topic HEAD~1; echo e >e; git add e; git commit -qm five; git rebase -q main; git checkout -q main',
        'git reset -q --hard topic; git branch -d topic; git branch -m side other',
        'git gc -q; git fsck --strict',
      ];
      for (const command of work) {
        const result = await run(live, `set -e; ${command}`);
        assert.deepEqual([result.code, result.aftermath], [0, []], `${command}: ${result.stderr}`);
        assert.equal(own.git('status', '--porcelain'), '', command);
        own.git('fsck', '--strict');
      }
      const inside = await run(live, 'git log --all --format="%H %s"; git branch; git tag; git reflog | wc -l');
      assert.equal(
        inside.stdout,
        own.git('log', '--all', '--format=%H %s') +
          own.git('branch') +
          own.git('tag') +
          `${own.git('reflog').trim().split('\n').length}\n`,
      );
      assert.match(own.git('log', '--format=%s'), /^five\nmerged again\n/);
      assert.equal(own.git('branch', '--format=%(refname:short)'), 'main\nother\n');
      await live.close();
      assert.deepEqual(own.staged(), []);
      own.place.remove();
    });

    test('two runs at once change the repository; both arrive', async () => {
      const own = new Repository(account);
      const live = await openPlace(own.place);
      const first = await start(live, 'git branch first; echo ready; read || true', { stdin: 'stream' });
      const second = await start(live, 'git branch second; echo ready; read || true', { stdin: 'stream' });
      await Promise.all([waitForOutput(first, 'ready'), waitForOutput(second, 'ready')]);
      assert.equal((await run(live, 'git branch --format="%(refname:short)"')).stdout, 'main\n');
      first.stdin?.end();
      second.stdin?.end();
      assert.deepEqual(await Promise.all([first.aftermath, second.aftermath]), [[], []]);
      assert.equal(own.git('branch', '--format=%(refname:short)'), 'first\nmain\nsecond\n');
      await live.close();
      own.place.remove();
    });

    test('a linked worktree works in the repository that it belongs to, and in no other', async () => {
      const own = new Repository(account);
      const tree = path.join(own.place.folder, 'tree');
      own.git('worktree', 'add', '-q', tree);
      const inTree: Place = { ...own.place, workspace: tree };
      const live = await openPlace(inTree);
      const result = await run(
        live,
        'set -e; echo t >t; git add t; git commit -qm "in the tree"; git status --porcelain; cat .git',
      );
      assert.deepEqual([result.code, result.aftermath], [0, []], result.stderr);
      assert.equal(own.git('log', '-1', '--format=%s', 'tree'), 'in the tree\n');
      assert.equal(own.host(tree, 'git', 'status', '--porcelain'), '');
      assert.equal((await run(live, '( rm -f .git; mv .git g; echo x >.git ) 2>/dev/null && echo changed')).stdout, '');
      assert.equal(live.isCurrent(), true);
      await live.close();
      own.place.write(path.join(own.place.home, '.netrc'), 'SECRET');
      for (const leadsTo of [own.at('.git'), own.at('.git/worktrees/tree'), own.place.home, '/', '../..']) {
        const other = path.join(own.place.folder, `other-${Math.random()}`);
        own.place.write(path.join(other, '.git'), `gitdir: ${leadsTo}\n`);
        const stranger = await openPlace({ ...own.place, workspace: other });
        const attempt = `git update-ref refs/heads/planted HEAD; echo x >${own.at('.git/refs/heads/planted')}; cat ~/.netrc`;
        assert.equal((await run(stranger, `( ${attempt} ) 2>/dev/null`)).stdout, '', leadsTo);
        await stranger.close();
        assert.equal(existsSync(own.at('.git/refs/heads/planted')), false, leadsTo);
      }
      own.place.remove();
    });

    test('a submodule as the workspace works in its own git folder, which another checkout cannot name', async () => {
      const own = new Repository(account);
      const part = new Repository(account);
      own.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part.place.workspace, 'sub');
      const sub = own.at('sub');
      const live = await openPlace({ ...own.place, workspace: sub });
      const result = await run(
        live,
        'set -e; git config user.name >/dev/null || export GIT_AUTHOR_NAME=n GIT_COMMITTER_NAME=n EMAIL=e@example.org; echo s >s; git add s; git commit -qm "in the submodule"; git status --porcelain',
      );
      assert.deepEqual([result.code, result.stdout, result.aftermath], [0, '', []], result.stderr);
      assert.equal(own.host(sub, 'git', 'log', '-1', '--format=%s'), 'in the submodule\n');
      assert.equal(own.host(sub, 'git', 'status', '--porcelain'), '');
      await live.close();
      const other = path.join(own.place.folder, 'other');
      own.place.write(path.join(other, '.git'), `gitdir: ${own.at('.git/modules/sub')}\n`);
      const stranger = await openPlace({ ...own.place, workspace: other });
      const planted = own.at('.git/modules/sub/refs/heads/planted');
      await run(stranger, `git update-ref refs/heads/planted HEAD; echo x >${planted}`);
      assert.equal(existsSync(planted), false);
      await stranger.close();
      own.place.remove();
      part.place.remove();
    });

    test('without a place for copies the repository is read-only, and the report says so', async () => {
      const own = new Repository(account);
      const { staged: _, ...without } = own.place;
      const live = await openSession({ workspace: without.workspace, account: without.account, protectedPaths: [] });
      assert.match(live.report.warnings.join(), /repository is read-only/);
      assert.equal((await run(live, 'git branch x 2>/dev/null || echo refused')).stdout, 'refused\n');
      await live.close();
      own.place.remove();
    });

    if (process.getuid?.() === 0) {
      test('files of a foreign group make the repository read-only, with a remedy', async () => {
        const own = new Repository(account);
        chownSync(own.at('.git/objects'), account.uid, 12_345);
        const live = await openPlace(own.place);
        assert.match(live.report.warnings.join(), /objects` belongs to \d+:12345.*chown -R/);
        assert.equal(
          (await run(live, 'git log --format=%s; git branch x 2>/dev/null || echo refused')).stdout,
          'one\nrefused\n',
        );
        await live.close();
        own.place.remove();
      });

      test('copies on a file system that cannot hold them make the repository read-only', async () => {
        const own = new Repository(account);
        const at = (name: string): string => path.join(own.place.folder, name);
        for (const name of ['low', 'upper', 'work2']) mkdirSync(at(name));
        chownSync(at('upper'), account.uid, account.gid);
        execFileSync('mount', [
          '-t',
          'overlay',
          '-o',
          `lowerdir=${at('low')},upperdir=${at('upper')},workdir=${at('work2')}`,
          'overlay',
          own.place.staged,
        ]);
        try {
          const live = await openPlace(own.place);
          assert.match(live.report.warnings.join(), /repository is read-only.*XDG_CACHE_HOME/);
          assert.equal(
            (await run(live, 'git log --format=%s; git branch x 2>/dev/null || echo refused')).stdout,
            'one\nrefused\n',
          );
          await live.close();
        } finally {
          execFileSync('umount', [own.place.staged]);
        }
        own.place.remove();
      });
    }

    test('its content makes no new template, a replaced git folder does', async () => {
      const own = new Repository(account);
      const live = await openPlace(own.place);
      own.git('config', 'user.name', 'other');
      own.git('commit', '-q', '--allow-empty', '-m', 'x');
      own.place.write(own.at('.git/commondir'), './\n');
      assert.equal(live.isCurrent(), true);
      renameSync(own.at('.git'), own.at('g'));
      assert.equal(live.isCurrent(), false);
      renameSync(own.at('g'), own.at('.git'));
      await live.close();
      own.place.remove();
    });

    test('what a killed daemon left staged is taken over when the next session opens', async () => {
      const own = new Repository(account);
      const live = await openPlace(own.place);
      const running = await start(live, 'git branch left; echo ready; sleep 100');
      await waitForOutput(running, 'ready');
      const [name = ''] = own.staged();
      const copy = path.join(own.place.staged, name);
      for (const part of ['run.json', 'up']) {
        own.host('/', 'mkdir', '-p', `${copy}x`);
        own.host('/', 'cp', '-a', path.join(copy, part), `${copy}x`);
      }
      running.stop(0);
      await running.aftermath;
      await live.close();
      own.git('branch', '-D', 'left');
      const record = path.join(`${copy}x`, 'run.json');
      const text = readFileSync(record, 'utf8');
      own.place.write(record, text.replace(/"startTime":"\d+"/, '"startTime":"1"'));
      const next = await openPlace(own.place);
      assert.equal(own.git('branch', '--format=%(refname:short)'), 'left\nmain\n');
      assert.deepEqual(own.staged(), []);
      await next.close();
      own.place.remove();
    });
  });
}
