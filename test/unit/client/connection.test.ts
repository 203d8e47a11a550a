// What listens on the socket is not always a daemon that answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import WebSocket, { WebSocketServer } from 'ws';
import { Connection } from '../../../client/connection.ts';
import { openConnection } from '../../../client/dial.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-connection-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('nobody listens: undefined', async () => {
  assert.equal(await openConnection(path.join(folder, 'none')), undefined);
});

test('a process that takes the connection and says nothing is given up, with what to do', async () => {
  const place = path.join(folder, 'deaf');
  const taken: net.Socket[] = [];
  const server = net.createServer((socket) => taken.push(socket)).listen(place);
  await once(server, 'listening');
  await assert.rejects(openConnection(place, 100), {
    code: 'daemon-unreachable',
    message: /deaf` does not answer: .*100 ms/,
    help: /sbx daemon logs/,
  });
  for (const socket of taken) socket.destroy();
  server.close();
});

test('the limit is for the first answer only: an open connection may be silent', async () => {
  const place = path.join(folder, 'slow');
  const server = net.createServer().listen(place);
  await once(server, 'listening');
  const { createServer } = await import('node:http');
  const http = createServer();
  new WebSocketServer({ server: http });
  server.on('connection', (socket) => http.emit('connection', socket));
  const connection = await openConnection(place, 100);
  assert.ok(connection);
  let lost = false;
  connection.listen({
    onEvent: () => undefined,
    onOutput: () => undefined,
    onStdinAck: () => undefined,
    onLost: () => {
      lost = true;
    },
  });
  // Longer than the limit, by the same clock.
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(lost, false);
  connection.close();
  server.close();
});

const refusals: readonly [status: number, body: string, code: string, message: RegExp][] = [
  [503, '{"code":"too-many-clients","message":"full","help":"h"}', 'too-many-clients', /^full$/],
  // Asked again by whoever looks for a daemon: the next one may be there already.
  [503, '{"code":"stopping","message":"the daemon is stopping","help":"h"}', 'daemon-lost', /ended/],
  [503, 'busy', 'daemon-unreachable', /does not answer: .*503/],
];
for (const [status, body, code, message] of refusals) {
  test(`an answer of ${status} with ${body} is ${code}`, async () => {
    const place = path.join(folder, `refusing-${code}`);
    const { createServer } = await import('node:http');
    const server = createServer().on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 ${status} x\r\nConnection: close\r\n\r\n${body}`);
    });
    server.listen(place);
    await once(server, 'listening');
    await assert.rejects(openConnection(place), { code, message });
    server.close();
  });
}

test('over a line that falls silent the daemon is lost; a ping is a sign of life, and nothing wakes a unix socket', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const stream = net.connect(port, '127.0.0.1');
  const socket = new WebSocket('ws://localhost/', { createConnection: () => stream });
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(socket, 'open')])) as [[WebSocket], unknown];
  const connection = new Connection(socket, stream, undefined, 300);
  let lostAfterMs: number | undefined;
  const opened = performance.now();
  const lost = new Promise<string>((resolve) => {
    connection.listen({
      onLost: ({ message }) => {
        lostAfterMs = performance.now() - opened;
        resolve(message);
      },
    });
  });
  const pinging = setInterval(() => peer.ping(), 50);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(lostAfterMs, undefined, 'it was heard of');
  clearInterval(pinging);
  assert.match(await lost, /nothing was heard/);
  await assert.rejects(connection.request('status', {}), { code: 'daemon-lost' });
  server.close();
  for (const client of server.clients) client.terminate();
});
