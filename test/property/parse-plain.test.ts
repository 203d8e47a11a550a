/** The table of plain shell is what it says: real bash accepts every row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainShell } from '../cases/plain-shell.ts';
import { isAcceptedByBash } from './parse-bash.ts';

test('bash accepts every row of plain shell', () => {
  const refused = plainShell.filter((text) => !isAcceptedByBash(text));
  assert.deepEqual(refused, []);
});
