/** The lists in `policies/` other than programs: each states examples both ways, and they hold. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  credentialsFileSchema,
  criticalFileSchema,
  protectedFileSchema,
  variablesFileSchema,
} from '../../../daemon/analyse/catalogue.ts';
import { findCredential } from '../../../daemon/analyse/credential-places.ts';
import { findCritical } from '../../../daemon/analyse/critical-paths.ts';
import { programFileSchema } from '../../../daemon/analyse/program-schema.ts';
import { findProtected } from '../../../daemon/analyse/protected-paths.ts';
import { loadCatalogue, readData } from '../../../daemon/platform/catalogue-files.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { catalogue, facts } from './workbench.ts';

const policies = path.join(findPackageRoot(), 'policies');

function bothWays(outcomes: readonly unknown[]): void {
  assert.ok(new Set(outcomes).size >= 2, 'the examples must not all say the same');
}

test('protected paths', () => {
  const { examples, paths } = readData(path.join(policies, 'protected.jsonc'), protectedFileSchema);
  bothWays(Object.values(examples));
  for (const [place, expected] of Object.entries(examples))
    assert.equal(findProtected(place, catalogue.protectedPaths) !== undefined, expected, place);
  for (const entry of paths) {
    assert.notEqual(
      findProtected(`/any/where/${entry.path.toUpperCase()}`, catalogue.protectedPaths),
      undefined,
      entry.path,
    );
    assert.equal(findProtected(`/any/where/x${entry.path}`, catalogue.protectedPaths), undefined, `x${entry.path}`);
    assert.equal(findProtected(`/any/where/${entry.path}x`, catalogue.protectedPaths), undefined, `${entry.path}x`);
  }
});

test('critical paths', () => {
  const { examples } = readData(path.join(policies, 'critical.jsonc'), criticalFileSchema);
  bothWays(Object.values(examples));
  for (const [place, expected] of Object.entries(examples))
    assert.equal(findCritical(place, facts, catalogue.criticalPaths) !== undefined, expected, place);
  for (const place of ['/home/dev', '/home', '/work', '/work/app'])
    assert.notEqual(findCritical(place, facts, catalogue.criticalPaths), undefined, place);
  for (const place of ['/home/dev/x', '/work/app/src', '/work/other'])
    assert.equal(findCritical(place, facts, catalogue.criticalPaths), undefined, place);
});

test('places of credentials', () => {
  const { examples, places } = readData(path.join(policies, 'credentials.jsonc'), credentialsFileSchema);
  bothWays(Object.values(examples));
  const found = (place: string): boolean =>
    findCredential(place, false, facts.home, catalogue.credentialPlaces) !== undefined;
  for (const [place, expected] of Object.entries(examples)) assert.equal(found(place), expected, place);
  for (const { path: place, asks } of places) {
    const own = place.replace(/^~/, facts.home).replaceAll('*', 'x');
    assert.equal(found(own), asks !== false, place);
    assert.equal(found(`${own}.example`), place.endsWith('*') && asks !== false, place);
  }
  assert.notEqual(findCredential(facts.home, true, facts.home, catalogue.credentialPlaces), undefined);
  assert.equal(findCredential(facts.home, false, facts.home, catalogue.credentialPlaces), undefined);
});

test('variables', () => {
  const { examples } = readData(path.join(policies, 'variables.jsonc'), variablesFileSchema);
  bothWays(Object.values(examples));
  for (const [text, expected] of Object.entries(examples)) {
    const [name = '', value] = text.split('=');
    const seen = catalogue.variables.harmless(name, value)
      ? 'harmless'
      : catalogue.variables.danger(name, value) === undefined
        ? 'ordinary'
        : 'dangerous';
    assert.equal(seen, expected, text);
  }
});

test('every program of the catalogue fits together', () => {
  const visit = (table: {
    names(): Iterable<string>;
    get(name: string): { subcommands?: unknown } | undefined;
  }): number => {
    let count = 0;
    for (const name of table.names()) {
      const program = table.get(name);
      count += 1;
      if (program?.subcommands !== undefined) count += visit(program.subcommands as Parameters<typeof visit>[0]);
    }
    return count;
  };
  assert.ok(visit(catalogue.programs) > 400);
  assert.ok(visit(catalogue.wrappers) > 20);
});

test('a mistake in a file is an error with its place', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sbx-policies-'));
  const file = path.join(folder, 'x.jsonc');
  const rows: readonly (readonly [text: string, message: RegExp, help?: string])[] = [
    [
      '{\n "programs": { "x": { "options": { "-a": "wirte" } } } }',
      /x\.jsonc:2:42: programs → x → options → -a: unknown role `wirte`$/,
      'did you mean `write`?',
    ],
    [
      '{ "programs": { "x": { "readonly": true } } }',
      /x\.jsonc:1:24: programs → x: unknown key `readonly`$/,
      'did you mean `readOnly`?',
    ],
    [
      '{ "programs": { "x": { "subcommands": { "y z": { "optoins": {} } } } } }',
      /:1:50: programs → x → subcommands → y z: unknown key `optoins`$/,
      'did you mean `options`?',
    ],
    [
      '{ "programs": { "x": { "options": { "-a": { "is": "read", "drop": "first" } } } } }',
      /:1:59: programs → x → options → -a: unknown key `drop`$/,
      'did you mean `drops`?',
    ],
    [
      '{ "programs": { "x": { "options": { "-a": { "is": "raed!" } } } } }',
      /-a → is: unknown role `raed`$/,
      'did you mean `read`?',
    ],
    [
      '{ "programs": { "x": { "options": { "-a": 7 } } } }',
      /:1:43: programs → x → options → -a: expected object, found `7`$/,
    ],
    ['{ "programs": { "x": { "options": { "-a": { "drops": "first" } } } } }', /-a → is: expected string/],
    [
      '{ "programs": { "x": { "readOnly": [{ "neds": ["-a"] }] } } }',
      /readOnly → 0: unknown key `neds`$/,
      'did you mean `needs`?',
    ],
    ['{ "programs": { "x": { "readOnly": "yes" } } }', /readOnly: expected boolean or array, found `yes`$/],
    ['{ "programs": { "x": { "purpose": "rum" } } }', /purpose: expected `run`, found `rum`$/, 'did you mean `run`?'],
    [
      '{ "groups": { "out": {} }, "programs": { "x": { "uses": ["ouf"] } } }',
      /:1:58: .*unknown option group `ouf`$/,
      'did you mean `out`?',
    ],
    [
      '{ "programs": { "x": { "does": "a" } }, "program": {} }',
      /:1:41: unknown key `program`$/,
      'did you mean `programs`?',
    ],
    ['{ "programs": { "x": {}, "x": {} } }', /the key `x` is there twice/],
    [
      '{ "programs": { "x": { "operands": ["raed*"] } } }',
      /:1:37: .*operands → 0: unknown role `raed`$/,
      'did you mean `read`?',
    ],
    ['{ "programs": ', /x\.jsonc:1:\d+/],
  ];
  try {
    for (const [text, message, help] of rows) {
      writeFileSync(file, text);
      assert.throws(() => readData(file, programFileSchema), { code: 'bad-policy', message, help }, text);
    }
    writeFileSync(file, '{ "programs": { "x": { "options": { "-a": "write: a reason" } } } } // fine');
    assert.equal(Object.keys(readData(file, programFileSchema).programs).length, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a program stands in one file of the catalogue, and the message names both', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sbx-policies-'));
  try {
    cpSync(policies, folder, { recursive: true });
    writeFileSync(
      path.join(folder, 'catalogue/zz.jsonc'),
      '{ "programs": {\n  "x-own y-own": {},\n  "z-own tar": {}\n} }',
    );
    assert.throws(() => loadCatalogue(folder), {
      code: 'bad-policy',
      message: /zz\.jsonc:3:3: `tar` is described in `.*\.jsonc` already$/,
    });
    writeFileSync(path.join(folder, 'catalogue/zz.jsonc'), '{ "programs": { "x-own": {} } }');
    assert.equal(loadCatalogue(folder).programs.has('x-own'), true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
