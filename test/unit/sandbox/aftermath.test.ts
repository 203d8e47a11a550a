/** The remarks after a run are bounded in time and in number, and what was cut is said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Violation } from '../../../client/protocol/events.ts';
import { collectAftermath } from '../../../daemon/sandbox/aftermath.ts';

const note = (index: number): Violation => ({ kind: 'file', target: `/w/${index}`, message: 'said' });
const bounds = { waitMs: 20, count: 3 };

test('what was found is given as it is', async () => {
  const found = [note(1), note(2), note(3)];
  assert.deepEqual(await collectAftermath(Promise.resolve(found), '/w', bounds), found);
});

test('too many remarks are cut, and their number is said', async () => {
  const found = await collectAftermath(Promise.resolve([1, 2, 3, 4, 5].map(note)), '/w', bounds);
  assert.deepEqual(found.slice(0, 3), [1, 2, 3].map(note));
  assert.equal(found.length, 4);
  assert.match(found[3]?.message ?? '', /^2 more/);
});

test('what is left out is told by its kind', async () => {
  const many = [...[1, 2, 3, 4, 5].map(note), { ...note(6), kind: 'protected' } as const];
  const found = await collectAftermath(Promise.resolve(many), '/w', bounds);
  assert.deepEqual(
    found.slice(3).map(({ kind, message }) => [kind, message.split(' ')[0]]),
    [
      ['file', '2'],
      ['protected', '1'],
    ],
  );
});

test('a step that never ends is not waited for', async () => {
  const found = await collectAftermath(new Promise(() => {}), '/w', bounds);
  assert.deepEqual(
    found.map(({ target }) => target),
    ['/w'],
  );
  assert.match(found[0]?.message ?? '', /still at work/);
});

test('a step that fails is a remark', async () => {
  const found = await collectAftermath(Promise.reject(new Error('no room')), '/w', bounds);
  assert.match(found[0]?.message ?? '', /no room/);
});
