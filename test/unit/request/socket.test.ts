import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { claimSocket } from '../../../daemon/request/socket.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync('/tmp/sbx-socket-');
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}
function server(t: TestContext): http.Server {
  const made = http.createServer();
  t.after(() => made.close());
  return made;
}

test('a claimed socket answers, is private, and is removed on release', async (t) => {
  const place = path.join(folder(t), 's.sock');
  const claimed = await claimSocket(server(t), place);
  assert.ok(claimed);
  assert.ok(claimed.isOurs());
  assert.equal(lstatSync(place).mode & 0o777, 0o600);
  await new Promise<void>((resolve, reject) => {
    const client = net.connect(place, () => client.end(resolve));
    client.on('error', reject);
  });
  claimed.release();
  assert.deepEqual(readdirSync(path.dirname(place)), []);
});

test('of two that claim at once exactly one wins', async (t) => {
  const place = path.join(folder(t), 's.sock');
  // One process has one name to bind under first, so the second claim comes from the same folder seen as another path.
  const first = await claimSocket(server(t), place);
  const second = await claimSocket(server(t), place);
  assert.ok(first);
  assert.equal(second, undefined);
  assert.ok(first.isOurs());
});

test('a stale socket is replaced', async (t) => {
  const place = path.join(folder(t), 's.sock');
  const dead = net.createServer();
  await new Promise<void>((resolve) => dead.listen(place, resolve));
  // Node removes the name when it closes; a killed daemon does not, so put it back as one would find it.
  const { linkSync, renameSync } = await import('node:fs');
  linkSync(place, `${place}.kept`);
  await new Promise((resolve) => dead.close(resolve));
  renameSync(`${place}.kept`, place);
  assert.ok(existsSync(place));
  const claimed = await claimSocket(server(t), place);
  assert.ok(claimed?.isOurs());
  assert.deepEqual(readdirSync(path.dirname(place)), ['s.sock']);
});

test('release leaves a socket alone that another daemon has put there', async (t) => {
  const place = path.join(folder(t), 's.sock');
  const claimed = await claimSocket(server(t), place);
  assert.ok(claimed);
  rmSync(place);
  const other = net.createServer();
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.listen(place, resolve));
  assert.equal(claimed.isOurs(), false);
  claimed.release();
  assert.ok(existsSync(place));
});

test('a path that is too long is one clear error', async (t) => {
  const place = path.join(folder(t), 'x'.repeat(120), 's.sock');
  await assert.rejects(claimSocket(server(t), place), { code: 'run-directory', message: /longer than 107 bytes/ });
});

test('a folder that cannot be written is one clear error', async (t) => {
  await assert.rejects(claimSocket(server(t), path.join(folder(t), 'missing', 's.sock')), { code: 'run-directory' });
});
