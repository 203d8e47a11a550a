/** What a name means in each kind of folder. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { judgeName, type Role, type Shape } from '../../../../daemon/sandbox/guard/judge-name.ts';
import { compileNames } from '../../../../daemon/sandbox/guard/protected-names.ts';

const names = compileNames([
  { path: '.vscode', kind: 'directory', because: 'it starts tasks' },
  { path: '.npmrc', kind: 'file', because: 'it names programs' },
  { path: '.cache/sbx', kind: 'directory', because: 'it is ours' },
]);
const context = {
  names,
  leadsToSubmodule: (place: string) => ['vendor', 'vendor/lib'].includes(place),
  denies: (segments: readonly string[]) => (segments.at(-1) === 'denied' ? 'a rule says so' : undefined),
};

/** The verdict in one word: what kind of suspect, or as what a folder is looked through. */
function judge(place: string, shape: Shape, role: Role): string {
  const verdict = judgeName({ role, segments: place.split('/'), shape }, context);
  if (verdict.is === 'suspect') return verdict.suspect.kind;
  return verdict.is === 'folder' ? `folder ${verdict.role}` : verdict.is;
}

const rows: readonly [place: string, shape: Shape, role: Role, verdict: string][] = [
  ['src', 'folder', 'plain', 'folder plain'],
  ['src/a', 'file', 'plain', 'plain'],
  ['src/a', 'link', 'plain', 'plain'],
  ['src/.vscode', 'folder', 'plain', 'name'],
  ['src/.vscode', 'link', 'plain', 'name'],
  ['src/.vscode', 'file', 'plain', 'plain'],
  ['.npmrc', 'file', 'plain', 'name'],
  ['.npmrc', 'folder', 'plain', 'folder plain'],
  ['src/.GIT', 'folder', 'plain', 'repository'],
  ['src/.git', 'file', 'plain', 'repository'],
  ['denied', 'file', 'plain', 'name'],
  ['denied', 'folder', 'plain', 'folder plain'],
  ['node_modules', 'folder', 'plain', 'ignored'],
  ['node_modules', 'file', 'plain', 'plain'],
  // a submodule in a folder of tools, and a protected name that begins with one
  ['vendor', 'folder', 'plain', 'folder filled'],
  ['vendor/lib', 'folder', 'filled', 'folder filled'],
  ['vendor/lib/.git', 'file', 'filled', 'repository'],
  ['vendor/other', 'folder', 'filled', 'ignored'],
  ['vendor/.npmrc', 'file', 'filled', 'ignored'],
  ['.cache', 'folder', 'plain', 'folder filled'],
  ['.cache/sbx', 'folder', 'filled', 'name'],
  ['.cache/denied', 'file', 'filled', 'ignored'],
  ['.git/hooks', 'folder', 'git', 'folder git'],
  ['.git/hooks/pre-commit', 'file', 'git', 'ignored'],
  ['.git/objects', 'folder', 'git', 'ignored'],
];

for (const [place, shape, role, verdict] of rows) {
  test(`${shape} ${place} in a folder that is ${role}: ${verdict}`, () => {
    assert.equal(judge(place, shape, role), verdict);
  });
}
