/** Which texts are spared a copy of the repository. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayWriteRepository } from '../../../daemon/analyse/repository-use.ts';
import { analyseText } from './workbench.ts';

const spared = [
  'true',
  'ls -la | head -3',
  'git status && git log --oneline',
  'cp a b; mkdir -p c; rm -rf d',
  'sed -i s/a/b/ f',
  'cat f >g',
  'find . -name x -delete',
  'find . -type f -exec ls {} +',
  'for f in *; do touch "$f"; done',
  'bash -c "ls | sort -o out"',
];
const staged = [
  'git commit -m x',
  'git checkout -- f',
  'git mv a b',
  'ls; git add f',
  'env git commit -m x',
  'xargs git add',
  'find . -exec git add {} +',
  'eval "git add f"',
  'f() { git add f; }; f',
  'x=$(git commit -m x)',
  'npm version patch',
  'npm test',
  'make',
  'cargo new x',
  'gh pr checkout 3',
  './script.sh',
  'node x.js',
  '$TOOL',
  'some-unknown-program',
  'touch a; ./script.sh',
  'if',
];

for (const command of spared) {
  test(`cannot change the repository: ${command}`, () => assert.equal(mayWriteRepository(analyseText(command)), false));
}
for (const command of staged) {
  test(`may change the repository: ${command}`, () => assert.equal(mayWriteRepository(analyseText(command)), true));
}
