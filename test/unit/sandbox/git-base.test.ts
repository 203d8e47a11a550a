/** The descriptors of a repository's files keep what was there at a run's start. */
import assert from 'node:assert/strict';
import { fstatSync, mkdirSync, mkdtempSync, readSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openGitBase } from '../../../daemon/sandbox/git/git-base.ts';

function read(descriptor: number | 'absent' | undefined): string | undefined {
  if (typeof descriptor !== 'number') return descriptor;
  const bytes = Buffer.alloc(fstatSync(descriptor).size);
  readSync(descriptor, bytes, 0, bytes.length, 0);
  return bytes.toString();
}

test('a file that git replaces keeps its old content, links and absent names are told apart', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-base-'));
  const at = (name: string): string => path.join(folder, name);
  mkdirSync(at('worktrees/side'), { recursive: true });
  writeFileSync(at('HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(at('worktrees/side/HEAD'), 'ref: refs/heads/side\n');
  symlinkSync('/etc/passwd', at('index'));
  const base = openGitBase(folder);
  writeFileSync(at('HEAD.lock'), 'ref: refs/heads/other\n');
  renameSync(at('HEAD.lock'), at('HEAD'));
  assert.equal(read(base.files.get('HEAD')), 'ref: refs/heads/main\n');
  assert.equal(read(base.files.get('worktrees/side/HEAD')), 'ref: refs/heads/side\n');
  assert.equal(base.files.get('packed-refs'), 'absent');
  assert.equal(base.files.get('worktrees/side/index'), 'absent');
  assert.equal(base.files.has('index'), false);
  base.close();
  assert.equal(base.files.size, 0);
  rmSync(folder, { recursive: true });
});
