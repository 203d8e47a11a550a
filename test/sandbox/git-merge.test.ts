/** What git does in a staged git folder arrives in the real one, as the host's own git sees it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StagedRepository } from '../fixtures/staged-repository.ts';

/** Remarks about what arrives, or what nobody needs of it. */
const expectedNotes = /submodule|so that git does not look|`exec/;

/** Of each: what the host did before, and what the command does. */
const rows: readonly (readonly [name: string, before: string, script: string])[] = [
  ['a commit', '', 'echo two >> file; git commit -qam two'],
  ['the first commit', 'rm -rf .git; git init -q', 'git add .; git commit -qm one'],
  ['files staged only', '', 'echo two > new; git add new; echo x >> file'],
  ['a new branch with a commit', '', 'git checkout -qb topic; echo two > new; git add .; git commit -qm two'],
  ['a branch with folders in its name', '', 'git branch a/b/c; git tag -a -m tag v1'],
  ['a branch that makes room for one below it', 'git branch a', 'git branch -m a a/b'],
  ['a branch that takes the place of one below it', 'git branch a/b', 'git branch -D a/b; git branch a'],
  ['a branch removed that was packed', 'git branch gone; git branch stays; git pack-refs --all', 'git branch -D gone'],
  ['a tag removed', 'git tag -a -m t v1; git tag v2; git pack-refs --all', 'git tag -d v1'],
  [
    'a merge',
    'git checkout -qb side; echo s > s; git add .; git commit -qm s; git checkout -q main',
    'echo m > m; git add .; git commit -qm m; git merge -q --no-edit side',
  ],
  [
    'a merge with a conflict',
    'git checkout -qb side; echo s > file; git commit -qam s; git checkout -q main',
    'echo m > file; git commit -qam m; git merge -q side || true',
  ],
  [
    'a conflict resolved',
    'git checkout -qb side; echo s > file; git commit -qam s; git checkout -q main; echo m > file; git commit -qam m; git merge -q side || true',
    'echo r > file; git commit -qam r',
  ],
  [
    'a rebase',
    'git checkout -qb side; echo s > s; git add .; git commit -qm s; git checkout -q main; echo m > m; git add .; git commit -qm m',
    'git checkout -q side; git rebase -q main',
  ],
  [
    'a rebase that stops',
    'git checkout -qb side; echo s > file; git commit -qam s; git checkout -q main; echo m > file; git commit -qam m; git checkout -q side',
    'git rebase -q main || true',
  ],
  [
    'a rebase that goes on',
    'git checkout -qb side; echo s > file; git commit -qam s; git checkout -q main; echo m > file; git commit -qam m; git checkout -q side; git rebase -q main || true',
    'echo r > file; git add .; GIT_EDITOR=true git rebase --continue',
  ],
  ['a stash', '', 'echo x >> file; git stash -q; echo y >> file; git stash -q'],
  ['a stash dropped', 'echo x >> file; git stash -q; echo y >> file; git stash -q', 'git stash drop -q stash@{1}'],
  ['the last stash taken', 'echo x >> file; git stash -q', 'git stash pop -q'],
  ['a stash taken and another made', 'echo x >> file; git stash -q', 'git stash pop -q; echo z >> file; git stash -q'],
  ['a commit taken back', 'echo 2 >> file; git commit -qam two', 'git reset -q --hard HEAD~1'],
  ['an amended commit', 'echo 2 >> file; git commit -qam two', 'git commit -q --amend -m other'],
  ['a detached HEAD', 'echo 2 >> file; git commit -qam two', 'git checkout -q HEAD~1'],
  [
    'a garbage collection',
    'for i in 1 2 3 4 5; do echo $i >> file; git commit -qam $i; git branch b$i; done',
    'echo n >> file; git commit -qam n; git gc -q --prune=now',
  ],
  ['references packed', 'git branch a; git branch b/c', 'git pack-refs --all; git branch d; git branch -D a'],
  [
    'a bisect',
    'for i in 1 2 3 4 5; do echo $i >> file; git commit -qam $i; done',
    'git bisect start HEAD HEAD~5 >/dev/null',
  ],
  [
    'a bisect that ends',
    'for i in 1 2 3 4 5; do echo $i >> file; git commit -qam $i; done; git bisect start HEAD HEAD~5 >/dev/null',
    'git bisect reset',
  ],
  [
    'a cherry-pick that stops',
    'git checkout -qb side; echo s > file; git commit -qam s; git checkout -q main; echo m > file; git commit -qam m',
    'git cherry-pick side || true',
  ],
  ['notes', '', 'git notes add -m note'],
  [
    'files removed and renamed',
    'echo a > a; echo b > b; git add .; git commit -qm ab',
    'git rm -q a; git mv b c; git commit -qm moved',
  ],
  ['a file turned into a folder', '', 'git rm -q file; mkdir file; echo x > file/x; git add .; git commit -qm folder'],
  [
    'files marked and intended',
    'echo a > a; git add .; git commit -qm a',
    'git update-index --skip-worktree a; echo n > n; git add -N n',
  ],
  ['a worktree made', '', 'git worktree add -q -b topic wt; cd wt; echo w > w; git add .; git commit -qm w; cd ..'],
  [
    'a commit in a worktree',
    'git worktree add -q -b topic wt; git pack-refs --all',
    'cd wt; echo w > w; git add .; git commit -qm w; git update-ref refs/worktree/own HEAD; echo x > x; git add x; cd ..',
  ],
  ['a worktree removed', 'git worktree add -q -b topic wt; git worktree add -q -b other wt2', 'git worktree remove wt'],
  ['the only worktree removed', 'git worktree add -q -b topic wt', 'git worktree remove wt'],
  [
    'a submodule made',
    'git init -q ../lib; cd ../lib; echo l > l; git add .; git commit -qm l; git tag t; cd ../work',
    'git submodule --quiet add ../lib sub; git commit -qam sub',
  ],
  [
    'a commit in a submodule',
    'git init -q ../lib; cd ../lib; echo l > l; git add .; git commit -qm l; cd ../work; git submodule --quiet add ../lib sub/lib; git commit -qam sub',
    'cd sub/lib; git checkout -qb topic; echo n > n; git add .; git commit -qm n; cd ../..; git add sub; git commit -qm moved',
  ],
  [
    'a branch that follows a remote one',
    'git clone -q . ../other; git remote add origin ../other; git -C ../other branch topic; git fetch -q origin',
    'git checkout -q topic; echo t > t; git add .; git commit -qm t',
  ],
  [
    'a branch pushed and fetched',
    'git clone -q --bare . ../work/remote.git; echo remote.git > .git/info/exclude; git remote add origin ./remote.git',
    'git push -q -u origin main; git fetch -q; git remote set-head origin main',
  ],
  [
    'a repository of 5000 new objects',
    '',
    'for i in $(seq 2500); do echo $i > f$i; done; git add .; git commit -qm many; git repack -adq',
  ],
];

const wide = /^(?:a commit$|a branch removed|a garbage|a merge with|a worktree made|a repository of)/;
for (const init of [[], ['--object-format=sha256']])
  for (const [name, before, script] of rows) {
    if (init.length > 0 && !wide.test(name)) continue;
    test(`arrives: ${name}${init.length > 0 ? ' (sha256)' : ''}`, async (t) => {
      const repository = new StagedRepository(init);
      t.after(() => repository.remove());
      if (before !== '') repository.shell(before);
      repository.settle();
      const untouched = repository.shell(StagedRepository.describe);
      const run = repository.stage(`{ ${script}; } >/dev/null 2>&1; ${StagedRepository.describe}`);
      t.after(() => run.base.close());
      const report = await repository.merge(run);
      assert.deepEqual(report, { merged: true, notes: report.notes });
      assert.equal(repository.shell(StagedRepository.describe), run.output);
      assert.notEqual(run.output, untouched);
      assert.deepEqual(
        report.notes.filter(({ message }) => !expectedNotes.test(message)),
        [],
      );
      assert.equal(repository.check(), '');
      const again = await repository.merge(run);
      assert.equal(again.merged, true);
      assert.equal(repository.shell(StagedRepository.describe), run.output);
      assert.equal(repository.shell('find .git -name "*.lock" -o -name "sbx-*"'), '');
    });
  }
