/** The house rules that a reader relies on: which stage may import which, and which file alone may touch the outside. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

const root = findPackageRoot();
const stages = ['request', 'parse', 'analyse', 'decide', 'approve', 'sandbox', 'egress', 'stream', 'audit'];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const found: Import[] = [];
  const statement = /^(?:import|export)\s+(type\s+)?[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;
  for (const match of text.matchAll(statement)) {
    const specifier = match[2] ?? match[3] ?? match[4] ?? '';
    const target = specifier.startsWith('.') ? path.join(path.dirname(file), specifier) : specifier;
    // `import { type A, type B }` is erased too.
    const names = /\{([^}]*)\}/
      .exec(match[0])?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    const erased = names !== undefined && names.length > 0 && names.every((name) => name.startsWith('type '));
    found.push({ file, target, typeOnly: match[1] !== undefined || erased });
  }
  return found;
}

const daemonFiles = sourceFiles('daemon');
const daemonImports = daemonFiles.flatMap(importsOf);
const clientImports = sourceFiles('client').flatMap(importsOf);

const stageOf = (file: string): string | undefined => stages.find((stage) => file.startsWith(`daemon/${stage}/`));
const isModel = (file: string): boolean => path.basename(file) === 'model.ts';

test('the house has files to check', () => {
  assert.ok(daemonImports.length > 50, `only ${daemonImports.length} imports were found`);
  assert.deepEqual(
    stages.filter((stage) => stage !== 'audit' && !daemonFiles.some((file) => stageOf(file) === stage)),
    [],
  );
});

test('a stage imports its own folder, the platform, the protocol, and only types or the model of earlier stages', () => {
  const wrong = daemonImports.filter(({ file, target, typeOnly }) => {
    const stage = stageOf(file);
    if (stage === undefined || (!target.startsWith('daemon/') && !target.startsWith('client/'))) return false;
    if (target.startsWith(`daemon/${stage}/`) || target.startsWith('client/protocol/')) return false;
    if (target.startsWith('daemon/platform/')) return false;
    const other = stageOf(target);
    return !(other !== undefined && (typeOnly || isModel(target)));
  });
  assert.deepEqual(wrong, []);
});

test('no stage imports a function of another stage that comes later', () => {
  const wrong = daemonImports.filter(({ file, target, typeOnly }) => {
    const from = stages.indexOf(stageOf(file) ?? '');
    const to = stages.indexOf(stageOf(target) ?? '');
    return from >= 0 && to > from && !typeOnly;
  });
  assert.deepEqual(wrong, []);
});

test('parse, analyse and decide do no input or output', () => {
  const pure = daemonImports.filter(({ file }) => /^daemon\/(parse|analyse|decide)\//.test(file));
  assert.deepEqual(
    pure.filter(
      ({ target, typeOnly }) =>
        !typeOnly &&
        (target.startsWith('node:')
          ? target !== 'node:path' && target !== 'node:path/posix'
          : target.startsWith('daemon/platform/')),
    ),
    [],
  );
  for (const file of daemonFiles.filter((file) => /^daemon\/(parse|analyse|decide)\//.test(file))) {
    const text = readFileSync(path.join(root, file), 'utf8');
    assert.doesNotMatch(text, /\bprocess\.|Date\.now|new Date\(|Math\.random|performance\.now|\bfetch\(/, file);
  }
});

test('one daemon file starts programs, one reads the environment', () => {
  const starters = daemonImports.filter(({ target, typeOnly }) => !typeOnly && /child_process|node-pty/.test(target));
  assert.deepEqual([...new Set(starters.map(({ file }) => file))], ['daemon/platform/spawn.ts']);
  const readers = daemonFiles.filter((file) =>
    /process\.env\b|[^.]\benv\b.*= process;/.test(readFileSync(path.join(root, file), 'utf8')),
  );
  assert.deepEqual(readers, ['daemon/config.ts']);
});

test('the protocol imports nothing else of ours', () => {
  const wrong = clientImports.filter(
    ({ file, target }) =>
      file.startsWith('client/protocol/') &&
      /^(client|daemon)\//.test(target) &&
      !target.startsWith('client/protocol/'),
  );
  assert.deepEqual(wrong, []);
});

test('of the client only the CLI reaches into the daemon, and only through daemon/offline.ts', () => {
  const reaching = clientImports.filter(({ target, typeOnly }) => target.startsWith('daemon/') && !typeOnly);
  assert.deepEqual(
    reaching.filter(({ file, target }) => !(file.startsWith('client/cli/') && target === 'daemon/offline.ts')),
    [],
  );
});
