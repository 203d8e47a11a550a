/** The table of error codes and the table in the wire documentation are the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { errorCodes } from '../../client/protocol/errors.ts';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

test('every error code is documented as it is, and no other', () => {
  const page = readFileSync(path.join(findPackageRoot(), 'client/protocol/REFERENCE.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (input|environment|internal) +\| (.+?) +\|$/gm)];
  assert.deepEqual(
    rows.map(([, code, kind, meaning]) => [code, kind, meaning]),
    Object.entries(errorCodes).map(([code, [kind, meaning]]) => [code, kind, meaning]),
  );
});
