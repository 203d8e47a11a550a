/** How many sessions there can be, whoever asks and however many at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SbxError } from '../../client/protocol/errors.ts';
import { type SandboxSources, Sessions } from '../../daemon/methods/sessions.ts';

const most = 64;

/** Sandboxes that are never opened. */
function meet(): Sessions {
  const source = {
    account: { uid: 1 },
    cacheFolder: '/cache',
    files: () => ({ key: '' }),
    open: () => new Promise(() => undefined),
  };
  const sources = { sandboxed: source, unsandboxed: source } as unknown as SandboxSources;
  return new Sessions(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return sources;
  });
}

const place = (name: number | string) => ({ workspace: `/w/${name}`, cwd: `/w/${name}` });

async function countRefusals(made: readonly Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(made);
  const refused = settled.filter((result) => result.status === 'rejected');
  for (const { reason } of refused) assert.equal((reason as SbxError).code, 'too-many-sessions');
  return refused.length;
}

test('fresh sessions that are asked for at once are not more than those that are asked for one by one', async () => {
  const sessions = meet();
  const made = Array.from({ length: 100 }, (_, at) => sessions.fresh(place(at)));
  assert.equal(await countRefusals(made), 100 - most);
  assert.equal(sessions.all.length, most);
  await sessions.closeAll();
  assert.ok(await sessions.fresh(place('again')), 'there is room again');
});

test('workspaces count too: one that nobody uses gives way, one in use does not', async () => {
  const sessions = meet();
  const joined = [];
  for (let at = 0; at < most; at++) joined.push(await sessions.join(place(at)));
  const [used, running] = joined;
  used?.clients.add({});
  running?.carry(new Promise(() => undefined));
  for (let at = 0; at < most - 2; at++) await sessions.join(place(`more-${at}`));
  assert.equal(sessions.all.length, most);
  assert.ok(used && sessions.find(used.id) && running && sessions.find(running.id));
  assert.equal(await sessions.join(place(0)), used, 'who joins a session that is there gets it');
  for (const session of sessions.all) session.clients.add({});
  assert.equal(await countRefusals([sessions.join(place('one-too-many')), sessions.fresh(place('fresh'))]), 2);
});

test('a session that is being removed is found by nobody, and its workspace gets another', async () => {
  const sessions = meet();
  const first = await sessions.join(place('x'));
  let end: () => void = () => undefined;
  const removed = sessions.remove(first, () => new Promise((resolve) => (end = resolve)));
  const second = await sessions.join(place('x'));
  assert.notEqual(second, first);
  assert.equal(sessions.find(first.id), undefined);
  end();
  await removed;
  assert.equal(await sessions.join(place('x')), second, 'the end of the first is not the end of the second');
});
