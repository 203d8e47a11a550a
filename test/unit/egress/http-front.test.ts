import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { denied, type FrontBench, listen, openBench } from '../../fixtures/front-bench.ts';

/** A host that answers every request with what it received of it, byte for byte. */
async function rawHost(t: TestContext, answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi') {
  const received: string[] = [];
  let connections = 0;
  const server = net.createServer({ noDelay: true }, (socket) => {
    connections += 1;
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      // Tests send bodies whole, so that the end of the bytes is the end of the request.
      if (!/\r\n\r\n/.test(text) || (/chunked/.test(text) && !text.endsWith('0\r\n\r\n'))) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < text.indexOf('\r\n\r\n') + 4 + length) return;
      received.push(text);
      text = '';
      socket.write(answer, 'latin1');
    });
  });
  const port = await listen(t, server);
  return { port, received, connections: () => connections };
}

const end = '\r\n\r\n';

test('what is not a request is answered 400 in words, and reaches nobody', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port }));
  const rows: readonly (readonly [what: string, bytes: string, status: number])[] = [
    ['origin form', `GET /x HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['TLS by absolute form', `GET https://h.example/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['another scheme', `GET ftp://h.example/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['a user name', `GET http://good.example@h.example/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['a fragment', `GET http://h.example/#/x HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['no host', `GET http:///x HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['a backslash', `GET http://h.example\\@evil.example/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['port 0', `GET http://h.example:0/ HTTP/1.1\r\nHost: h.example:0${end}`, 400],
    ['port 65616', `GET http://h.example:65616/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['an escape in the host', `GET http://h%2eexample/ HTTP/1.1\r\nHost: h%2eexample${end}`, 400],
    ['a zone', `GET http://[fe80::1%25lo]/ HTTP/1.1\r\nHost: [fe80::1%25lo]${end}`, 400],
    ['no Host', `GET http://h.example/ HTTP/1.1${end}`, 400],
    ['two Hosts', `GET http://h.example/ HTTP/1.1\r\nHost: h.example\r\nHost: h.example${end}`, 400],
    ['another Host', `GET http://h.example/ HTTP/1.1\r\nHost: evil.example${end}`, 403],
    ['an address spelled as another one', `GET http://h.example/ HTTP/1.1\r\nHost: 0x7f.1${end}`, 403],
    ['another port in Host', `GET http://h.example/ HTTP/1.1\r\nHost: h.example:81${end}`, 403],
    ['an empty Host', `GET http://h.example/ HTTP/1.1\r\nHost:${end}`, 403],
    ['a folded line', `GET http://h.example/ HTTP/1.1\r\nHost: h.example\r\nX: a\r\n b${end}`, 400],
    ['a bare LF', `GET http://h.example/ HTTP/1.1\r\nHost: h.example\nX: a${end}`, 400],
    ['only bare LF', 'GET http://h.example/ HTTP/1.1\nHost: h.example\n\n', 400],
    ['a bare CR', `GET http://h.example/ HTTP/1.1\r\nHost: h.example\rX: a${end}`, 400],
    ['a NUL', `GET http://h.example/ HTTP/1.1\r\nHost: h.example\0${end}`, 400],
    ['a blank before the colon', `GET http://h.example/ HTTP/1.1\r\nHost : h.example${end}`, 400],
    ['no colon', `GET http://h.example/ HTTP/1.1\r\nHost h.example${end}`, 400],
    ['two blanks', `GET  http://h.example/ HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['a blank in the target', `GET http://h.example/a b HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['HTTP/0.9', `GET http://h.example/${end}`, 400],
    ['HTTP/2 without asking', `PRI * HTTP/2.0${end}SM${end}`, 400],
    ['a byte above ASCII in the target', `GET http://h.example/\xe9 HTTP/1.1\r\nHost: h.example${end}`, 400],
    [
      'two lengths',
      `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nContent-Length: 2\r\nContent-Length: 2${end}hi`,
      400,
    ],
    ['a list of lengths', `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nContent-Length: 2, 2${end}hi`, 400],
    ['a signed length', `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nContent-Length: +2${end}hi`, 400],
    [
      'length and chunks',
      `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked${end}0${end}`,
      400,
    ],
    [
      'another coding before chunks',
      `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: gzip, chunked${end}0${end}`,
      501,
    ],
    [
      'chunks named twice',
      `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked${end}0${end}`,
      501,
    ],
    [
      'chunked, nearly',
      `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: xchunked${end}0${end}`,
      501,
    ],
    [
      'chunks in HTTP/1.0',
      `POST http://h.example/ HTTP/1.0\r\nHost: h.example\r\nTransfer-Encoding: chunked${end}0${end}`,
      400,
    ],
    [
      'WebSocket with a body',
      `GET http://h.example/ HTTP/1.1\r\nHost: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2${end}hi`,
      400,
    ],
    ['CONNECT with a body', `CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443\r\nContent-Length: 2${end}hi`, 400],
    ['CONNECT without a port', `CONNECT h.example HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['CONNECT to a path', `CONNECT h.example:443/x HTTP/1.1\r\nHost: h.example:443${end}`, 400],
    ['CONNECT to an address with scheme', `CONNECT http://h.example:443 HTTP/1.1\r\nHost: h.example${end}`, 400],
    ['CONNECT with another Host', `CONNECT h.example:443 HTTP/1.1\r\nHost: evil.example:443${end}`, 403],
  ];
  for (const [what, bytes, status] of rows) {
    const peer = await bench.connect('serveHttp');
    const text = await peer.send(bytes).until('"error"');
    assert.equal(Number(text.slice(9, 12)), status, `${what}: ${text}`);
    assert.match(text, /^X-Sbx-Refused: (?:bad-request|mismatch)\r$/m, what);
    peer.socket.destroy();
  }
  assert.deepEqual(bench.attempts, []);
  assert.deepEqual(host.received, []);
});

test('what is written on is the request and nothing of the hop', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port }));
  const h = 'Host: h.example';
  const rows: readonly (readonly [what: string, sent: string, passed: string])[] = [
    ['a path', `GET http://h.example/a?b HTTP/1.1\r\n${h}${end}`, `GET /a?b HTTP/1.1\r\n${h}${end}`],
    ['no path', `GET http://h.example HTTP/1.1\r\n${h}${end}`, `GET / HTTP/1.1\r\n${h}${end}`],
    ['only a query', `GET http://h.example?b HTTP/1.1\r\n${h}${end}`, `GET /?b HTTP/1.1\r\n${h}${end}`],
    ['the server as a whole', `OPTIONS http://h.example HTTP/1.1\r\n${h}${end}`, `OPTIONS * HTTP/1.1\r\n${h}${end}`],
    [
      'case of the host',
      `GET HTTP://H.Example/ HTTP/1.1\r\nHost: h.EXAMPLE.${end}`,
      `GET / HTTP/1.1\r\nHost: h.example${end}`,
    ],
    ['the port left out of Host', `GET http://h.example:80/ HTTP/1.1\r\n${h}${end}`, `GET / HTTP/1.1\r\n${h}:80${end}`],
    [
      'hop by hop',
      `GET http://h.example/ HTTP/1.1\r\n${h}\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nX-Kept: 2${end}`,
      `GET / HTTP/1.1\r\n${h}\r\nX-Kept: 2${end}`,
    ],
    [
      'HTTP/2 is not offered on',
      `GET http://h.example/ HTTP/1.1\r\n${h}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk${end}`,
      `GET / HTTP/1.1\r\n${h}${end}`,
    ],
    [
      'a body',
      `POST http://h.example/ HTTP/1.1\r\n${h}\r\nContent-Length: 3${end}abc`,
      `POST / HTTP/1.1\r\n${h}\r\nContent-Length: 3${end}abc`,
    ],
    [
      'framing that Connection names stays',
      `POST http://h.example/ HTTP/1.1\r\n${h}\r\nConnection: content-length, host\r\nContent-Length: 3${end}abc`,
      `POST / HTTP/1.1\r\n${h}\r\nContent-Length: 3${end}abc`,
    ],
    [
      'chunks',
      `POST http://h.example/ HTTP/1.1\r\n${h}\r\ntransfer-encoding: Chunked${end}3\r\nabc\r\n0${end}`,
      `POST / HTTP/1.1\r\n${h}\r\nTransfer-Encoding: chunked${end}3\r\nabc\r\n0${end}`,
    ],
  ];
  for (const [what, sent, passed] of rows) {
    const peer = await bench.connect('serveHttp');
    const text = await peer.send(sent).until(`${end}hi`);
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/, `${what}: ${text}`);
    assert.equal(host.received.pop(), passed, what);
    peer.socket.destroy();
  }
});

test('requests of one connection are admitted one by one, and those to one host share a connection to it', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, ({ request }) => (request?.path.startsWith('/ok') ? { port: host.port } : denied));
  const peer = await bench.connect('serveHttp');
  const get = (path: string): string => `GET http://h.example${path} HTTP/1.1\r\nHost: h.example${end}`;
  await peer.send(get('/ok/1')).until(`${end}hi`);
  peer.received = Buffer.alloc(0);
  const refused = await peer.send(get('/no')).until('}}\n');
  assert.match(refused, /^HTTP\/1\.1 403 refused by sbx: no rule allows `evil\.example`\r\n/);
  assert.match(refused, /^Content-Type: application\/json\r$/m);
  assert.deepEqual(JSON.parse(refused.slice(refused.indexOf(end))), { error: denied });
  peer.received = Buffer.alloc(0);
  // All at once: answered in order, none lost.
  const pipelined = await peer.send(get('/ok/2') + get('/no') + get('/ok/3')).until(`${end}hi`);
  await peer.until('}}\n');
  while (peer.received.toString().split(`${end}hi`).length < 3) await once(peer.socket, 'data');
  assert.match(peer.received.toString(), /^HTTP\/1\.1 200[\s\S]*HTTP\/1\.1 403[\s\S]*HTTP\/1\.1 200/);
  assert.ok(pipelined.startsWith('HTTP/1.1 200'));
  assert.deepEqual(
    bench.attempts.map(({ front, host, port, request }) => [front, host, port, request?.method, request?.path]),
    ['/ok/1', '/no', '/ok/2', '/no', '/ok/3'].map((path) => ['http', 'h.example', 80, 'GET', path]),
  );
  assert.equal(host.connections(), 1);
  assert.equal(bench.traffic.length, 3);
  assert.ok(bench.traffic.every(({ sentBytes, receivedBytes }) => sentBytes > 30 && receivedBytes === 40));
});

test('another host is another connection, although one is open', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port }));
  const peer = await bench.connect('serveHttp');
  for (const name of ['a.example', 'b.example', 'a.example', 'a.example:81']) {
    peer.received = Buffer.alloc(0);
    await peer.send(`GET http://${name}/ HTTP/1.1\r\nHost: ${name}${end}`).until(`${end}hi`);
  }
  assert.deepEqual(bench.dialled, ['a.example:80', 'b.example:80', 'a.example:81']);
});

test('a chunk that recipients read differently breaks the request off before its end', async (t) => {
  const rows = [
    '3;x=1\r\nabc\r\n',
    '0x3\r\nabc\r\n',
    '3\nabc\r\n',
    '3 \r\nabc\r\n',
    '+3\r\nabc\r\n',
    '3\r\nabcd\r\n',
    '\r\n',
    'fffffffffffffff\r\n',
  ];
  const trailers = ['0\r\nContent-Length: 3\r\n\r\n', '0\r\nX\r\n\r\n', '0\r\nX: \0\r\n\r\n', '0\r\n folded\r\n\r\n'];
  for (const chunk of [...rows, ...trailers]) {
    let received = '';
    const port = await listen(
      t,
      net.createServer((socket) => socket.on('data', (bytes) => (received += bytes))),
    );
    const bench = openBench(t, () => ({ port }));
    const peer = await bench.connect('serveHttp');
    const head = `POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nTransfer-Encoding: chunked${end}`;
    const text = await peer.send(`${head}${chunk}0${end}`).toEnd();
    assert.match(text, /^HTTP\/1\.1 400 /, JSON.stringify(chunk));
    assert.ok(!received.includes(`0${end}`), JSON.stringify(chunk));
  }
});

test('trailers and interim answers pass, and extensions of an answer', async (t) => {
  const answer = [
    `HTTP/1.1 100 Continue${end}HTTP/1.1 103 Early Hints\r\nLink: </x>${end}`,
    `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked${end}2;a=b\r\nhi\r\n0\r\nX-Sum: 1${end}`,
  ].join('');
  const host = await rawHost(t, answer);
  const bench = openBench(t, () => ({ port: host.port }));
  const peer = await bench.connect('serveHttp');
  const text = await peer
    .send(`POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nExpect: 100-continue\r\nContent-Length: 2${end}hi`)
    .until(`X-Sum: 1${end}`);
  assert.equal(text, answer);
  assert.match(host.received[0] ?? '', /^Expect: 100-continue\r$/m);
});

test('answers without a body keep the connection in step', async (t) => {
  const rows: readonly (readonly [method: string, answer: string])[] = [
    ['HEAD', `HTTP/1.1 200 OK\r\nContent-Length: 5${end}`],
    ['HEAD', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked${end}`],
    ['GET', `HTTP/1.1 204 No Content${end}`],
    ['GET', `HTTP/1.1 304 Not Modified\r\nContent-Length: 5${end}`],
    ['GET', `HTTP/1.1 200 OK\r\nContent-Length: 0${end}`],
  ];
  for (const [method, answer] of rows) {
    const host = await rawHost(t, answer);
    const bench = openBench(t, () => ({ port: host.port }));
    const peer = await bench.connect('serveHttp');
    for (let turn = 0; turn < 2; turn += 1) {
      peer.received = Buffer.alloc(0);
      const text = await peer.send(`${method} http://h.example/ HTTP/1.1\r\nHost: h.example${end}`).until(end);
      assert.equal(text, answer.replace('Transfer-Encoding: chunked\r\n', ''));
    }
    assert.equal(host.connections(), 1, answer);
  }
});

test('an answer that breaks off is never a whole one', async (t) => {
  const rows: readonly (readonly [what: string, answer: string, isReset: boolean])[] = [
    ['too short', `HTTP/1.1 200 OK\r\nContent-Length: 5${end}hi`, false],
    ['chunks without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked${end}2\r\nhi\r\n`, false],
    ['until close, but reset', `HTTP/1.1 200 OK${end}hi`, true],
  ];
  for (const [what, answer, isReset] of rows) {
    const server = net.createServer((socket) => {
      socket.once('data', () => {
        socket.write(answer, () => setImmediate(() => (isReset ? socket.resetAndDestroy() : socket.end())));
      });
    });
    const port = await listen(t, server);
    const bench = openBench(t, () => ({ port }));
    const peer = await bench.connect('serveHttp');
    peer.send(`GET http://h.example/ HTTP/1.1\r\nHost: h.example${end}`);
    assert.equal(await peer.over, 'reset', what);
    assert.equal(bench.traffic.length, 1, what);
  }
  // Its neighbour: an orderly close is the end of the body, and the client is told so.
  const port = await listen(
    t,
    net.createServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 200 OK${end}hi`))),
  );
  const bench = openBench(t, () => ({ port }));
  const peer = await bench.connect('serveHttp');
  peer.send(`GET http://h.example/ HTTP/1.1\r\nHost: h.example${end}`);
  assert.equal(await peer.over, 'end');
  assert.equal(peer.received.toString(), `HTTP/1.1 200 OK\r\nConnection: close${end}hi`);
});

test('answers that could be read in two ways are refused, and nothing of them passes', async (t) => {
  const rows = [
    `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked${end}2\r\nhi\r\n0${end}`,
    `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3${end}hi`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked${end}0${end}`,
    `HTTP/1.1 200 OK\r\nX: a\r\n b${end}`,
    `HTTP/1.1 200 OK\nContent-Length: 2\n\nhi`,
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c${end}`,
    `HTTP/2 200 OK${end}`,
    `SSH-2.0-OpenSSH_9.9\r\n\r\n`,
  ];
  for (const answer of rows) {
    const host = await rawHost(t, answer);
    const bench = openBench(t, () => ({ port: host.port }));
    const peer = await bench.connect('serveHttp');
    const text = await peer.send(`GET http://h.example/ HTTP/1.1\r\nHost: h.example${end}`).until('}}\n');
    assert.match(text, /^HTTP\/1\.1 502 /, answer);
  }
  const same = await rawHost(t, `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2${end}hi`);
  const peer = await openBench(t, () => ({ port: same.port })).connect('serveHttp');
  const text = await peer.send(`GET http://h.example/ HTTP/1.1\r\nHost: h.example${end}`).until(`${end}hi`);
  assert.equal(text, `HTTP/1.1 200 OK\r\nContent-Length: 2${end}hi`);
});

test('a kept connection that the host has closed is not noticed by who asks again', async (t) => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    let requests = 0;
    socket.on('data', () => {
      requests += 1;
      // The second request finds a host that has just gone.
      if (requests === 2) socket.resetAndDestroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2${end}hi`);
    });
  });
  const port = await listen(t, server);
  const bench = openBench(t, () => ({ port }));
  const peer = await bench.connect('serveHttp');
  for (const method of ['GET', 'GET']) {
    peer.received = Buffer.alloc(0);
    const text = await peer.send(`${method} http://h.example/ HTTP/1.1\r\nHost: h.example${end}`).until(`${end}hi`);
    assert.match(text, /^HTTP\/1\.1 200 /);
  }
  assert.equal(connections, 2);
  // What may not be done twice is not.
  const posted = await peer
    .send(`POST http://h.example/ HTTP/1.1\r\nHost: h.example\r\nContent-Length: 0${end}`)
    .until('}}\n');
  assert.match(posted, /HTTP\/1\.1 502 /);
  assert.equal(connections, 2);
});

test('a WebSocket goes through, and nothing before the host has agreed', async (t) => {
  const seen: string[] = [];
  const server = http.createServer((_, response) => response.end('plain'));
  server.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    seen.push(`${request.headers.connection} ${request.headers.upgrade} ${head.toString()}`);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket${end}`);
    socket.write(head);
    socket.pipe(socket);
  });
  const port = await listen(t, server);
  const bench = openBench(t, ({ request }) => (request?.path === '/no' ? denied : { port }));
  const ask = 'Host: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket';
  const peer = await bench.connect('serveHttp');
  await peer.send(`GET http://h.example/ws HTTP/1.1\r\n${ask}${end}`).until(end);
  assert.match(await peer.send('echo me').until('echo me'), /^HTTP\/1\.1 101 /);
  peer.socket.end();
  assert.equal(await peer.over, 'end');
  assert.deepEqual(seen, ['Upgrade websocket ']);

  const plain = await bench.connect('serveHttp');
  const text = await plain
    .send(`GET http://h.example/x HTTP/1.1\r\nHost: h.example${end}GET http://h.example/no HTTP/1.1\r\n${ask}${end}`)
    .until('}}\n');
  assert.match(text, /plain[\s\S]*403/);
  assert.equal(seen.length, 1);
});

test('a host that does not agree to WebSocket leaves HTTP behind, where the next request is asked about', async (t) => {
  const host = await rawHost(t, `HTTP/1.1 400 Bad Request\r\nContent-Length: 2${end}hi`);
  const bench = openBench(t, ({ request }) => (request?.path === '/ws' ? { port: host.port } : denied));
  const peer = await bench.connect('serveHttp');
  const ask = 'Host: h.example\r\nConnection: Upgrade\r\nUpgrade: websocket';
  const text = await peer
    .send(
      `GET http://h.example/ws HTTP/1.1\r\n${ask}${end}GET http://h.example/smuggled HTTP/1.1\r\nHost: h.example${end}`,
    )
    .until('}}\n');
  assert.match(text, /^HTTP\/1\.1 400 Bad Request[\s\S]*HTTP\/1\.1 403/);
  assert.equal(host.received.length, 1);
  assert.doesNotMatch(host.received[0] ?? '', /smuggled/);
});

test('CONNECT: refused with the reason, unreachable in words, otherwise bytes both ways', async (t) => {
  const echo = await listen(
    t,
    net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)),
  );
  const bench = openBench(t, ({ host }) =>
    host === 'h.example' ? { port: echo } : host === 'gone.example' ? { port: 1 } : denied,
  );
  const refused = await bench.connect('serveHttp');
  assert.match(
    await refused.send(`CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443${end}`).toEnd(),
    /^HTTP\/1\.1 403 [\s\S]*"rule":"default: deny"/,
  );
  const gone = await bench.connect('serveHttp');
  assert.match(
    await gone.send(`CONNECT gone.example:443 HTTP/1.1${end}`).toEnd(),
    /^HTTP\/1\.1 502 [\s\S]*unreachable/,
  );
  const peer = await bench.connect('serveHttp');
  // The first bytes may come with the request.
  await peer.send(`CONNECT h.example:443 HTTP/1.1\r\nHost: h.example:443${end}early`).until('early');
  peer.socket.end('late');
  assert.equal(await peer.over, 'end');
  assert.equal(peer.received.toString(), `HTTP/1.1 200 Connection established${end}earlylate`);
  assert.deepEqual(bench.traffic.at(-1), { sentBytes: 9, receivedBytes: 9 });
});

test('CONNECT to a host that speaks HTTP: each request is admitted, and only for that host', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, ({ request }) => (request?.path === '/no' ? denied : { port: host.port, speaks: 'http' }));
  const peer = await bench.connect('serveHttp');
  await peer.send(`CONNECT h.example:8080 HTTP/1.1\r\nHost: h.example:8080${end}`).until(end);
  peer.received = Buffer.alloc(0);
  await peer.send(`GET /ok HTTP/1.1\r\nHost: h.example:8080${end}`).until(`${end}hi`);
  assert.equal(host.received[0], `GET /ok HTTP/1.1\r\nHost: h.example:8080${end}`);
  assert.match(await peer.send(`GET /no HTTP/1.1\r\nHost: h.example:8080${end}`).until('}}\n'), /403/);
  assert.match(await peer.send(`GET /ok HTTP/1.1\r\nHost: other.example:8080${end}`).until('mismatch'), /mismatch/);
  const nested = await bench.connect('serveHttp');
  await nested.send(`CONNECT h.example:8080 HTTP/1.1${end}`).until(end);
  assert.match(
    await nested.send(`CONNECT evil.example:22 HTTP/1.1\r\nHost: evil.example:22${end}`).toEnd(),
    /HTTP\/1\.1 400 /,
  );
  assert.equal(host.received.length, 1);
});

test('a host that is for TLS gets no plain request', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port, speaks: 'tls' }));
  const peer = await bench.connect('serveHttp');
  assert.match(
    await peer.send(`GET http://h.example:443/ HTTP/1.1\r\nHost: h.example:443${end}`).until('}}\n'),
    /^HTTP\/1\.1 403 [\s\S]*mismatch/,
  );
  assert.deepEqual(bench.dialled, []);
  assert.equal(bench.traffic[0]?.refusal?.code, 'mismatch');
});

test('the slow, the endless and the many are bounded', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port }), {
    headTimeoutMs: 100,
    idleTimeoutMs: 100,
    maxHeadBytes: 1024,
  });
  const slow = await bench.connect('serveHttp');
  assert.match(await slow.send('GET http://h.example/ HT').toEnd(), /^HTTP\/1\.1 408 /);
  const silent = await bench.connect('serveHttp');
  assert.equal(await silent.toEnd(), '');
  const long = await bench.connect('serveHttp');
  assert.match(
    await long.send(`GET http://h.example/ HTTP/1.1\r\nX: ${'x'.repeat(2000)}`).until('}}\n'),
    /^HTTP\/1\.1 431 /,
  );
});

test('one connection too many is told so, and all end with the run', async (t) => {
  const host = await rawHost(t);
  const bench = openBench(t, () => ({ port: host.port }), { maxConnections: 3 });
  const tunnels = [];
  for (let count = 0; count < 3; count += 1) {
    const peer = await bench.connect('serveHttp');
    assert.match(await peer.send(`CONNECT h.example:22 HTTP/1.1${end}`).until(end), /^HTTP\/1\.1 200 /);
    tunnels.push(peer);
  }
  const many = await bench.connect('serveHttp');
  assert.match(await many.toEnd(), /^HTTP\/1\.1 503 [\s\S]*too-many/);
  // Its neighbour: one that ended makes room.
  tunnels.pop()?.socket.resetAndDestroy();
  let answer = '';
  while (!answer.startsWith('HTTP/1.1 200')) {
    const again = await bench.connect('serveHttp');
    answer = await again.send(`CONNECT h.example:22 HTTP/1.1${end}`).until(end);
    if (answer.startsWith('HTTP/1.1 200')) tunnels.push(again);
  }
  bench.runOver.abort();
  for (const peer of tunnels) assert.equal(await peer.over, 'reset');
});

test('a client that sends requests and reads no answers is no longer read', async (t) => {
  const body = 'x'.repeat(50_000);
  const host = await rawHost(t, `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}${end}${body}`);
  const bench = openBench(t, () => ({ port: host.port }));
  const socket = net.connect({ port: await bench.portOf('serveHttp'), host: '127.0.0.1' });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET http://h.example/ HTTP/1.1\r\nHost: h.example${end}`.repeat(2000));
  let before = -1;
  while (before !== host.received.length) {
    before = host.received.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(before > 0 && before < 1000, `${before} of 2000`);
});

test('a large body waits for a slow reader, both ways', async (t) => {
  const total = 8 * 1024 * 1024;
  const server = http.createServer((request, response) => {
    let size = 0;
    request.on('data', (bytes: Buffer) => {
      size += bytes.length;
    });
    request.on('end', () => response.end(Buffer.alloc(total, String(size).slice(0, 1))));
  });
  const port = await listen(t, server);
  const bench = openBench(t, () => ({ port }));
  const request = http.request({
    host: '127.0.0.1',
    port: await bench.portOf('serveHttp'),
    path: 'http://h.example/',
    method: 'PUT',
    headers: { host: 'h.example', 'content-length': total },
  });
  request.end(Buffer.alloc(total));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let size = 0;
  for await (const bytes of response) size += (bytes as Buffer).length;
  assert.equal(size, total);
  assert.ok((bench.traffic[0] as FrontBench['traffic'][0]).sentBytes > total);
});
