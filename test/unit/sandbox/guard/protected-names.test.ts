/** The guard reads the list of protected names as the rules do: its own examples say so. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { protectedFileSchema } from '../../../../daemon/analyse/catalogue.ts';
import { readData } from '../../../../daemon/platform/catalogue-files.ts';
import { findPackageRoot } from '../../../../daemon/platform/package-root.ts';
import { compileNames } from '../../../../daemon/sandbox/guard/protected-names.ts';

const { paths, examples } = readData(path.join(findPackageRoot(), 'policies/protected.jsonc'), protectedFileSchema);
const names = compileNames(paths);

for (const [place, expected] of Object.entries(examples)) {
  test(`${place} is ${expected ? '' : 'not '}protected`, () => {
    const segments = place.split('/').slice(1);
    const found = segments.map((_, index) => names.find(segments.slice(0, index + 1)));
    assert.equal(
      found.some((entry) => entry !== undefined),
      expected,
    );
  });
}

test('what has to be there for a name to mean anything', () => {
  assert.equal(names.find(['a', '.npmrc'])?.kind, 'file');
  assert.equal(names.find(['a', '.VSCode'])?.kind, 'directory');
  assert.equal(names.find(['.claude', 'settings.json'])?.kind, 'any');
  assert.equal(names.find(['.claude']), undefined);
});
