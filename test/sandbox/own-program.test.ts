/** A checkout of sbx inside the workspace: its sources may be changed, what runs as the daemon may not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ownProgramRules } from '../../daemon/methods/own-program.ts';
import { listTestAccounts, makePlace, openPlace, run } from '../fixtures/sandbox-session.ts';

for (const account of listTestAccounts()) {
  test(`as ${account.name}: no way to change the program of sbx`, async () => {
    const place = makePlace(account);
    const root = path.join(place.workspace, 'tools/sbx');
    for (const name of [
      'dist/sbxd.js',
      'node_modules/ws/index.js',
      'policies/protected.jsonc',
      'scripts/sbx',
      'src.ts',
    ]) {
      place.write(path.join(root, name), 'mine');
    }
    const files = { rules: ownProgramRules(root), userNamespaces: false, network: undefined, key: 'own' };
    const session = await openPlace(place, { files });
    try {
      const attempts = [
        'echo x >dist/sbxd.js',
        'echo x >>policies/protected.jsonc',
        'rm -rf dist node_modules policies scripts',
        'mv dist old && mkdir dist && echo x >dist/sbxd.js',
        'mv ../sbx ../old && mkdir -p ../sbx/dist && echo x >../sbx/dist/sbxd.js',
        'mv ../../tools ../../old',
        'ln -sf /tmp/x dist/sbxd.js',
        'cp -f src.ts scripts/sbx',
        'perl -e \'rename "dist", "d" or die; mkdir "dist"\'',
        'chmod 777 scripts/sbx',
      ];
      for (const attempt of attempts) {
        const result = await run(session, `cd tools/sbx && { ${attempt}; } 2>/dev/null`);
        assert.notEqual(result.code, 0, attempt);
        assert.equal(readFileSync(path.join(root, 'dist/sbxd.js'), 'utf8'), 'mine', attempt);
      }
      const allowed = await run(session, 'cd tools/sbx && echo yours >src.ts && mkdir docs && cat dist/sbxd.js');
      assert.equal(allowed.stdout, 'mine');
      assert.equal(readFileSync(path.join(root, 'src.ts'), 'utf8'), 'yours\n');
    } finally {
      await session.close();
      place.remove();
    }
  });
}
