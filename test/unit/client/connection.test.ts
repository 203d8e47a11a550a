// What listens on the socket is not always a daemon that answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { after } from 'node:test';
import { WebSocketServer } from 'ws';
import { openConnection } from '../../../client/connection.ts';

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
