/** Submodules and repositories below the workspace: what leads to their git folders cannot be changed, work in them arrives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { mustRunOutside } from '../fixtures/host-command.ts';
import { listTestAccounts, makePlace, openGuarded, run } from '../fixtures/sandbox-session.ts';

const author = {
  ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' },
};

for (const account of listTestAccounts()) {
  test(`a submodule in a folder of tools, as ${account.name}`, { timeout: 120_000 }, async () => {
    const place = makePlace(account);
    const asOwner = (command: string): string =>
      mustRunOutside(place, ['bash', '-ec', command], place.workspace, author);
    asOwner(
      'git init -q ../lib; git -C ../lib commit -q --allow-empty -m one; git init -q; git -c protocol.file.allow=always submodule --quiet add ../lib vendor/lib; git commit -qm top; git config user.name a; git config user.email a@b; git -C vendor/lib config user.name a; git -C vendor/lib config user.email a@b',
    );
    const session = await openGuarded(place);
    const before = readFileSync(path.join(place.workspace, 'vendor/lib/.git'), 'utf8');
    for (const attempt of [
      'echo "gitdir: /tmp/x" >vendor/lib/.git',
      'rm -f vendor/lib/.git',
      'mv vendor/lib/.git vendor/lib/x',
      'mv vendor/lib vendor/other',
      'mv vendor other',
    ]) {
      assert.notEqual((await run(session, `( ${attempt} )`)).code, 0, attempt);
    }
    assert.equal(readFileSync(path.join(place.workspace, 'vendor/lib/.git'), 'utf8'), before);
    const work = await run(
      session,
      'cd vendor/lib && echo a >f && git add f && git commit -qm two && git status --porcelain',
      {
        git: 'staged',
      },
    );
    assert.deepEqual([work.code, work.stderr, work.stdout], [0, '', '']);
    assert.match(asOwner('git -C vendor/lib log --oneline'), /two/);
    assert.match(asOwner('git status --porcelain'), /vendor\/lib/);
    await session.close();
    place.remove();
  });
}
