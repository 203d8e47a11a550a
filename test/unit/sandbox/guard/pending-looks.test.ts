/** What is pending is looked at once, however often it was added. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { PendingLooks } from '../../../../daemon/sandbox/guard/pending-looks.ts';

type Look = readonly [folder: string, names: number | 'all'];

function collect(onLook: (folder: string) => void = () => {}) {
  const looks: Look[] = [];
  const pending = new PendingLooks<string>({
    look: async (folder, names) => {
      looks.push([folder, names?.size ?? 'all']);
      onLook(folder);
      await new Promise((resolve) => setImmediate(resolve));
    },
    maxMs: 10_000,
    onGivenUp: () => assert.fail('there was time'),
  });
  return { looks, pending };
}

test('names of one folder are looked at together, and all of it when there are too many or one is not known', async () => {
  const rows: readonly [names: readonly (string | undefined)[], looked: number | 'all'][] = [
    [['a', 'b', 'a'], 2],
    [['a', undefined], 'all'],
    [[undefined, 'a'], 'all'],
    [Array.from({ length: 256 }, (_, index) => `${index}`), 256],
    [Array.from({ length: 257 }, (_, index) => `${index}`), 'all'],
  ];
  for (const [names, looked] of rows) {
    const { looks, pending } = collect();
    for (const name of names) pending.add('folder', name);
    await pending.done;
    assert.deepEqual(looks, [['folder', looked]]);
  }
});

test('what a look adds is done when the work is', async () => {
  const { looks, pending } = collect((folder) => {
    if (folder.length < 5) pending.add(`${folder}x`);
  });
  pending.add('x');
  await pending.done;
  assert.deepEqual(
    looks.map(([folder]) => folder),
    ['x', 'xx', 'xxx', 'xxxx', 'xxxxx'],
  );
  pending.add('later');
  await pending.done;
  assert.equal(looks.at(-1)?.[0], 'later');
});

test('after its time the rest is given up, and it is said', async () => {
  let givenUp = 0;
  let looked = 0;
  const pending = new PendingLooks<number>({
    look: async () => {
      looked++;
    },
    maxMs: -1,
    onGivenUp: () => givenUp++,
  });
  for (let folder = 0; folder < 20; folder++) pending.add(folder);
  await pending.done;
  assert.deepEqual([looked, givenUp], [0, 1]);
});
