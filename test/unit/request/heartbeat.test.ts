import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { Heartbeat, type Peer } from '../../../daemon/request/heartbeat.ts';

class FakePeer implements Peer {
  sign = 0;
  pings = 0;
  isGone = false;
  readonly #answers: boolean;

  constructor(answers: boolean) {
    this.#answers = answers;
  }

  signOfLife(): number {
    return this.sign;
  }

  ping(): void {
    this.pings++;
    if (this.#answers) this.sign += 6;
  }

  giveUp(): void {
    this.isGone = true;
  }
}

// Beaten by hand.
const byHand = { heartbeatMs: 1_000_000, silenceMs: 3_000_000 };

test('who answers is kept for ever, who does not is given up after three silent beats in a row', (t) => {
  const heartbeat = new Heartbeat(byHand);
  const alive = new FakePeer(true);
  const dead = new FakePeer(false);
  t.after(() => heartbeat.forget(alive));
  heartbeat.watch(alive);
  heartbeat.watch(dead);
  const gone = Array.from({ length: 100 }, () => {
    heartbeat.beat();
    return dead.isGone;
  });
  // The first beat only sets the mark: it may come right after the connection.
  assert.equal(gone.indexOf(true), 3);
  assert.equal(dead.pings, 3, 'not pinged again once it is gone');
  assert.equal(alive.isGone, false);
  assert.ok(alive.pings >= 99);
});

test('any byte is life: a message that takes long to come, one byte a beat', (t) => {
  const heartbeat = new Heartbeat(byHand);
  const slow = new FakePeer(false);
  t.after(() => heartbeat.forget(slow));
  heartbeat.watch(slow);
  for (let beat = 0; beat < 100; beat++) {
    slow.sign++;
    heartbeat.beat();
  }
  assert.equal(slow.isGone, false);
});

test('silence must be in a row', (t) => {
  const heartbeat = new Heartbeat(byHand);
  const moody = new FakePeer(false);
  t.after(() => heartbeat.forget(moody));
  heartbeat.watch(moody);
  for (let beat = 0; beat < 100; beat++) {
    if (beat % 3 === 0) moody.sign++;
    heartbeat.beat();
  }
  assert.equal(moody.isGone, false);
});

test('who has left is not asked again', () => {
  const heartbeat = new Heartbeat(byHand);
  const peer = new FakePeer(false);
  heartbeat.watch(peer);
  heartbeat.forget(peer);
  for (let beat = 0; beat < 10; beat++) heartbeat.beat();
  assert.equal(peer.pings, 0);
  assert.equal(peer.isGone, false);
});

test('over a real socket: the one that stops answering is cut off, its neighbour is not', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const heartbeat = new Heartbeat({ heartbeatMs: 20, silenceMs: 60 });
  server.on('connection', (socket, request) => {
    const peer = {
      signOfLife: () => request.socket.bytesRead,
      ping: () => socket.ping(),
      giveUp: () => socket.terminate(),
    };
    heartbeat.watch(peer);
    socket.on('close', () => heartbeat.forget(peer));
  });
  const healthy = new WebSocket(`ws://127.0.0.1:${port}`);
  const mute = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
  t.after(() => healthy.terminate());
  let pings = 0;
  healthy.on('ping', () => pings++);
  const [code] = (await once(mute, 'close')) as [number];
  assert.equal(code, 1006);
  const seen = pings;
  while (pings < seen + 5) await once(healthy, 'ping');
  assert.equal(healthy.readyState, WebSocket.OPEN);
});
