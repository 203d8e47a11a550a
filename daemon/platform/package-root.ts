/** Finds the installed package's own folder, for data files that ship beside the code (`policies/`, the grammar). */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** @throws {Error} when the code runs outside of its package, which a build defect alone can cause. */
export function findPackageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    try {
      const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { name?: string };
      if (manifest.name === '@sbx/sbx') return folder;
    } catch {
      // no manifest here: look further up
    }
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('the package folder of sbx was not found');
    folder = parent;
  }
}
