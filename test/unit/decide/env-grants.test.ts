/** Variables that a policy passes on: by exact name, from whom may grant, each with its place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { keepTrusted, listGrants } from '../../../daemon/decide/project-grants.ts';
import { readLayer } from '../../fixtures/file-policy.ts';

const granting = (layer: Parameters<typeof readLayer>[0], env: readonly unknown[], more: object = {}) =>
  readLayer(layer, { sandbox: { env }, ...more });
const namesOf = (layers: Parameters<typeof mergePolicies>[0]): string[] =>
  mergePolicies(layers).env.map(({ value }) => value);

test('layers unite, and each name has its place', () => {
  const layers = [granting('managed', ['A']), granting('user', ['NPM_TOKEN', 'B'])];
  assert.deepEqual(namesOf(layers), ['A', 'NPM_TOKEN', 'B']);
  assert.deepEqual(mergePolicies(layers).env[1]?.origin, {
    ...{ layer: 'user', file: 'user.json', line: 1, column: 20 },
  });
});

for (const wrong of ['AWS_*', '*', 'A=b', '', 'A B', '?']) {
  test(`${JSON.stringify(wrong)} is a mistake with its place, and the file grants nothing`, () => {
    const layer = granting('user', ['A', wrong]);
    assert.equal(layer.problems[0]?.origin.line, 1);
    assert.deepEqual(namesOf([layer]), []);
  });
}

test('what a project passes on waits for trust, name by name', () => {
  const project = granting('project', ['A', 'B']);
  assert.deepEqual(
    listGrants(project).map(({ what }) => what),
    ['pass on the variable `A`', 'pass on the variable `B`'],
  );
  const [first] = listGrants(project);
  assert.deepEqual(namesOf([keepTrusted(project, () => false).parsed]), []);
  assert.deepEqual(namesOf([keepTrusted(project, ({ identity }) => identity === first?.identity).parsed]), ['A']);
});

test('where managed policy alone may grant, nobody else does', () => {
  const managed = granting('managed', ['A'], { permissions: { managedRulesOnly: true } });
  assert.deepEqual(namesOf([managed, granting('user', ['B'])]), ['A']);
});
