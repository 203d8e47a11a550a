/** Every statement that code, data or tests cite as `RULES X` is on the page of rules. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

const root = findPackageRoot();
const page = readFileSync(path.join(root, 'daemon/decide/RULES.md'), 'utf8');
const defined = new Set(
  [...page.matchAll(/^\| ([A-Z]\d+)\s+\|/gm), ...page.matchAll(/^#+ (§\d+) /gm)].map((match) => match[1]),
);

test('every cited statement is on the page', () => {
  const missing: string[] = [];
  let cited = 0;
  for (const folder of ['client', 'daemon', 'policies']) {
    for (const entry of readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|jsonc)$/.test(entry.name)) continue;
      const file = path.join(entry.parentPath, entry.name);
      for (const [, list = ''] of readFileSync(file, 'utf8').matchAll(
        /RULES ((?:part 0|[A-Z]\d+|§\d+|[,–\- ]|and)+)/g,
      )) {
        for (const [id] of list.matchAll(/[A-Z]\d+|§\d+/g)) {
          cited++;
          if (!defined.has(id)) missing.push(`${path.relative(root, file)}: ${id}`);
        }
      }
    }
  }
  assert.ok(cited > 50, `${cited} citations`);
  assert.deepEqual(missing, []);
});
