#!/usr/bin/env node
// Bundles test files with esbuild (one shared pass, so it takes about a second) and runs them under node:test.
// usage: scripts/run-tests.mjs [--build-only] [FOLDER_OR_FILE …]   default: every test
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(import.meta.dirname);
const args = process.argv.slice(2);
const buildOnly = args[0] === '--build-only';
const wanted = buildOnly ? args.slice(1) : args;
const suites = ['unit', 'property', 'cli', 'sandbox', 'egress', 'spec', 'confirm'];

function findTests(place) {
  if (place.endsWith('.test.ts')) return [place];
  return readdirSync(path.join(root, place), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

const places = wanted.length > 0 ? wanted : suites.map((suite) => `test/${suite}`);
const files = places
  .map((place) => path.relative(root, path.resolve(place)))
  .filter((place) => statSync(path.join(root, place), { throwIfNoEntry: false }))
  .flatMap(findTests)
  .sort();
if (files.length === 0) {
  console.error(`run-tests: no *.test.ts under ${places.join(', ')}`);
  process.exit(1);
}
const outdir = path.join(root, '.build', 'tests', wanted.length > 0 ? String(process.pid) : 'all');
rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: files,
  outbase: root,
  outdir,
  bundle: true,
  splitting: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
});
if (buildOnly) process.exit(0);
const run = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', ...files.map((file) => path.join(outdir, file.replace(/\.ts$/, '.js')))],
  { stdio: 'inherit', cwd: root },
);
if (wanted.length > 0) rmSync(outdir, { recursive: true, force: true });
process.exit(run.status ?? 1);
