/** Every example of the SDK's README is a program: it is checked by the compiler, runs, and prints what stands below it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { build } from 'esbuild';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';
import { PrivateSbx } from '../fixtures/private-sbx.ts';

const root = findPackageRoot();

interface Example {
  readonly heading: string;
  readonly code: string;
  /** Undefined: it is not run. */
  readonly prints: string | undefined;
}

function readExamples(markdown: string): Example[] {
  const examples: Example[] = [];
  let heading = '';
  const part = /^#+ (.+)$|^```ts( no-run)?\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm;
  for (const [, title, noRun, code, prints] of markdown.matchAll(part)) {
    if (title !== undefined) heading = title;
    else if (code !== undefined) {
      assert.equal(
        prints === undefined,
        noRun !== undefined,
        `what the example of "${heading}" prints stands below it`,
      );
      examples.push({ heading, code, prints });
    }
  }
  return examples;
}

const examples = readExamples(readFileSync(path.join(root, 'client/README.md'), 'utf8'));

let sbx: PrivateSbx;
let folder: string;
before(async () => {
  sbx = new PrivateSbx();
  folder = path.join(sbx.base, 'examples');
  mkdirSync(folder);
  mkdirSync(path.join(sbx.home, '.config/sbx'), { recursive: true });
  writeFileSync(
    path.join(sbx.home, '.config/sbx/policy.json'),
    JSON.stringify({ sandbox: { allowUnsandboxed: true } }),
  );
  assert.equal((await sbx.run('true')).status, 0);
  for (const [index, { code }] of examples.entries()) writeFileSync(path.join(folder, `${index}.mts`), code);
});
after(() => sbx.close());

test('there are examples', () => assert.ok(examples.length >= 9, `${examples.length} were found`));

test('the compiler accepts them', () => {
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const config = path.join(folder, 'tsconfig.json');
  const compilerOptions = {
    ...{ composite: false, incremental: false, declaration: false, emitDeclarationOnly: false, noEmit: true },
    ...{
      lib: ['es2023', 'es2024.string', 'esnext.disposable'],
      rootDir: '/',
      typeRoots: [`${root}/node_modules/@types`],
    },
    paths: { '@sbx/sbx': [path.join(root, 'client/index.ts')] },
  };
  writeFileSync(
    config,
    JSON.stringify({ extends: path.join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.mts'] }),
  );
  const result = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', config], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stdout + result.stderr);
});

async function runExample(index: number): Promise<string> {
  const outfile = path.join(folder, `${index}.mjs`);
  await build({
    entryPoints: [path.join(folder, `${index}.mts`)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    alias: { '@sbx/sbx': path.join(root, 'client/index.ts') },
    external: ['bufferutil', 'utf-8-validate'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });
  const cwd = path.join(sbx.home, `project-${index}`);
  mkdirSync(cwd);
  const child = spawn(process.execPath, [outfile], { cwd, env: sbx.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  const complained: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => said.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => complained.push(bytes));
  const status = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(Buffer.concat(complained).toString('utf8'), '');
  assert.equal(status, 0);
  return Buffer.concat(said).toString('utf8');
}

for (const [index, { heading, prints }] of examples.entries()) {
  if (prints === undefined) continue;
  test(`${heading}: prints what it says`, { timeout: 60_000 }, async () => {
    assert.equal(await runExample(index), prints);
  });
}
