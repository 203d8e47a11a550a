/** The JSON Schema for editors: every documented key with its meaning and default, and nothing else. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'jsonc-parser';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

const root = findPackageRoot();
const schema = JSON.parse(readFileSync(path.join(root, 'policies/policy.schema.json'), 'utf8')) as Schema;

function visit(at: Schema, where: string, see: (at: Schema, where: string) => void): void {
  see(at, where);
  for (const [name, member] of Object.entries(at.properties ?? {})) visit(member, `${where}.${name}`, see);
  for (const inner of [...(at.anyOf ?? []), ...(at.items === undefined ? [] : [at.items])]) visit(inner, where, see);
}

/** The keys of a value as the schema names them. */
function keysOf(value: unknown, where = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [`${where}.${key}`, ...keysOf(inner, `${where}.${key}`)]);
}

describe('the schema of policy files', () => {
  it('refuses unknown keys at every level', () => {
    visit(schema, '', (at, where) => {
      if (at.properties !== undefined) assert.equal(at.additionalProperties, false, where);
    });
  });

  it('says of every key what it means', () => {
    visit(schema, '', (at, where) => {
      for (const [name, member] of Object.entries(at.properties ?? {})) {
        assert.ok((member.description ?? '').length > 10, `${where}.${name}`);
      }
    });
  });

  const permissions = schema.properties?.['permissions'];
  const sandbox = schema.properties?.['sandbox'];

  it('says of every switch what holds without it, and that is what does', () => {
    for (const at of [permissions, sandbox]) {
      for (const [name, member] of Object.entries(at?.properties ?? {}))
        assert.notEqual(member.default, undefined, name);
    }
    const profile = parse(readFileSync(path.join(root, 'policies/profiles/default.jsonc'), 'utf8'));
    for (const [name, value] of Object.entries(profile.permissions as object)) {
      assert.deepEqual(permissions?.properties?.[name]?.default, value, name);
    }
  });

  it('knows the keys of the example in the documentation, which is a sound file', () => {
    const page = readFileSync(path.join(root, 'daemon/decide/README.md'), 'utf8');
    const example = /## Policy files[\s\S]*?```jsonc\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const source = { layer: 'user', file: '/p', anchor: '/', home: '/home/u' } as const;
    assert.deepEqual(parsePolicy(example, source).problems, []);
    const known = new Set<string>();
    visit(schema, '', (_, where) => known.add(where));
    const documented = keysOf(parse(example));
    assert.deepEqual(
      documented.filter((key) => !known.has(key)),
      [],
    );
    const managed = ['managedRulesOnly', 'managedDomainsOnly', 'lockAutoAllow'].map((name) => `.permissions.${name}`);
    const files = ['.$schema', '.workspace'];
    assert.deepEqual(
      [...known]
        .filter(
          (key) =>
            /^\.[^.]+(\.[^.]+)?$/.test(key) && !documented.includes(key) && ![...managed, ...files].includes(key),
        )
        .filter((key) => !/\.(allow|ask|deny)\./.test(key)),
      [],
    );
  });
});
