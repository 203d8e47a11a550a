import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { makeCertificate } from '../../fixtures/certificate.ts';
import { helloMessage, record, serverName } from '../../fixtures/client-hello.ts';
import { denied, listen, openBench, Peer } from '../../fixtures/front-bench.ts';

const end = '\r\n\r\n';

/** Counts what reaches it; a TLS server behind would answer any name. */
async function silentHost(t: TestContext) {
  const received: Buffer[] = [];
  const port = await listen(
    t,
    net.createServer((socket) => socket.on('data', (bytes) => received.push(bytes))),
  );
  return { port, received };
}

async function tunnelTo(bench: ReturnType<typeof openBench>, authority: string): Promise<Peer> {
  const peer = await bench.connect('serveHttp');
  await peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}${end}`).until(end);
  peer.received = Buffer.alloc(0);
  return peer;
}

const hello = (name?: string): Buffer => record(helloMessage(name === undefined ? [] : [serverName(name)]));

test('where TLS is spoken, the name in the handshake must be the host that was admitted', async (t) => {
  const rows: readonly (readonly [what: string, authority: string, bytes: Buffer, alert: number])[] = [
    ['another name', 'h.example:443', hello('evil.example'), 112],
    ['a name below', 'h.example:443', hello('x.h.example'), 112],
    ['a final dot', 'h.example:443', hello('h.example.'), 112],
    ['no name', 'h.example:443', hello(), 112],
    ['a name for an address', '192.0.2.7:443', hello('evil.example'), 112],
    ['plain HTTP', 'h.example:443', Buffer.from(`GET / HTTP/1.1\r\nHost: h.example${end}`), 112],
    ['another record first', 'h.example:443', Buffer.concat([record(Buffer.from([1]), 20), hello('h.example')]), 112],
  ];
  for (const [what, authority, bytes, alert] of rows) {
    const host = await silentHost(t);
    const bench = openBench(t, () => ({ port: host.port, speaks: 'tls' }));
    const peer = await tunnelTo(bench, authority);
    await peer.send(bytes).toEnd();
    assert.deepEqual([...peer.received], [21, 3, 3, 0, 2, 2, alert], what);
    assert.equal(bench.traffic[0]?.refusal?.code, 'mismatch', what);
    assert.deepEqual(host.received, [], what);
  }
  const good: readonly (readonly [authority: string, name: string | undefined])[] = [
    ['h.example:443', 'H.Example'],
    ['192.0.2.7:443', undefined],
    ['192.0.2.7:443', '192.0.2.7'],
    ['[2001:db8::1]:443', undefined],
  ];
  for (const [authority, name] of good) {
    const host = await silentHost(t);
    const bench = openBench(t, () => ({ port: host.port, speaks: 'tls' }));
    const peer = await tunnelTo(bench, authority);
    const bytes = hello(name);
    // Byte by byte, and more behind it.
    for (const byte of bytes) peer.send(Buffer.from([byte]));
    peer.send('and more').socket.end();
    while (Buffer.concat(host.received).length < bytes.length + 8)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(Buffer.concat(host.received).toString('latin1'), `${bytes.toString('latin1')}and more`, authority);
  }
});

test('TLS passes, with its name and bytes counted, through every front', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sbx-tunnel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { cert, key } = makeCertificate(folder);
  const server = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  const port = await listen(t, server);
  const bench = openBench(t, () => ({ port, speaks: 'tls' }));
  const direct = new Peer(t, await bench.portOf('serveDirect'));
  const socks = await bench.connect('serveSocks');
  await socks.send(Buffer.from([5, 1, 0])).until(2);
  const name = 'direct.example';
  const ask = Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), Buffer.from(name), Buffer.from([1, 187])]);
  await socks.send(ask).until(12);
  const connect = await tunnelTo(bench, `${name}:443`);
  for (const peer of [direct, socks, connect]) {
    peer.socket.removeAllListeners('data');
    const client = tls.connect({ socket: peer.socket, servername: name, rejectUnauthorized: false });
    const [bytes] = (await once(client, 'data')) as [Buffer];
    assert.equal(bytes.toString(), 'hello');
    client.end();
    await once(client, 'close');
  }
  while (bench.traffic.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const traffic of bench.traffic) {
    assert.equal(traffic.sni, name);
    assert.ok(traffic.sentBytes > 200 && traffic.receivedBytes > 200);
    assert.equal(traffic.refusal, undefined);
  }
});

test('a client that connects and says nothing is let go, and one that says half', async (t) => {
  const host = await silentHost(t);
  const bench = openBench(t, () => ({ port: host.port, speaks: 'tls' }), { headTimeoutMs: 50 });
  const silent = await tunnelTo(bench, 'h.example:443');
  assert.equal(await silent.over, 'reset');
  const half = await tunnelTo(bench, 'h.example:443');
  await half.send(hello('h.example').subarray(0, 20)).toEnd();
  assert.equal(half.received[0], 21);
  assert.deepEqual(host.received, []);
});

test('each direction ends by itself', async (t) => {
  let heard = '';
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (bytes) => {
      heard += bytes;
    });
    // The answer begins only when the question has ended.
    socket.on('end', () => socket.end(`heard ${heard}`));
  });
  const port = await listen(t, server);
  const bench = openBench(t, () => ({ port }));
  const peer = await tunnelTo(bench, 'h.example:22');
  peer.socket.end('question');
  assert.equal(await peer.toEnd(), 'heard question');
  assert.equal(await peer.over, 'end');
});

test('a reset on either side is one on the other', async (t) => {
  const sockets: net.Socket[] = [];
  const port = await listen(
    t,
    net.createServer((socket) => sockets.push(socket)),
  );
  const bench = openBench(t, () => ({ port }));
  const first = await tunnelTo(bench, 'h.example:22');
  while (sockets.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  sockets[0]?.write('part');
  await first.until('part');
  sockets[0]?.resetAndDestroy();
  assert.equal(await first.over, 'reset');
  const second = await tunnelTo(bench, 'h.example:22');
  while (sockets.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const host = sockets[1] as net.Socket;
  const broken = once(host, 'error');
  host.resume();
  second.socket.resetAndDestroy();
  assert.equal(((await broken)[0] as NodeJS.ErrnoException).code, 'ECONNRESET');
});

test('a reader that stops makes the writer wait, with little held in between', async (t) => {
  let sent = 0;
  const server = net.createServer((socket) => {
    const chunk = Buffer.alloc(64 * 1024);
    const pump = (): void => {
      while (sent < 1 << 30) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', pump);
    pump();
  });
  const port = await listen(t, server);
  const bench = openBench(t, () => ({ port }));
  const peer = await bench.connect('serveHttp');
  peer.send(`CONNECT h.example:22 HTTP/1.1${end}`);
  await once(peer.socket, 'data');
  peer.socket.pause();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  assert.ok(sent < 64 * 1024 * 1024, `${sent}`);
});

test('direct: the address says the host, one that stands for nothing is reset, a refusal speaks the protocol', async (t) => {
  const host = await silentHost(t);
  const bench = openBench(t, () => denied, { sniffTimeoutMs: 100 });
  const tlsPeer = await bench.connect('serveDirect');
  await tlsPeer.send(hello('direct.example')).toEnd();
  assert.deepEqual([...tlsPeer.received], [21, 3, 3, 0, 2, 2, 49]);
  const httpPeer = await bench.connect('serveDirect');
  assert.match(await httpPeer.send(`GET / HTTP/1.1\r\nHost: direct.example${end}`).toEnd(), /^HTTP\/1\.1 403 /);
  const raw = await bench.connect('serveDirect');
  assert.equal(await raw.send('SSH-2.0-x\r\n').over, 'reset');
  const silent = await bench.connect('serveDirect');
  assert.equal(await silent.over, 'reset');
  const port = await bench.portOf('serveDirect');
  assert.deepEqual(bench.attempts[0], { front: 'direct', host: 'direct.example', port });
  const asked = bench.attempts.length;
  const stranger = net.connect({ port, host: '127.0.0.1' });
  await once(stranger, 'connect');
  stranger.destroy();
  assert.ok(asked >= 4);
  assert.deepEqual(host.received, []);
});

test('direct: an address that stands for no name is reset, and nobody is asked', async (t) => {
  const bench = openBench(t, () => ({ port: 1 }));
  const server = net.createServer(bench.fronts.serveDirect);
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  t.after(() => {
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  const socket = net.connect({ port, host: '127.0.0.2' });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  assert.deepEqual(bench.attempts, []);
});
