// Both ways into a daemon, with real sockets and nothing behind them: who comes in, who does not, and what is left over.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import tls from 'node:tls';
import { type ClientOptions, WebSocket } from 'ws';
import { limits, protocolVersion } from '../../../client/protocol/limits.ts';
import type { ConnectionContext, Handlers } from '../../../daemon/request/connection.ts';
import type { ListenPlan } from '../../../daemon/request/listen-plan.ts';
import { maxClients, type ReceptionTimes } from '../../../daemon/request/reception.ts';
import { listen, type RunningServer } from '../../../daemon/request/server.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const token = 'a-token-of-enough-characters-0123456789';
const authorized = { authorization: `Bearer ${token}` };
const loopback: ListenPlan = {
  ip: '127.0.0.1',
  port: 0,
  isLoopback: true,
  token,
  tls: undefined,
  names: ['allowed.internal'],
  warnings: [],
};

interface Opened {
  readonly server: RunningServer;
  readonly socketPath: string;
  readonly url: string;
  readonly port: number;
  readonly log: string[];
}

async function open(t: TestContext, plan: ListenPlan = loopback, times?: Partial<ReceptionTimes>): Promise<Opened> {
  const folder = mkdtempSync('/tmp/sbx-reception-');
  const socketPath = path.join(folder, 'sbxd.sock');
  const log: string[] = [];
  const context: ConnectionContext = {
    build: 'test',
    daemonId: 'test',
    handlers: {} as Handlers,
    onGreeted: () => undefined,
    onStdin: () => undefined,
    onClosed: () => undefined,
    log: (message) => log.push(message),
  };
  const server = await listen({ socketPath, tcp: plan, context, times: { ...limits, ...times } });
  assert.ok(server?.listen);
  t.after(async () => {
    await server.close('test');
    rmSync(folder, { recursive: true, force: true });
  });
  return { server, socketPath, url: server.listen, port: Number(new URL(server.listen).port), log };
}

type Outcome = 'open' | { readonly status: number | undefined; readonly code: unknown };

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
}

/** What becomes of a WebSocket handshake. */
async function knock(target: string, options: ClientOptions = {}): Promise<Outcome> {
  const socket = new WebSocket(target, { handshakeTimeout: 5_000, ...options });
  const outcome = await new Promise<Outcome>((resolve, reject) => {
    socket.on('open', () => resolve('open'));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => {
        body += bytes.toString('utf8');
      });
      response.on('end', () => {
        assert.match(response.headers['content-type'] ?? '', /^application\/json/);
        const answer = JSON.parse(body) as Record<string, unknown>;
        assert.deepEqual(Object.keys(answer), ['code', 'message', 'help']);
        assert.ok(!body.includes(token) && !body.includes('attacker'), body);
        resolve({ status: response.statusCode, code: answer['code'] });
      });
    });
  });
  socket.on('error', () => undefined);
  socket.terminate();
  return outcome;
}

/** Sends text and collects what comes back until the other side closes. */
async function speak(socket: net.Socket, text: string): Promise<string> {
  let answer = '';
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (part: string) => {
    answer += part;
  });
  socket.write(text);
  if (!socket.closed) await once(socket, 'close');
  return answer;
}

const unauthorized = (status: number): Outcome => ({ status, code: 'unauthorized' });
const knocks: readonly [what: string, headers: Record<string, string>, path: string, outcome: Outcome][] = [
  ['the token', authorized, '/', 'open'],
  ['an allowed host name', { ...authorized, host: 'allowed.internal' }, '/', 'open'],
  ['no token', {}, '/', unauthorized(401)],
  ['a wrong token', { authorization: `Bearer ${token}x` }, '/', unauthorized(401)],
  ['the token in the path', {}, `/?token=${token}`, unauthorized(401)],
  ["an attacker's host name", { ...authorized, host: 'attacker.example' }, '/', unauthorized(403)],
  ['an origin', { ...authorized, origin: 'https://attacker.example' }, '/', unauthorized(403)],
  ['the origin of the daemon itself', { ...authorized, origin: 'http://127.0.0.1' }, '/', unauthorized(403)],
  ['the origin null', { ...authorized, origin: 'null' }, '/', unauthorized(403)],
  ['an origin and no token', { origin: 'https://attacker.example' }, '/', unauthorized(403)],
  ['another path', authorized, '/attacker', { status: 404, code: 'bad-request' }],
  ['a query', authorized, '/?attacker', { status: 404, code: 'bad-request' }],
];
test('who comes in over TCP', async (t) => {
  const { url, server } = await open(t);
  for (const [what, headers, place, outcome] of knocks) {
    await t.test(`with ${what}`, async () => {
      const host = headers['host'];
      const own = host === undefined ? {} : { host };
      assert.deepEqual(await knock(`${url}${place}`, { headers: { ...headers, ...own } }), outcome);
    });
  }
  while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('the unix socket asks for no token and no host, but takes no origin', async (t) => {
  const { socketPath } = await open(t);
  const target = `ws+unix://${socketPath}:/`;
  assert.equal(await knock(target), 'open');
  assert.equal(await knock(target, { headers: { host: 'anything' } }), 'open');
  assert.deepEqual(await knock(target, { headers: { origin: 'https://attacker.example' } }), unauthorized(403));
  assert.deepEqual(await knock(`ws+unix://${socketPath}:/other`), { status: 404, code: 'bad-request' });
});

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
const bearer = `Authorization: Bearer ${token}\r\n`;
const texts: readonly [what: string, text: (host: string) => string, status: number][] = [
  ['a good one', (host) => `GET / HTTP/1.1\r\n${host}${bearer}${upgrade}${key}\r\n`, 101],
  ['no Host', () => `GET / HTTP/1.1\r\n${bearer}${upgrade}${key}\r\n`, 403],
  ['two Hosts', (host) => `GET / HTTP/1.1\r\n${host}${host}${bearer}${upgrade}${key}\r\n`, 403],
  [
    'a wrong Host behind a right one',
    (host) => `GET / HTTP/1.1\r\n${host}Host: attacker.example\r\n${bearer}${upgrade}${key}\r\n`,
    403,
  ],
  [
    'an absolute address',
    (host) => `GET http://attacker.example/ HTTP/1.1\r\n${host}${bearer}${upgrade}${key}\r\n`,
    404,
  ],
  ['two tokens', (host) => `GET / HTTP/1.1\r\n${host}${bearer}${bearer}${upgrade}${key}\r\n`, 401],
  ['an empty origin', (host) => `GET / HTTP/1.1\r\n${host}Origin:\r\n${bearer}${upgrade}${key}\r\n`, 403],
  ['no key', (host) => `GET / HTTP/1.1\r\n${host}${bearer}${upgrade}\r\n`, 400],
  ['another method', (host) => `POST / HTTP/1.1\r\n${host}${bearer}${upgrade}${key}\r\n`, 400],
  ['plain HTTP', (host) => `GET / HTTP/1.1\r\n${host}\r\n`, 426],
  ['plain HTTP with a token', (host) => `GET /x HTTP/1.1\r\n${host}${bearer}\r\n`, 426],
  ['plain HTTP 1.0', () => 'GET / HTTP/1.0\r\n\r\n', 403],
  ['plain HTTP from a page', (host) => `GET / HTTP/1.1\r\n${host}Origin: https://a.example\r\n\r\n`, 403],
  ['a form of a page', (host) => `POST / HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`, 426],
  ['no HTTP', () => 'hello\r\n\r\n', 400],
  ['a header that no header can be', (host) => `GET / HTTP/1.1\r\n${host}a b: c\r\n\r\n`, 400],
  ['headers without end', (host) => `GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
];
test('what is sent before there is a WebSocket', async (t) => {
  const { port } = await open(t);
  for (const [what, text, status] of texts) {
    await t.test(`${what}: ${status}`, async () => {
      const socket = net.connect(port, '127.0.0.1');
      if (status === 101) setTimeout(() => socket.end(), 50);
      const answer = await speak(socket, text(`Host: 127.0.0.1:${port}\r\n`));
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      if (status === 101) return;
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      assert.match(head, /^content-type: application\/json/im);
      assert.match(head, /^connection: close$/im);
      assert.ok('code' in (JSON.parse(body) as object));
      assert.ok(!answer.includes('attacker') && !answer.includes(token));
    });
  }
});

test('a handshake that never ends is ended, over TCP and TLS', async (t) => {
  const folder = mkdtempSync('/tmp/sbx-certificate-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = makeCertificate(folder);
  const pem = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const times = { helloTimeoutMs: 200 };
  const plain = await open(t, loopback, times);
  const answer = await speak(net.connect(plain.port, '127.0.0.1'), 'GET / HTTP/1.1\r\nHost: ');
  assert.match(answer, /^HTTP\/1\.1 408 /);
  const encrypted = await open(t, { ...loopback, tls: pem }, times);
  const silent = net.connect(encrypted.port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'close');
  assert.equal(await knock(encrypted.url, { headers: authorized, ca: pem.cert }), 'open');
});

test('TLS: its certificate is checked, old versions and plain text are refused', async (t) => {
  const folder = mkdtempSync('/tmp/sbx-certificate-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = makeCertificate(folder);
  const pem = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const { url, port, server } = await open(t, { ...loopback, tls: pem });
  assert.match(url, /^wss:\/\/127\.0\.0\.1:/);
  assert.equal(await knock(url, { headers: authorized, ca: pem.cert }), 'open');
  assert.deepEqual(await knock(url, { ca: pem.cert }), unauthorized(401));
  await assert.rejects(knock(url, { headers: authorized }), /self-signed certificate/);
  // Level 0, or the client itself would not offer it.
  const ancient = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const old = tls.connect({ host: '127.0.0.1', port, ca: pem.cert, ...ancient });
  await assert.rejects(once(old, 'secureConnect'), /protocol version|alert/);
  assert.doesNotMatch(await speak(net.connect(port, '127.0.0.1'), 'GET / HTTP/1.1\r\n\r\n'), /HTTP\/1\.1 [124]0/);
  while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
});

/** A client that says hello at once, or never. */
async function enter(target: string, options: ClientOptions, says: 'hello' | 'nothing'): Promise<WebSocket> {
  const socket = new WebSocket(target, options);
  socket.on('error', () => undefined);
  await once(socket, 'open');
  if (says === 'hello') {
    const params = { protocol: protocolVersion, build: 'test', client: 'test' };
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'hello', params }));
    await once(socket, 'message');
  }
  return socket;
}

test('who does not say hello is sent away, over both sockets; who did is not', async (t) => {
  const { url, socketPath } = await open(t, loopback, { helloTimeoutMs: 150 });
  const unix = `ws+unix://${socketPath}:/`;
  const polite = [await enter(url, { headers: authorized }, 'hello'), await enter(unix, {}, 'hello')];
  const mute = [await enter(url, { headers: authorized }, 'nothing'), await enter(unix, {}, 'nothing')];
  for (const [code, reason] of (await Promise.all(mute.map((socket) => once(socket, 'close')))) as [number, Buffer][]) {
    assert.deepEqual([code, reason.toString()], [1008, 'hello-first']);
  }
  for (const socket of polite) {
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.terminate();
  }
});

test('a silent client is given up over TCP, one on the unix socket never', async (t) => {
  const { url, socketPath, log } = await open(t, loopback, { heartbeatMs: 20, silenceMs: 60 });
  const stopped = await enter(`ws+unix://${socketPath}:/`, { autoPong: false }, 'hello');
  const healthy = await enter(url, { headers: authorized }, 'hello');
  const mute = await enter(url, { headers: authorized, autoPong: false }, 'hello');
  await once(mute, 'close');
  for (let pings = 0; pings < 5; pings++) await once(healthy, 'ping');
  assert.equal(healthy.readyState, WebSocket.OPEN);
  assert.equal(stopped.readyState, WebSocket.OPEN);
  assert.deepEqual(log, ['tcp: gave up a silent client']);
  for (const socket of [stopped, healthy]) socket.terminate();
});

test('a heartbeat under TLS hears the answers', async (t) => {
  const folder = mkdtempSync('/tmp/sbx-certificate-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = makeCertificate(folder);
  const pem = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const { url } = await open(t, { ...loopback, tls: pem }, { heartbeatMs: 20, silenceMs: 60 });
  const options = { headers: authorized, ca: pem.cert };
  const healthy = await enter(url, options, 'hello');
  const mute = await enter(url, { ...options, autoPong: false }, 'hello');
  await once(mute, 'close');
  for (let pings = 0; pings < 6; pings++) await once(healthy, 'ping');
  assert.equal(healthy.readyState, WebSocket.OPEN);
  healthy.terminate();
});

test('a full daemon says so, keeps places for the unix socket, and has room again afterwards', async (t) => {
  const { url, socketPath, server } = await open(t);
  const unix = `ws+unix://${socketPath}:/`;
  const clients: WebSocket[] = [];
  const full = { status: 503, code: 'too-many-clients' };
  while (server.connections.size < maxClients - 16) clients.push(await enter(url, { headers: authorized }, 'nothing'));
  assert.deepEqual(await knock(url, { headers: authorized }), full);
  assert.deepEqual(await knock(url), unauthorized(401), 'a stranger is not told');
  while (server.connections.size < maxClients) clients.push(await enter(unix, {}, 'nothing'));
  assert.deepEqual(await knock(unix), full);
  for (const client of clients) client.terminate();
  while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await knock(url, { headers: authorized }), 'open');
});

test('sockets that say nothing crowd out neither a client that is there nor a new one', async (t) => {
  const { url, port } = await open(t);
  const healthy = await enter(url, { headers: authorized }, 'hello');
  const silent: net.Socket[] = [];
  for (let count = 0; count < 1000; count++) {
    silent.push(net.connect(port, '127.0.0.1').on('error', () => undefined));
  }
  const crowd = Promise.all(silent.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
  await crowd;
  assert.equal(await knock(url, { headers: authorized }), 'open');
  while (silent.filter((socket) => !socket.closed).length > 512) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(healthy.readyState, WebSocket.OPEN);
  healthy.ping();
  await once(healthy, 'pong');
  for (const socket of silent) socket.destroy();
  healthy.terminate();
});

test('closing tells every client why', async (t) => {
  const { server, url, socketPath } = await open(t);
  const clients = [
    await enter(url, { headers: authorized }, 'hello'),
    await enter(`ws+unix://${socketPath}:/`, {}, 'hello'),
  ];
  const closed = Promise.all(clients.map((client) => once(client, 'close')));
  await server.close('idle');
  for (const [code, reason] of (await closed) as [number, Buffer][]) {
    assert.deepEqual([code, reason.toString()], [1001, 'idle']);
  }
  assert.equal(server.connections.size, 0);
});

test('draining leaves port and name, keeps its clients, and is reached beside', async (t) => {
  const { server, url, socketPath } = await open(t);
  const old = [
    await enter(url, { headers: authorized }, 'hello'),
    await enter(`ws+unix://${socketPath}:/`, {}, 'hello'),
  ];
  server.drain();
  server.drain();
  const aside = path.join(path.dirname(socketPath), `sbxd.${process.pid}.sock`);
  assert.equal(server.socketPath(), aside);
  assert.ok(server.isReachable());
  await assert.rejects(knock(`ws+unix://${socketPath}:/`), { code: 'ENOENT' });
  await assert.rejects(knock(url, { headers: authorized }), { code: 'ECONNREFUSED' });
  assert.equal(await knock(`ws+unix://${aside}:/`), 'open');
  for (const client of old) {
    client.ping();
    await once(client, 'pong');
  }
  await server.close('drain');
  await assert.rejects(knock(`ws+unix://${aside}:/`), { code: 'ENOENT' });
});

test('an address that is taken is one clear error, and the unix socket is given back', async (t) => {
  const taken = http.createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as net.AddressInfo;
  await assert.rejects(open(t, { ...loopback, port }), {
    code: 'bad-listen',
    message: /another program listens there/,
  });
  await assert.rejects(open(t, { ...loopback, ip: '192.0.2.1' }), { code: 'bad-listen', message: /does not have/ });
});

test('a flood of refusals is a few lines in the log', async (t) => {
  const { url, log } = await open(t);
  for (let count = 0; count < 50; count++) assert.deepEqual(await knock(url), unauthorized(401));
  assert.deepEqual(log, ['tcp: refused a client: the token is missing or is not the one of this daemon (127.0.0.1)']);
});

/** Every beginning of the handshake, then the connection is ended or reset; bytes in it changed here and there. */
async function breakOff(text: string, connect: () => net.Socket): Promise<void> {
  const beginnings = Array.from({ length: text.length + 1 }, (_, length) => text.slice(0, length));
  const changed = beginnings.map((part, index) => `${part.slice(0, index / 2)}\x00\xff${part.slice(index / 2)}`);
  for (const group of [beginnings, changed]) {
    await Promise.all(
      group.map(async (part, index) => {
        const socket = connect().on('error', () => undefined);
        socket.resume();
        socket.write(part, 'latin1', () => (index % 2 === 0 ? socket.end() : socket.destroy()));
        setTimeout(() => socket.destroy(), 500).unref();
        if (!socket.closed) await once(socket, 'close');
      }),
    );
  }
}

test('a handshake that breaks off at any byte disturbs nobody, over TCP, TLS and the unix socket', async (t) => {
  const folder = mkdtempSync('/tmp/sbx-certificate-');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = makeCertificate(folder);
  const pem = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
  const plain = await open(t);
  const encrypted = await open(t, { ...loopback, tls: pem });
  const good = (port: number) => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${bearer}${upgrade}${key}\r\n`;
  const healthy = [
    await enter(plain.url, { headers: authorized }, 'hello'),
    await enter(`ws+unix://${plain.socketPath}:/`, {}, 'hello'),
    await enter(encrypted.url, { headers: authorized, ca: pem.cert }, 'hello'),
  ];
  await breakOff(good(plain.port), () => net.connect(plain.port, '127.0.0.1'));
  await breakOff(good(1), () => net.connect(plain.socketPath));
  await breakOff(good(encrypted.port), () => net.connect(encrypted.port, '127.0.0.1'));
  await breakOff(good(encrypted.port), () => tls.connect({ port: encrypted.port, host: '127.0.0.1', ca: pem.cert }));
  for (const client of healthy) {
    client.ping();
    await once(client, 'pong');
    client.terminate();
  }
  for (const { server } of [plain, encrypted]) {
    while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
  }
});

test('IPv6 loopback', { skip: !hasIpv6() }, async (t) => {
  const { url, port } = await open(t, { ...loopback, ip: '::1' });
  assert.equal(url, `ws://[::1]:${port}`);
  assert.equal(await knock(url, { headers: authorized }), 'open');
  assert.deepEqual(await knock(url, { headers: { ...authorized, host: '[::2]' } }), unauthorized(403));
});
