// Evaluates TypeScript that imports from this project, for the generators: bundled in memory, nothing is written.
import path from 'node:path';
import { build } from 'esbuild';

export const root = path.dirname(import.meta.dirname);

/** The default export of `contents`, a module as if it stood in the project's folder. */
export async function evaluateSource(contents) {
  const bundle = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  const text = Buffer.from(bundle.outputFiles[0].contents).toString('base64');
  return (await import(`data:text/javascript;base64,${text}`)).default;
}
