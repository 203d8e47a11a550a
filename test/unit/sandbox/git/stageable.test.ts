/** Which git folders are staged: real ones of every usual kind, and none whose shape the merge back does not know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainUnstageable } from '../../../../daemon/sandbox/git/stageable.ts';
import { StagedRepository } from '../../../fixtures/staged-repository.ts';

const rows: readonly (readonly [name: string, script: string, because: RegExp | undefined])[] = [
  ['an ordinary one', '', undefined],
  ['packed, with a worktree', 'git worktree add -q wt; git gc -q', undefined],
  [
    'a sparse checkout with its own settings',
    'mkdir d e; echo > d/x; echo > e/x; git add .; git commit -qm d; git sparse-checkout set --cone --sparse-index e',
    undefined,
  ],
  [
    'an untracked cache and a version 4 index',
    'git config index.version 4; git update-index --untracked-cache --force-write-index',
    undefined,
  ],
  ['a split index', 'git update-index --split-index', /its index cannot be merged: it is split over two files/],
  [
    'reference tables',
    'git config core.repositoryformatversion 1; git config extensions.refStorage reftable',
    /its references are kept as `reftable`/,
  ],
  [
    'an extension of the future',
    'git config core.repositoryformatversion 1; git config extensions.future x',
    /its `extensions\.future` is not known/,
  ],
  ['a format of the future', 'git config core.repositoryformatversion 2', /its format version 2 is not known/],
  ['HEAD as a link', 'ln -sf refs/heads/main .git/HEAD', /HEAD is a link/],
  ['objects elsewhere', 'mv .git/objects ../o; ln -s ../../o .git/objects', /objects is a link/],
  ['a broken configuration', 'echo "[x" >> .git/config', /config cannot be read/],
  ['a named pipe as index', 'rm .git/index; mkfifo .git/index', /index is not a regular file/],
];

for (const [name, script, because] of rows) {
  test(`staged or not: ${name}`, (t) => {
    const repository = new StagedRepository();
    t.after(() => repository.remove());
    repository.shell(script);
    const found = explainUnstageable(repository.gitFolder);
    if (because === undefined) assert.equal(found, undefined);
    else assert.match(found?.because ?? '', because);
  });
}
