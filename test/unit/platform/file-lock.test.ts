/** A lock holds against other processes, goes with its holder's work, and one that a crash left behind gives way. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { whileLocked } from '../../../daemon/platform/file-lock.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-lock-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const file = path.join(folder, 'new/store.json');
const lock = path.join(folder, 'new/.store.json.lock');

test('is there while the work is done, and gone after it, also when it fails', () => {
  assert.equal(
    whileLocked(file, () => existsSync(lock)),
    true,
  );
  assert.equal(existsSync(lock), false);
  assert.throws(
    () =>
      whileLocked(file, () => {
        throw new Error('work');
      }),
    /work/,
  );
  assert.equal(existsSync(lock), false);
});

test('that a crash left behind gives way', () => {
  writeFileSync(lock, '');
  const old = Date.now() / 1000 - 60;
  utimesSync(lock, old, old);
  assert.equal(
    whileLocked(file, () => 'done'),
    'done',
  );
  assert.equal(existsSync(lock), false);
});
