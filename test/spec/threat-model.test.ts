/** Every attempt that the page of threats lists is made by the test that it names. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

const root = findPackageRoot();
const page = readFileSync(path.join(root, 'THREAT-MODEL.md'), 'utf8');
const section = /^## Attempts, and the test that makes them\n([\s\S]*?)^## /m.exec(page)?.[1] ?? '';
const rows = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| attempt '));

/** Whether a test stands there whose name is written as this text, or as this variable. */
function holdsTest(source: string, name: string): boolean {
  const calls = source.matchAll(/^ *test\((?:(['"`])(.*)\1|([\w.]+)),/gm);
  for (const [, quote, literal, variable] of calls) {
    if (variable === name || (quote !== undefined && literal === name)) return true;
  }
  return false;
}

test('a name is found where a test has it, and nowhere else', () => {
  const source =
    "  test('one', () => {\n  test(`two ${x}`, async () => {\n  test(three, () => {\n  // test('four'\n'five'";
  assert.deepEqual(
    ['one', 'two ${x}', 'three', 'four', 'five', 'on'].map((name) => holdsTest(source, name)),
    [true, true, true, false, false, false],
  );
});

test('every attempt of the table names a file, and a test in it', () => {
  const wrong: string[] = [];
  for (const row of rows) {
    const match = /^\| .+ \| `([^`]+\.test\.ts)` \| `([^`]+)`(?: – `([^`]+)`)? \|$/.exec(row);
    const [, file = '', name = '', text = ''] = match ?? [];
    const place = path.join(root, 'test', file);
    if (match === null || !existsSync(place)) wrong.push(row);
    else {
      const source = readFileSync(place, 'utf8');
      if (!holdsTest(source, name) || !source.includes(text)) wrong.push(row);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(rows.length > 50, `${rows.length} rows`);
});
