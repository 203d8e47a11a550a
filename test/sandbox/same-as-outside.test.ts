/**
 * Everyday commands that look at the whole tree print, return and leave inside what they do outside, on an equal copy:
 * no protection shows as a file that is not there, a name that is taken, or a repository that has changed.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { runOutside } from '../fixtures/host-command.ts';
import { listTree } from '../fixtures/list-tree.ts';
import { listTestAccounts, makePlace, openGuarded, type Place, run } from '../fixtures/sandbox-session.ts';

const env = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_DATE: '2024-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2024-01-01T00:00:00Z',
  LC_ALL: 'C.UTF-8',
};

/** Protected names that are there: tracked, ignored, deep and at the root; most of them are not. */
const build = `set -e
git init -q -b main ../library; cd ../library; echo lib >lib.c; git add .; git commit -qm lib; cd ../work
git init -q -b main
mkdir -p src/deep packages/a/.vscode .vscode .husky .idea .claude docs/empty bin
echo 'needle one' >src/a.ts; echo two >src/deep/b.ts; printf 'a\\0needle' >src/data.bin
echo '{}' >.vscode/settings.json; echo '{"a":1}' >packages/a/.vscode/settings.json; echo 'npm test' >.husky/pre-commit; chmod 755 .husky/pre-commit
echo 'registry=needle' >.npmrc; printf '.idea\\n.envrc\\n.claude/settings.local.json\\nbuild/\\nnode_modules\\n' >.gitignore
echo 'SECRET=needle' >.env.example; ln -s a.ts src/link; ln -s ../docs src/folder; ln -s /nonexistent dangling
printf '#!/bin/sh\\necho run\\n' >bin/run; chmod 755 bin/run
git submodule -q add ../library vendor/library
git add .; git commit -qm one; git tag v1
echo '<x/>' >.idea/workspace.xml; echo 'export A=needle' >.envrc; echo '{}' >.claude/settings.local.json
echo 'SECRET=needle' >.env; chmod 600 .env
mkdir -p build node_modules/m/.vscode; echo out >build/o; echo needle >node_modules/m/.npmrc
git init -q -b main nested; echo n >nested/n; git -C nested add n; git -C nested commit -qm nested; echo more >nested/untracked
echo changed >>src/a.ts; echo new >src/new.ts; git mv src/deep/b.ts src/deep/c.ts; rm docs/empty -r; echo 'spaced' >'a name'
`;

/** One after the other, on the tree that the one before left. */
const commands: readonly string[] = [
  'git status',
  'git status --porcelain=v2 --branch --ignored --untracked-files=all',
  // how many names a file has is left out: copies of objects have fewer
  'find . -printf "%M %u %g %TY-%Tm-%Td %P\\n" | sort',
  'find . -printf "%y %m %l %P\\n" | sort',
  'find . -xdev -name "*.ts" | sort',
  'grep -r needle . | sort',
  'grep -rIl needle --exclude-dir=.git | sort',
  'cp -r . "$TMPDIR/copy" && cd "$TMPDIR/copy" && find . -type f -printf "%m %s %P\\n" | sort && git status --porcelain && cd / && rm -rf "$TMPDIR/copy"',
  'cp -a . "$TMPDIR/copy" && diff -r --no-dereference . "$TMPDIR/copy" && rm -rf "$TMPDIR/copy"',
  'cp -r src bin copied && ls -A copied',
  'mkdir copied && cp -r src bin nested copied && git -C copied/nested status --porcelain && rm -rf copied/src',
  'tar cf - --exclude=./.git . | tar tf - | sort',
  'du -a --apparent-size -b src packages | sort -k2',
  'git add -An | sort',
  'git add -A; git status --porcelain',
  'git diff --cached --stat',
  'git reset -q; git status --porcelain',
  'git stash -u; git stash list; git status --porcelain',
  'git stash show --include-untracked --stat | cat',
  'git stash pop',
  'git stash -u -- src; git stash apply -q; git stash drop',
  'git stash push --keep-index -q; git stash pop -q; git status --porcelain',
  'git clean -nd',
  'git ls-files -o --exclude-standard; git ls-files -s | sort',
  'git add src; git commit -qam two; git log --format="%h %s %d"; git status --short',
  'git submodule status; git -C vendor/library status; git -C nested status',
  'git -C nested add -A && git -C nested commit -qm more && git -C nested log --oneline',
  'git checkout -q -b side && git mv src/new.ts src/moved.ts && git commit -qm moved && git checkout -q main && git merge -q side && git log --oneline',
  'git rebase -q v1 && git log --oneline && git branch -D side',
  'git grep -n needle; git diff v1 --stat',
  'git worktree list | wc -l; git fsck --strict --no-dangling',
  'git add -A && git commit -qm all && git status --porcelain',
];

/** What git shows of a repository is the same; how its objects are packed and dated need not be. */
const isInGit = (name: string): boolean => name.split('/').includes('.git');
const describeGit =
  'for own in . nested vendor/library copied/nested; do if [ -e $own/.git ]; then git -C $own for-each-ref; git -C $own stash list; git -C $own status --porcelain=v2 --branch; git -C $own ls-files -s; git -C $own reflog --format="%h %gs"; fi; done';

for (const account of listTestAccounts()) {
  describe(`the same as outside, as ${account.name}`, { timeout: 240_000 }, () => {
    let place: Place;
    let session: SandboxSession;
    let twin: string;

    /** In two folders, both of one depth and each with a TMPDIR beside. */
    const outside = (command: string) => runOutside(place, command, twin, { ...env, TMPDIR: `${place.folder}/tmp` });
    const both = async (command: string): Promise<void> => {
      // as the analysis of the command finds them
      const folders = ['', 'nested', 'vendor/library'].map((name) => path.join(place.workspace, name));
      const own = await run(session, command, { env: { ...env, TMPDIR: '/tmp' }, folders });
      const other = outside(command);
      const told = own.aftermath.map(({ message }) => message);
      assert.deepEqual(
        { code: own.code, stdout: own.stdout, stderr: own.stderr, told },
        { code: other.code, stdout: other.stdout, stderr: other.stderr, told: [] },
        command,
      );
      assert.deepEqual(listTree(place.workspace, isInGit), listTree(twin, isInGit), command);
      const git = runOutside(place, describeGit, place.workspace, env);
      assert.deepEqual(git, runOutside(place, describeGit, twin, env), command);
      if (!session.isCurrent()) {
        await session.close();
        session = await openGuarded(place);
      }
    };

    before(async () => {
      place = makePlace(account);
      place.write(
        path.join(place.home, '.gitconfig'),
        '[user]\n\tname = A\n\temail = a@example.org\n[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n',
      );
      // a folder of the account, so that it can make the library beside the workspace
      place.write(path.join(place.folder, 'tmp/.keep'), '');
      const built = runOutside(place, build, place.workspace, env);
      assert.equal(built.code, 0, built.stderr);
      twin = path.join(place.folder, 'twin');
      assert.equal(runOutside(place, 'cp -a work twin', place.folder).code, 0);
      session = await openGuarded(place);
    });
    after(async () => {
      await session.close();
      place.remove();
    });

    test('the tree and its copy are equal, and a difference is seen', () => {
      assert.deepEqual(listTree(place.workspace, isInGit), listTree(twin, isInGit));
      assert.ok(listTree(twin, isInGit).some((line) => line.startsWith('.vscode/settings.json file 644 ')));
      place.write(path.join(twin, '.envrc'), 'export A=Needle\n');
      assert.notDeepEqual(listTree(place.workspace, isInGit), listTree(twin, isInGit));
      place.write(path.join(twin, '.envrc'), 'export A=needle\n');
    });

    for (const command of commands) test(command, () => both(command));

    test('a repository in which something would run is not taken as a submodule by git add, a clean one is', async () => {
      const make = (name: string): string =>
        `git init -q ${name}; echo a >${name}/a; git -C ${name} add a; git -C ${name} commit -qm a`;
      const hostile = `${make('evil')}; git -C evil config core.fsmonitor 'touch ../ran; true'`;
      assert.equal(runOutside(place, hostile, place.workspace, env).code, 0);
      await session.close();
      session = await openGuarded(place);
      const made = `${make('fresh')}; git add fresh evil`;
      const { aftermath } = await run(session, made, { env });
      assert.ok(aftermath.some(({ kind, target }) => kind === 'git' && target === 'evil'));
      assert.equal(
        aftermath.some(({ target }) => target === 'fresh'),
        false,
      );
      const { stdout } = runOutside(place, 'git ls-files -s fresh evil', place.workspace, env);
      assert.match(stdout, /^160000 \w+ 0\tfresh\n$/);
      runOutside(place, 'git status; git diff', place.workspace, env);
      assert.equal(existsSync(path.join(place.workspace, 'ran')), false);
      runOutside(place, 'git add evil && git status', place.workspace, env);
      assert.equal(existsSync(path.join(place.workspace, 'ran')), true, 'it would have run');
    });
  });
}
