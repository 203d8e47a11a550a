/** What the host does while a command runs is never lost, nor what the command did; and what does not clash is no conflict. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { MergeReport } from '../../daemon/sandbox/git/merge-back.ts';
import { StagedRepository, type StagedRun } from '../fixtures/staged-repository.ts';

interface Outcome {
  readonly repository: StagedRepository;
  readonly run: StagedRun;
  readonly report: MergeReport;
  readonly messages: string;
}

interface Scene {
  readonly before?: string;
  readonly command: string;
  readonly meanwhile: string;
  /** The daemon died in between. */
  readonly crashed?: boolean;
}

async function play(t: TestContext, { before, command, meanwhile, crashed = false }: Scene): Promise<Outcome> {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  if (before !== undefined) repository.shell(before);
  repository.settle();
  const run = repository.stage(`{ ${command}; } >/dev/null 2>&1; git rev-parse HEAD`);
  t.after(() => run.base.close());
  if (meanwhile !== '') repository.shell(meanwhile);
  const report = await repository.merge(crashed ? { ...run, base: undefined } : run);
  assert.equal(repository.check(), '');
  return { repository, run, report, messages: report.notes.map(({ message }) => message).join('\n') };
}

const edit = 'echo command >> file; git commit -qam command';

for (const crashed of [false, true]) {
  const when = crashed ? ' (after a crash)' : '';

  test(`the host commits to the same branch${when}`, async (t) => {
    const { repository, run, report, messages } = await play(t, {
      command: edit,
      meanwhile: 'echo host > other; git add other; git commit -qm host',
      crashed,
    });
    assert.equal(report.merged, false);
    assert.equal(repository.host('log', '-1', '--format=%s'), 'host');
    assert.match(messages, new RegExp(`${run.output}.* because the host moved refs/heads/main`));
    assert.ok(existsSync(path.join(run.upper, 'refs/heads/main')));
    // the next commit of the host does not undo the command's, and the proposed command takes it
    assert.equal(repository.host('diff', '--cached', '--name-only'), '');
    const take = report.notes.find(({ howToAllow }) => howToAllow?.includes('branch'))?.howToAllow ?? '';
    repository.shell(take);
    assert.equal(repository.shell(`git log -1 --format=%s from-sandbox-${run.output.slice(0, 8)}`), 'command');
  });

  test(`the host moves another branch${when}`, async (t) => {
    const { repository, report } = await play(t, {
      before: 'git branch side; git branch gone; git tag v1; git pack-refs --all',
      command: edit,
      meanwhile:
        'git update-ref refs/heads/side $(git commit-tree -m side HEAD^{tree}); git branch -D gone; git branch new',
      crashed,
    });
    assert.deepEqual(report, { merged: true, notes: [] });
    assert.equal(repository.host('log', '-1', '--format=%s', 'main'), 'command');
    assert.equal(repository.host('log', '-1', '--format=%s', 'side'), 'side');
    assert.equal(repository.host('for-each-ref', '--format=%(refname:short)'), 'main\nnew\nside\nv1');
    assert.equal(repository.host('status', '--porcelain'), '');
  });

  test(`the host packs what the command moved${when}`, async (t) => {
    const { repository, report } = await play(t, { command: edit, meanwhile: 'git gc -q', crashed });
    assert.deepEqual(report, { merged: true, notes: [] });
    assert.equal(repository.host('log', '-1', '--format=%s'), 'command');
    assert.equal(repository.host('status', '--porcelain'), '');
  });
}

for (const crashed of [false, true]) {
  test(`both change the configuration${crashed ? ' (after a crash)' : ''}`, async (t) => {
    const { repository } = await play(t, {
      before:
        'git clone -q . ../other; git remote add origin ../other; git branch a; git branch b; git branch c; git config branch.c.remote origin',
      command: 'git config branch.a.remote origin; git config branch.c.remote .; git config user.email evil',
      meanwhile: 'git config branch.b.remote origin; git config branch.c.remote origin; git config core.editor mine',
      crashed,
    });
    const value = (key: string): string => repository.shell(`git config ${key} || true`);
    assert.deepEqual(['branch.a.remote', 'branch.b.remote', 'core.editor', 'user.email'].map(value), [
      'origin',
      'origin',
      'mine',
      'ann@example.org',
    ]);
    assert.equal(value('branch.c.remote'), crashed ? 'origin' : '.');
  });
}

test('the host stages another file', async (t) => {
  const { repository, report } = await play(t, {
    command: 'echo c > command; git add command',
    meanwhile: 'echo h > host; git add host',
  });
  assert.deepEqual(report, { merged: true, notes: [] });
  assert.equal(repository.host('diff', '--cached', '--name-only'), 'command\nhost');
});

test('the host stages another file while the command commits', async (t) => {
  const { repository, report } = await play(t, { command: edit, meanwhile: 'echo h > host; git add host' });
  assert.deepEqual(report, { merged: true, notes: [] });
  assert.equal(repository.host('log', '-1', '--format=%s'), 'command');
  assert.equal(repository.host('status', '--porcelain'), 'A  host');
});

test('the host stages the same file differently', async (t) => {
  const { repository, report, messages } = await play(t, {
    command: edit,
    meanwhile: 'echo host > file; git add file; echo command > file',
  });
  assert.equal(report.merged, false);
  assert.match(messages, /because the host changed `file` in the index too/);
  assert.equal(repository.host('log', '-1', '--format=%s'), 'one');
  assert.equal(repository.host('show', ':file'), 'host');
  assert.equal(repository.host('status', '--porcelain'), 'MM file');
});

test('a file of the one is a folder of the other', async (t) => {
  const { repository, report } = await play(t, {
    command: 'echo c > a; git add a; rm a',
    meanwhile: 'mkdir a; echo h > a/b; git add a',
  });
  assert.equal(report.merged, false);
  assert.equal(repository.host('diff', '--cached', '--name-only'), 'a/b');
});

test('the host only looks, which writes the index anew', async (t) => {
  const { repository, report } = await play(t, {
    command: 'echo c > c; git add c; git commit -qm command',
    meanwhile: 'touch file; git status >/dev/null; git update-index --refresh',
  });
  assert.deepEqual(report, { merged: true, notes: [] });
  assert.equal(repository.host('status', '--porcelain'), '');
});

test('the host checks out another branch', async (t) => {
  const { repository, report } = await play(t, {
    before: 'git branch side',
    command: 'git commit -q --allow-empty -m command',
    meanwhile: 'git checkout -q side',
  });
  assert.deepEqual(report, { merged: true, notes: [] });
  assert.equal(repository.host('symbolic-ref', 'HEAD'), 'refs/heads/side');
  assert.equal(repository.host('log', '-1', '--format=%s', 'main'), 'command');
});

test('both check out another branch', async (t) => {
  const { repository, report, messages } = await play(t, {
    before: 'git branch side',
    command: 'git checkout -qb topic; git commit -q --allow-empty -m command',
    meanwhile: 'git checkout -q side',
  });
  assert.equal(report.merged, false);
  assert.match(messages, /because the host checked out something else/);
  assert.equal(repository.host('symbolic-ref', 'HEAD'), 'refs/heads/side');
  assert.equal(repository.host('log', '-1', '--format=%s', 'topic'), 'command');
});

test('both make the same branch', async (t) => {
  const { repository, run, report } = await play(t, {
    command:
      'git checkout -q --detach; git commit -q --allow-empty -m command; git branch topic; git checkout -q main; git rev-parse topic > .git/ORIG_HEAD',
    meanwhile: 'git branch topic',
  });
  assert.equal(report.merged, false);
  assert.equal(repository.host('rev-parse', 'topic'), repository.host('rev-parse', 'main'));
  assert.equal(run.output, repository.host('rev-parse', 'main'));
});

test('a branch of the one is a folder of branches of the other', async (t) => {
  for (const pack of ['', '; git pack-refs --all']) {
    const { repository, report } = await play(t, {
      command: 'git branch a; git branch b',
      meanwhile: `git branch a/b${pack}`,
    });
    assert.equal(report.merged, false);
    assert.equal(repository.host('for-each-ref', '--format=%(refname:short)'), 'a/b\nb\nmain');
  }
});

test('the host moves the branch that the command removes, and removes the one that it moves', async (t) => {
  const { repository, report, messages } = await play(t, {
    before: 'git branch a; git branch b; git pack-refs --all',
    command: 'git branch -D a; git branch -f b $(git commit-tree -m command HEAD^{tree})',
    meanwhile: 'git branch -f a $(git commit-tree -m host HEAD^{tree}); git branch -D b',
  });
  assert.equal(report.merged, false);
  assert.match(messages, /the command removed it; it stays, because the host changed it/);
  assert.equal(repository.host('for-each-ref', '--format=%(refname:short) %(subject)'), 'a host\nmain one');
});

test('both stash', async (t) => {
  const { repository, report } = await play(t, {
    before: 'echo x >> file; git stash -q',
    command: 'echo y >> file; git stash -q',
    meanwhile: 'echo z >> file; git stash -q',
  });
  assert.equal(report.merged, false);
  assert.equal(repository.host('stash', 'list').split('\n').length, 2);
  repository.shell(report.notes.find(({ howToAllow }) => howToAllow?.includes('stash'))?.howToAllow ?? 'false');
  assert.equal(repository.host('stash', 'list').split('\n').length, 3);
});

test('a lock of another git is waited for, and is never removed', async (t) => {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  repository.shell('git branch spare; git pack-refs --all');
  const locks = ['index.lock', 'refs/heads/main.lock', 'packed-refs.lock', 'HEAD.lock', 'config.lock'];
  for (const [index, lock] of locks.entries()) {
    repository.settle();
    const run = repository.stage(
      `echo ${lock} >> file; git commit -qam ${lock}; git branch -q -D spare; git checkout -qb next; git config branch.main.rebase ${index % 2 === 0}`,
    );
    t.after(() => run.base.close());
    const file = path.join(repository.gitFolder, lock);
    writeFileSync(file, 'host');
    const report = await repository.merge(run);
    assert.equal(report.merged, false, lock);
    assert.equal(repository.shell(`cat .git/${lock}`), 'host', lock);
    repository.shell(`rm .git/${lock}`);
    assert.equal((await repository.merge(run)).merged, true, lock);
    assert.equal(repository.host('log', '-1', '--format=%s'), lock);
    assert.equal(repository.host('symbolic-ref', '--short', 'HEAD'), 'next');
    repository.shell(
      'git checkout -q main; git merge -q next; git branch -D next; git branch spare; git pack-refs --all',
    );
    assert.equal(repository.check(), '');
  }
});

test('two runs that commit at the same time', async (t) => {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  repository.settle();
  const first = repository.stage('echo 1 > first; git add .; git commit -qm first');
  repository.shell('rm first');
  const second = repository.stage('echo 2 > second; git add .; git commit -qm second; git branch side');
  t.after(() => [first, second].map(({ base }) => base.close()));
  assert.equal((await repository.merge(first)).merged, true);
  const report = await repository.merge(second);
  assert.equal(report.merged, false);
  assert.equal(repository.host('log', '-1', '--format=%s', 'main'), 'first');
  assert.equal(repository.host('log', '-1', '--format=%s', 'side'), 'second');
  assert.equal(repository.check(), '');
});
