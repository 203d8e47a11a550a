/** What a command can read and write, tried from inside and looked at from outside. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Account } from '../../daemon/sandbox/plan/account.ts';
import { describeInSession } from '../fixtures/describe-in-session.ts';
import { mustRunOutside } from '../fixtures/host-command.ts';
import { makePlace, openPlace, type Place, run } from '../fixtures/sandbox-session.ts';

/** Awkward names, and a home with secrets beside what is none. */
function furnishPlace(account: Account): Place {
  const names = { home: 'höme, with:every\\thing "quoted"', workspace: "wörk spàce's, a:b\\c" };
  const place = makePlace(account, names);
  const at = (name: string): string => path.join(place.home, name);
  place.write(at('.aws/credentials'), 'SECRET');
  place.write(at('.netrc'), 'SECRET');
  place.write(at('.ssh/id_ed25519'), 'SECRET');
  place.write(at('.ssh/known_hosts'), 'host key');
  place.write(at('.config/gh/hosts.yml'), 'SECRET');
  place.write(at('.config/editor'), 'plain');
  place.write(at('dotfiles/kube/config'), 'SECRET');
  place.write(at('dotfiles/plain'), 'plain');
  symlinkSync('dotfiles/kube', at('.kube'));
  place.write(at('.gitconfig'), '[user]\nname = Somebody\n');
  place.write(path.join(place.folder, 'outside'), 'outside');
  return place;
}

describeInSession('files', { timeout: 60_000, makePlace: furnishPlace }, (here) => {
  test('the workspace is writable and what is written arrives', async () => {
    const result = await here.run(
      'pwd; echo text >"new file"; mkdir -p a/b; mv "new file" a/b; ln a/b/* hard; ln -s hard soft; cat soft',
    );
    assert.deepEqual([result.stdout, result.stderr], [`${here.place.workspace}\ntext\n`, '']);
    assert.equal(readFileSync(path.join(here.place.workspace, 'a/b/new file'), 'utf8'), 'text\n');
    assert.equal(lstatSync(path.join(here.place.workspace, 'hard')).uid, here.account.uid);
  });

  for (const target of [
    '/',
    '/etc',
    '/usr/bin',
    '/home',
    '/run',
    '/run/sbx',
    '/sys',
    '/proc/sys/kernel',
    '/dev',
    '/var',
    '/proc/1',
    '/opt',
    '~',
  ]) {
    test(`nothing can be made in ${target}`, async () => {
      const result = await here.run(
        `: >${target}/sbx-made && echo made; mkdir ${target}/sbx-folder && echo made; : >made-here && echo here`,
      );
      assert.equal(result.stdout, 'here\n');
    });
  }

  test('what exists outside cannot be changed by any way of writing', async () => {
    const attempts = [
      'echo x >>/etc/hostname',
      'echo x >>~/.gitconfig',
      'rm -f ~/.gitconfig',
      'mv ~/.gitconfig ~/x',
      'chmod 777 ~/.gitconfig',
      'touch -d 2001-01-01 ~/.gitconfig',
      'truncate -s 0 ~/.gitconfig',
      'ln ~/.gitconfig ./linked',
      'perl -e \'open(F, "+<", "$ENV{HOME}/.gitconfig") or exit 1; print F "x"\'',
      'ln -sf ~/.gitconfig through && echo x >>through',
      'echo x >>/proc/self/root"$HOME"/.gitconfig',
    ];
    for (const attempt of attempts) {
      const result = await here.run(`( ${attempt} ) 2>/dev/null && echo done`);
      assert.equal(result.stdout, '', attempt);
    }
    assert.equal(readFileSync(path.join(here.place.home, '.gitconfig'), 'utf8'), '[user]\nname = Somebody\n');
    assert.equal((await here.run('cat ~/.gitconfig')).stdout, '[user]\nname = Somebody\n');
  });

  test('what is written beside a workspace in /tmp stays in the session', async () => {
    assert.equal((await here.run('cat ../outside; echo x >../outside && cat ../outside')).stdout, 'x\n');
    assert.equal(readFileSync(path.join(here.place.folder, 'outside'), 'utf8'), 'outside');
  });

  test('credential places are empty or not there, their neighbours are as they are', async () => {
    const command = `cd ~; grep -rs SECRET . ; ls -A .aws .ssh .config .config/gh; cat .netrc .ssh/known_hosts .config/editor dotfiles/plain; ls -A dotfiles/kube; test -L .kube && echo; ls .npmrc .bash_history`;
    const result = await here.run(command);
    assert.equal(
      result.stdout,
      '.aws:\n\n.config:\neditor\ngh\n\n.config/gh:\n\n.ssh:\nknown_hosts\nhost keyplainplain\n',
    );
    assert.match(result.stderr, /\.npmrc': No such file[\s\S]*\.bash_history': No such file/);
  });

  test('other ways to a hidden file', async () => {
    const attempts = [
      'cat /proc/self/root"$HOME"/.netrc',
      'cat /proc/$PPID/root"$HOME"/.netrc',
      'cat /proc/1/root"$HOME"/.netrc',
      'cd ~/.ssh && cat ./../.netrc',
      'find / -xdev -name id_ed25519 -newer /proc/version 2>/dev/null | xargs -r cat',
      'cat /run/.sbx-stash/*/.netrc',
      'cat /run/sbx/layers/*/*/.netrc',
      'umount -l ~ || umount -l ~/.aws; cat ~/.netrc',
      'mount --bind / /tmp && cat /tmp"$HOME"/.netrc',
      'unshare -rm cat ~/.netrc',
      'ln ~/.netrc stolen; cp -a ~/.aws stolen2; cat stolen stolen2/*',
      'debugfs -R "cat $HOME/.netrc" "$(findmnt -no SOURCE / 2>/dev/null || echo /dev/vda)"',
    ];
    for (const attempt of attempts) assert.doesNotMatch((await here.run(attempt)).stdout, /SECRET/, attempt);
  });

  test('a hidden file that the host replaces or makes while the session is open stays hidden', async () => {
    const fresh = await openPlace(here.place);
    for (const name of ['.netrc', '.npmrc', '.config/gh/hosts.yml', '.pypirc', '.docker/config.json']) {
      const file = path.join(here.place.home, name);
      here.place.write(`${file}.new`, 'SECRET replaced');
      renameSync(`${file}.new`, file);
    }
    const result = await run(
      fresh,
      'cat ~/.netrc ~/.npmrc ~/.config/gh/hosts.yml ~/.pypirc ~/.docker/config.json; ls ~ >/dev/null && cat ~/.config/editor',
    );
    assert.equal(result.stdout, 'plain');
    assert.equal(fresh.isCurrent(), false, 'a folder of credentials appeared');
    await fresh.close();
    const next = await openPlace(here.place);
    assert.equal(
      (await run(next, 'cat ~/.docker/config.json ~/.npmrc; ls -d ~/.docker')).stdout,
      `${here.place.home}/.docker\n`,
    );
    assert.equal(next.isCurrent(), true);
    await next.close();
  });

  test('/tmp is fresh, writable, sized and gone with the session', async () => {
    const own = await openPlace(here.place, { tmpBytes: 4 * 1024 ** 2 });
    const result = await run(
      own,
      'ls -A /tmp /var/tmp; stat -c %a /tmp; head -c 8000000 /dev/zero >/tmp/big; stat -c %s /tmp/big; mktemp >/dev/null && echo made',
    );
    assert.match(result.stdout, /^\/tmp:\nsbx-test-\w+\n\n\/var\/tmp:\n1777\n4\d+\nmade\n$/);
    await own.close();
    assert.equal(existsSync('/tmp/big'), false);
  });

  test('device nodes: the harmless ones work, no other is there, none can be made', async () => {
    const result = await here.run(
      'ls /dev | tr "\\n" " "; echo x >/dev/null; head -c 2 /dev/zero | wc -c; head -c 2 /dev/urandom | wc -c; mknod disk b 254 0 || mknod char c 1 3; echo >/dev/shm/x && echo shm',
    );
    assert.equal(result.stdout, 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero 2\n2\nshm\n');
    assert.match(result.stderr, /not permitted/);
  });

  test('without a workspace only /tmp is writable', async () => {
    const own = await openPlace(here.place, { workspace: undefined });
    const result = await run(
      own,
      `cd ${JSON.stringify(here.place.workspace)} && : >made && echo wrong; cd && : >made && echo wrong; : >/tmp/made && echo right`,
      { cwd: '/' },
    );
    assert.equal(result.stdout, 'right\n');
    await own.close();
  });

  test('protected names are pinned where they are present, whatever is done to them or above them', async () => {
    const at = (name: string): string => path.join(here.place.workspace, name);
    here.place.write(at('.mcp.json'), 'kept');
    here.place.write(at('.vscode/settings.json'), 'kept');
    here.place.write(at('.vscode/other.json'), 'other');
    symlinkSync('.mcp.json', at('.linked'));
    const own = await openPlace(here.place, {
      protectedPaths: ['.mcp.json', '.vscode/settings.json', '.linked', '.absent', '.hidden/absent'],
    });
    const attempts = [
      'echo x >.mcp.json',
      'rm -f .mcp.json',
      'mv .mcp.json x',
      'mv -f x .mcp.json',
      'chmod 777 .mcp.json',
      'mv .vscode v',
      'rm -rf .vscode',
      'echo x >.vscode/settings.json',
      'mv .vscode/settings.json .vscode/s',
    ];
    await run(own, 'echo x >x');
    for (const attempt of attempts)
      assert.equal((await run(own, `( ${attempt} ) 2>/dev/null && echo done`)).stdout, '', attempt);
    const allowed = await run(
      own,
      'cat .mcp.json .vscode/settings.json; echo new >.vscode/new.json && cat .vscode/*.json; ls -A | tr "\\n" " "',
    );
    assert.match(allowed.stdout, /^keptkeptnew\nkept/);
    assert.equal(existsSync(at('.absent')), false);
    assert.equal(existsSync(at('.hidden')), false);
    assert.equal(own.isCurrent(), true);
    writeFileSync(at('.absent'), '');
    assert.equal(own.isCurrent(), false);
    await own.close();
    assert.equal(readFileSync(at('.mcp.json'), 'utf8'), 'kept');
  });

  test('git works inside, what a later git of the host would run cannot be planted', async () => {
    const repository = makePlace(here.account);
    const asOwner = (...args: string[]): string => mustRunOutside(repository, ['git', ...args]);
    asOwner('init', '-q', '-b', 'main');
    asOwner('config', 'user.name', 'n');
    asOwner('config', 'user.email', 'e@example.org');
    const own = await openPlace(repository, { protectedPaths: ['.git', '.git/config'] });
    const work = await run(
      own,
      'set -e; echo a >f; git add f; git commit -qm one; git checkout -qb side; echo b >>f; git commit -qam two; git checkout -q main; git merge -q side; git stash list; git status --porcelain; git log --oneline | wc -l',
    );
    assert.deepEqual([work.stdout, work.code], ['2\n', 0], work.stderr);
    assert.equal(asOwner('log', '--oneline').trim().split('\n').length, 2);
    const file = (name: string): string => path.join(repository.workspace, '.git', name);
    const config = readFileSync(file('config'), 'utf8');
    const hooks = readdirSync(file('hooks'));
    const attempts = [
      'git config core.fsmonitor x',
      'echo x >>.git/config',
      'echo x >.git/hooks/pre-commit',
      'echo x >.git/info/attributes',
      'rm -rf .git/hooks',
      `perl -e 'rename(".git/hooks", "h") or exit 1'`,
      'mv .git g',
      'mv .git/config .git/c',
      'ln -sf /tmp/x .git/config',
      'git init -q --template=/tmp --separate-git-dir=/tmp/elsewhere',
    ];
    for (const attempt of attempts) {
      const refused = await run(own, `( ${attempt} ) >/dev/null 2>&1 && echo done`, { git: 'read-only' });
      assert.equal(refused.stdout, '', attempt);
      await run(own, attempt);
      assert.equal(readFileSync(file('config'), 'utf8'), config, attempt);
      assert.deepEqual(readdirSync(file('hooks')), hooks, attempt);
      assert.equal(existsSync(file('info/attributes')), false, attempt);
    }
    asOwner('config', 'user.name', 'other');
    assert.equal(own.isCurrent(), true, 'what git replaces in its folder unpins nothing');
    assert.equal((await run(own, 'git config user.name; echo x >.git/config', { git: 'read-only' })).stdout, 'other\n');
    renameSync(file(''), path.join(repository.workspace, 'moved'));
    assert.equal(own.isCurrent(), false, 'the git folder itself went away');
    renameSync(path.join(repository.workspace, 'moved'), file(''));
    await own.close();
    assert.deepEqual(readdirSync(repository.workspace).sort(), ['.git', 'f']);
    repository.remove();
  });

  test('nothing is left in the workspace or beside it', async () => {
    const clean = makePlace(here.account);
    const list = (): string[] => readdirSync(clean.folder, { recursive: true, encoding: 'utf8' }).sort();
    const earlier = list();
    const own = await openPlace(clean, { protectedPaths: ['.git', '.mcp.json', '.vscode/settings.json'] });
    assert.equal((await run(own, 'ls -A')).stdout, '');
    await own.close();
    assert.deepEqual(list(), earlier);
    clean.remove();
  });

  test('private folders: writable where the plan puts them', async () => {
    const cache = path.join(here.place.folder, 'cache');
    here.place.write(path.join(cache, 'kept'), 'kept');
    const own = await openPlace(here.place, {
      writable: [
        { source: cache, target: '/run/sbx/cache' },
        { source: cache, target: path.join(here.place.home, '.cache/tool') },
      ],
    });
    const result = await run(
      own,
      'cat /run/sbx/cache/kept ~/.cache/tool/kept; echo new >/run/sbx/cache/new; cat ~/.cache/tool/new; : >~/.cache/other',
    );
    assert.equal(result.stdout, 'keptkeptnew\n');
    assert.match(result.stderr, /Read-only/);
    assert.equal(readFileSync(path.join(cache, 'new'), 'utf8'), 'new\n');
    assert.equal(existsSync(path.join(here.place.home, '.cache')), false);
    await own.close();
  });
});
