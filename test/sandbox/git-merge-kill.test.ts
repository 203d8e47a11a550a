/** A merge that is killed before any of its steps loses nothing, and the next one finishes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { keepBase } from '../../daemon/sandbox/git/base-contents.ts';
import { openGitBase } from '../../daemon/sandbox/git/git-base.ts';
import { type MergeBackInput, mergeBack } from '../../daemon/sandbox/git/merge-back.ts';
import { StagedRepository } from '../fixtures/staged-repository.ts';

const order = process.env['SBX_MERGE'];
if (order !== undefined) await mergeAndDie(JSON.parse(order) as MergeBackInput & { readonly steps: number });
else test('a merge killed before each of its steps', { timeout: 280_000 }, killEverywhere);

async function mergeAndDie({ steps, ...input }: MergeBackInput & { readonly steps: number }): Promise<void> {
  let left = steps;
  const report = await mergeBack({ ...input, base: undefined }, () => {
    if (left-- === 0) process.kill(process.pid, 'SIGKILL');
  });
  process.stdout.write(JSON.stringify(report));
}

/** A lock takes four steps, so every kind of step is met; all of them, which takes minutes, with SBX_TEST_ALL. */
const stride = process.env['SBX_TEST_ALL'] === undefined ? 3 : 1;

const before = `echo a > a; git add .; git commit -qm a; git branch gone; git branch old/x; echo x >> file; git stash -q
  git remote add origin ../other; git worktree add -q -b topic wt; git pack-refs --all`;
const command = `echo c >> file; git commit -qam c; git branch -D gone; git branch -D old/x; git branch old
  git stash drop -q; git checkout -qb next; echo n > n; git add n; git commit -qm n; git tag -a -m t v1
  git config branch.next.remote origin; git config branch.next.merge refs/heads/main
  cd wt; echo w > w; git add .; git commit -qm w; cd ..; git worktree add -q -b third wt2; echo s > s; git add s`;

async function killEverywhere(t: import('node:test').TestContext): Promise<void> {
  const repository = new StagedRepository();
  t.after(() => repository.remove());
  repository.shell(before);
  repository.settle();
  const run = repository.stage(`{ ${command}; } >/dev/null 2>&1; ${StagedRepository.describe}`);
  run.base.close();
  const original = `${repository.folder}-original`;
  // the kernel lets nobody into the folder that it works in
  repository.shell(
    `cd /; rm -rf ${original}; chmod -R u+rwX ${repository.folder}/staged; cp -a ${repository.folder} ${original}`,
  );
  t.after(() => spawnSync('rm', ['-rf', original]));
  const input = { gitFolder: repository.gitFolder, upper: run.upper, workspace: repository.work };
  const merge = (steps: number, startedAtMs: number): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [process.argv[1] ?? ''], {
      env: { PATH: process.env['PATH'], SBX_MERGE: JSON.stringify({ ...input, startedAtMs, steps }) },
      encoding: 'utf8',
    });
  let steps = 0;
  for (let finished = false; !finished; steps += stride) {
    repository.shell(`cd /; rm -rf ${repository.folder}; cp -a ${original} ${repository.folder}`);
    repository.settle();
    const startedAtMs = Math.ceil(statSync(path.join(repository.folder, 'probe')).ctimeMs);
    repository.settle();
    const base = openGitBase(repository.gitFolder);
    keepBase(base, path.dirname(run.upper));
    base.close();
    const first = merge(steps, startedAtMs);
    finished = first.status === 0;
    if (!finished) assert.equal(first.signal, 'SIGKILL', `step ${steps}: ${first.stderr}`);
    // nothing that was there is gone or damaged
    assert.equal(repository.host('fsck', '--strict', '--no-dangling', '--no-progress'), '', `step ${steps}`);
    const second = await mergeBack({ ...input, startedAtMs, base: undefined });
    assert.deepEqual(second, { merged: true, notes: [] }, `step ${steps}`);
    assert.equal(
      repository.shell(`find .git -name "*.lock" -o -name "sbx-*"; ${StagedRepository.describe}`),
      run.output,
    );
  }
  assert.ok(steps > 60, `only ${steps} steps`);
  t.diagnostic(`${steps} steps`);
}
