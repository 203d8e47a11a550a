/** Submodules are found in an index that git itself wrote, in every version and with both kinds of object names. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findGitlinks } from '../../../../daemon/sandbox/guard/gitlinks.ts';

const links = ['a', 'lib/one', 'lib/two words', 'vendor/deep/down/x'];
const files = ['.gitmodules', 'README', 'lib/file', 'lib/one.c', 'vendor/deep/y', 'z'];

for (const format of ['sha1', 'sha256'] as const) {
  for (const version of [2, 3, 4]) {
    test(`version ${version} with ${format}`, () => {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-index-'));
      const git = (words: readonly string[], input = ''): string =>
        execFileSync('git', words, {
          encoding: 'utf8',
          cwd: folder,
          input,
          env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
        });
      git(['init', '-q', `--object-format=${format}`]);
      const blob = git(['hash-object', '-w', '--stdin'], 'x').trim();
      const lines = [
        ...links.map((name) => `160000 ${blob}\t${name}`),
        ...files.map((name) => `100644 ${blob}\t${name}`),
      ];
      git(['update-index', '--index-info'], `${lines.join('\n')}\n`);
      // an entry with more flags, which makes version 2 a version 3
      if (version === 3) git(['update-index', '--skip-worktree', 'README']);
      else git(['update-index', '--index-version', String(version)]);
      const index = readFileSync(path.join(folder, '.git/index'));
      assert.equal(index.readUInt32BE(4), version);
      assert.deepEqual(findGitlinks(index, format === 'sha1' ? 20 : 32), links);
      assert.equal(findGitlinks(index.subarray(0, 200), format === 'sha1' ? 20 : 32), undefined);
      rmSync(folder, { recursive: true });
    });
  }
}

test('what is no index', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('DIRC'), Buffer.from('x'.repeat(100))]) {
    assert.equal(findGitlinks(bytes, 20), undefined);
  }
});
