/** Accounts and risks, word for word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptions, risks } from '../../cases/analyse-descriptions.ts';
import { analyseText } from './workbench.ts';

test('descriptions', () => {
  const seen = Object.fromEntries(Object.keys(descriptions).map((text) => [text, analyseText(text).description]));
  assert.deepEqual(seen, descriptions);
});

test('risks', () => {
  const seen = Object.fromEntries(Object.keys(risks).map((text) => [text, analyseText(text).risk.level]));
  assert.deepEqual(seen, risks);
});

test('a risk always has its reason', () => {
  for (const text of [...Object.keys(risks), "echo 'unbalanced"]) assert.notEqual(analyseText(text).risk.why, '');
});
