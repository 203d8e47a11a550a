#!/usr/bin/env node
// Bundles the CLI, the daemon and the SDK into dist/. Two runs at once are safe: everything is written aside and renamed.
// usage: scripts/build.mjs [--types]   with --types the SDK's declarations too, for a package (needs TypeScript)
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(import.meta.dirname);
const version = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version;

/** The build id names what decides: sources and policy data. Two checkouts of one commit have the same id. */
function hashSources() {
  const hash = createHash('sha256');
  for (const folder of ['client', 'daemon', 'policies']) {
    const files = readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
      .sort();
    for (const file of files)
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(path.join(root, file)))
        .update('\0');
  }
  return hash
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
    .slice(0, 12);
}

const buildId = `${version}+${hashSources()}`;
const aside = path.join(root, `.dist-${process.pid}`);
const options = {
  absWorkingDir: root,
  outdir: aside,
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  // jsonc-parser's CommonJS build cannot be bundled; its ES module can.
  mainFields: ['module', 'main'],
  legalComments: 'linked',
  define: { __SBX_BUILD__: JSON.stringify(buildId), __SBX_VERSION__: JSON.stringify(version) },
  // ws tries two optional native add-ons; without them it uses its own JavaScript.
  external: ['bufferutil', 'utf-8-validate', '@lydell/node-pty', 'web-tree-sitter'],
};

/** What the CLI loads only when it needs it: name in `lazy/` and source, filled while the CLI is bundled. */
const lazy = new Map();

/**
 * The CLI's own path is one minified CommonJS file without Node modules that a unix socket has no use for: measured, the
 * ES module loader and its many small chunks cost a fifth of `sbx run true`, TLS and zlib another 2 ms.
 */
const leanCli = {
  name: 'lean-cli',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /./ }, ({ kind, path: specifier, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const name = path.basename(specifier, '.ts');
      lazy.set(`lazy/${name}`, specifier.startsWith('.') ? path.join(resolveDir, specifier) : specifier);
      return { path: `./lazy/${name}.js`, external: true };
    });
    onResolve({ filter: /^(https|tls|zlib)$/ }, ({ path: specifier }) => ({ path: specifier, namespace: 'unused' }));
    onLoad({ filter: /./, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};
const old = path.join(root, `.dist-old-${process.pid}`);
try {
  mkdirSync(aside, { recursive: true });
  await build({
    ...options,
    entryPoints: { cli: 'client/cli/main.ts', sbx: 'client/cli/launch.ts' },
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    minify: true,
    plugins: [leanCli],
    // Else ws looks through every node_modules above for an add-on that is not there.
    define: { ...options.define, 'import.meta.url': '__fileUrl', 'process.env.WS_NO_BUFFER_UTIL': '"1"' },
    banner: { js: "const __fileUrl = require('node:url').pathToFileURL(__filename).href;" },
  });
  await build({
    ...options,
    entryPoints: {
      ...Object.fromEntries(lazy),
      sbxd: 'daemon/main.ts',
      'merge-back': 'daemon/sandbox/git/merge-process.ts',
      'settle-suspects': 'daemon/sandbox/guard/settle-process.ts',
      'settle-records': 'daemon/sandbox/guard/settle-records.ts',
    },
    format: 'esm',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    // CommonJS dependencies inside an ESM bundle call require().
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  await build({
    ...options,
    entryPoints: { 'client/index': 'client/index.ts' },
    format: 'esm',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  if (process.argv.includes('--types')) {
    const compiled = spawnSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b', 'client'], {
      cwd: root,
      stdio: 'inherit',
    });
    if (compiled.status !== 0) process.exit(1);
    const declarations = (file) => !path.extname(file) || file.endsWith('.d.ts');
    for (const folder of ['client', 'client/protocol'])
      cpSync(path.join(root, '.build', folder), path.join(aside, folder), {
        recursive: true,
        filter: (file) => declarations(file) && !file.includes('/cli'),
      });
  }
  writeFileSync(path.join(aside, 'build-id'), `${buildId}\n`);
  // client/cli/launch.ts says why.
  const cli = path.join(aside, 'cli.cjs');
  writeFileSync(cli, readFileSync(cli, 'utf8').replaceAll('import("./lazy/', '__import("./lazy/'));
  // Without it the CLI works all the same, only slower.
  const compiled = spawnSync(process.execPath, [path.join(root, 'scripts/compile-cli.mjs'), aside], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 20_000,
  });
  if (compiled.status !== 0) console.error('build: the CLI was not compiled ahead');
  const dist = path.join(root, 'dist');
  try {
    renameSync(dist, old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  renameSync(aside, dist);
} finally {
  rmSync(aside, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}
