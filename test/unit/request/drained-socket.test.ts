// A daemon that makes room for a new one stays reachable beside it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { claimSocket } from '../../../daemon/request/socket.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync('/tmp/sbx-drained-');
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function server(t: TestContext, says: string): http.Server {
  const made = http.createServer((_request, response) => response.end(says));
  t.after(() => made.close());
  return made;
}

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, agent: false }, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes.toString('utf8');
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

test('the old one answers under its own name, the new one under the main name', async (t) => {
  const place = path.join(folder(t), 'sbxd.sock');
  const aside = path.join(path.dirname(place), `sbxd.${process.pid}.sock`);
  const old = await claimSocket(server(t, 'old'), place);
  old?.moveAside();
  assert.equal(old?.path(), aside);
  assert.ok(old.isOurs());
  const next = await claimSocket(server(t, 'new'), place);
  assert.ok(next);
  assert.ok(next.isOurs());
  assert.deepEqual([await ask(place), await ask(aside)], ['new', 'old']);
  old.moveAside();
  assert.deepEqual([await ask(place), await ask(aside)], ['new', 'old'], 'again does nothing');
  old.release();
  assert.equal(existsSync(aside), false);
  assert.equal(await ask(place), 'new');
  next.release();
  assert.deepEqual(readdirSync(path.dirname(place)), []);
});

test('a place that another daemon has taken is not moved', async (t) => {
  const place = path.join(folder(t), 'sbxd.sock');
  const first = await claimSocket(server(t, 'first'), place);
  rmSync(place);
  const second = server(t, 'second');
  await new Promise<void>((resolve) => second.listen(place, resolve));
  first?.moveAside();
  assert.equal(first?.path(), place);
  assert.equal(first.isOurs(), false);
  assert.equal(await ask(place), 'second');
});

test('what killed daemons left behind is removed, what answers or is no socket stays', async (t) => {
  const directory = folder(t);
  const dead = path.join(directory, 'sbxd.99999999.sock');
  const leave = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  spawnSync(process.execPath, ['-e', leave, dead]);
  assert.ok(existsSync(dead));
  const live = path.join(directory, 'sbxd.99999998.sock');
  const draining = server(t, 'draining');
  await new Promise<void>((resolve) => draining.listen(live, resolve));
  for (const name of ['sbxd.1.sock', 'sbxd.x.sock', 'notes']) writeFileSync(path.join(directory, name), '');
  const claimed = await claimSocket(server(t, 'new'), path.join(directory, 'sbxd.sock'));
  assert.ok(claimed);
  assert.equal(existsSync(dead), false);
  assert.equal(await ask(live), 'draining');
  assert.deepEqual(
    readdirSync(directory).sort(),
    ['notes', 'sbxd.1.sock', path.basename(live), 'sbxd.sock', 'sbxd.x.sock'].sort(),
  );
  claimed.release();
});

test('a daemon whose queue is full is busy, not dead', async (t) => {
  const place = path.join(folder(t), 'sbxd.sock');
  // Takes nobody, with room for one to wait: the next connect is told EAGAIN. Source: connect(2)
  const script = `
    import socket, sys, time
    s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0)
    print("ready", flush=True); time.sleep(60)`.replaceAll('\n    ', '\n');
  const { spawn } = await import('node:child_process');
  const busy = spawn('python3', ['-c', script, place], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => busy.kill('SIGKILL'));
  await new Promise((resolve) => busy.stdout.once('data', resolve));
  const waiting = [net.connect(place), net.connect(place)].map((socket) => socket.on('error', () => undefined));
  t.after(() => waiting.forEach((socket) => void socket.destroy()));
  const full = await new Promise((resolve) => {
    net
      .connect(place)
      .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      .on('connect', () => resolve('connected'));
  });
  assert.equal(full, 'EAGAIN');
  assert.equal(await claimSocket(server(t, 'new'), place), undefined);
  assert.ok(existsSync(place));
});
