// A daemon elsewhere: what is refused before a byte is sent, and what an answer becomes.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import path from 'node:path';
import test, { after, type TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { readDestination } from '../../../client/connect-elsewhere.ts';
import { openTcpConnection, parseDaemonUrl } from '../../../client/dial-tcp.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const folder = mkdtempSync('/tmp/sbx-dial-');
after(() => rmSync(folder, { recursive: true, force: true }));
const files = makeCertificate(folder);
const token = 'a-token-of-enough-characters-0123456789';

async function listen(t: TestContext, server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const badUrls: readonly [what: string, url: string, message: RegExp][] = [
  ['nothing', '', /ws:\/\/HOST:PORT/],
  ['no scheme', '127.0.0.1:7474', /ws:\/\/HOST:PORT/],
  ['http', 'http://127.0.0.1:7474', /ws:\/\/HOST:PORT/],
  ['a file', 'file:///etc/passwd', /ws:\/\/HOST:PORT/],
  ['a unix socket', 'ws+unix:///run/sbxd.sock', /ws:\/\/HOST:PORT/],
  ['a path', 'ws://127.0.0.1:7474/x', /ws:\/\/HOST:PORT/],
  ['a query', 'ws://127.0.0.1:7474/?token=x', /ws:\/\/HOST:PORT/],
  ['a fragment', 'ws://127.0.0.1:7474/#x', /ws:\/\/HOST:PORT/],
  ['a user', 'ws://me@127.0.0.1:7474', /no user name/],
  ['a password', 'ws://:x@127.0.0.1:7474', /no user name/],
];
for (const [what, url, message] of badUrls) {
  test(`an address with ${what} is refused`, () => {
    assert.throws(() => parseDaemonUrl(url), { code: 'bad-usage', message });
  });
}
test('good addresses', () => {
  for (const url of ['ws://127.0.0.1:7474', 'wss://sbx.internal', 'ws://[::1]:1/']) assert.ok(parseDaemonUrl(url));
});

const elsewhere = [
  'ws://192.0.2.1:7474',
  'ws://[2001:db8::1]:7474',
  'ws://[::ffff:192.0.2.1]:7474',
  'ws://0.0.0.0:7474',
];
for (const url of elsewhere) {
  test(`${url}: plain text does not leave this machine, with or without a token`, async () => {
    const plain = { code: 'unauthorized', message: /plain text/ };
    await assert.rejects(openTcpConnection({ url, token }), plain);
    await assert.rejects(openTcpConnection({ url }), plain);
  });
}

test('a name is refused for plain text by the address that it leads to', async () => {
  // A name that no resolver knows ends in another error; one that leads away must not be spoken to at all.
  const { lookup } = await import('node:dns/promises');
  const { hostname } = await import('node:os');
  const addresses = await lookup(hostname(), { all: true }).catch(() => []);
  const leadsAway = addresses.some(({ address }) => !address.startsWith('127.') && address !== '::1');
  await assert.rejects(openTcpConnection({ url: `ws://${hostname()}:1`, token }), {
    code: leadsAway ? 'unauthorized' : 'daemon-unreachable',
  });
});

test('localhost by name is this machine', async (t) => {
  const server = http.createServer();
  new WebSocketServer({ server }).on('headers', (headers) => headers.push('sbx-build: b1'));
  const port = await listen(t, server);
  let sent: string | undefined;
  server.on('upgrade', (request) => {
    sent = request.headers.authorization;
    assert.equal(request.headers.origin, undefined);
  });
  const connection = await openTcpConnection({ url: `ws://localhost:${port}`, token });
  assert.equal(connection.build, 'b1');
  assert.equal(sent, `Bearer ${token}`);
  connection.close();
});

test('a token that cannot be one is not sent', async () => {
  for (const bad of ['toosmall', `${token} ${token}`, `${token}\r\nX: y`]) {
    await assert.rejects(
      openTcpConnection({ url: 'ws://127.0.0.1:1', token: bad }),
      (error: Error & { code: string }) => {
        assert.ok(!error.message.includes(bad));
        return error.code === 'unauthorized';
      },
    );
  }
});

const refusals: readonly [what: string, status: number, body: string, code: string, message: RegExp][] = [
  [
    'of the daemon',
    401,
    '{"code":"unauthorized","message":"the token is wrong","help":"h"}',
    'unauthorized',
    /^the token is wrong$/,
  ],
  ['of a full daemon', 503, '{"code":"too-many-clients","message":"full","help":"h"}', 'too-many-clients', /^full$/],
  [
    'with escape sequences',
    401,
    '{"code":"unauthorized","message":"a\\u001b[2Jb","help":"h"}',
    'unauthorized',
    /^a\\x1b\[2Jb$/,
  ],
  [
    'with a code that no refusal has',
    401,
    '{"code":"internal","message":"x"}',
    'daemon-unreachable',
    /no sbx daemon .*401/,
  ],
  ['that is no JSON', 404, '<html>', 'daemon-unreachable', /no sbx daemon .*404/],
  ['that is no object', 400, 'null', 'daemon-unreachable', /no sbx daemon/],
  ['without end', 400, 'x'.repeat(1_000_000), 'daemon-unreachable', /no sbx daemon/],
  ['that leads elsewhere', 302, '', 'daemon-unreachable', /no sbx daemon .*302/],
];
for (const [what, status, body, code, message] of refusals) {
  test(`a refusal ${what}`, async (t) => {
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined);
      socket.end(`HTTP/1.1 ${status} x\r\nLocation: ws://127.0.0.1:1/\r\nConnection: close\r\n\r\n${body}`);
    });
    const port = await listen(t, server);
    await assert.rejects(openTcpConnection({ url: `ws://127.0.0.1:${port}` }), { code, message });
  });
}

test('nobody there, or nobody who answers', async (t) => {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const taken: net.Socket[] = [];
  server.on('connection', (socket) => taken.push(socket));
  t.after(() => taken.forEach((socket) => void socket.destroy()));
  const url = `ws://127.0.0.1:${port}`;
  await assert.rejects(openTcpConnection({ url, handshakeTimeoutMs: 100 }), { code: 'daemon-unreachable' });
  server.close();
  await assert.rejects(openTcpConnection({ url: 'ws://127.0.0.1:1' }), {
    code: 'daemon-unreachable',
    message: /REFUSED/,
  });
});

test('a certificate that nobody vouches for gets no token, with its authority it does', async (t) => {
  let seen = 0;
  const server = https.createServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
  new WebSocketServer({ server }).on('connection', () => seen++);
  const port = await listen(t, server);
  const url = `wss://127.0.0.1:${port}`;
  await assert.rejects(openTcpConnection({ url, token }), { code: 'daemon-unreachable', help: /SBX_TLS_CA/ });
  await assert.rejects(openTcpConnection({ url, token, insecure: true }), { code: 'daemon-unreachable' });
  assert.equal(seen, 0);
  const connection = await openTcpConnection({ url, token, ca: readFileSync(files.cert) });
  connection.close();
});

test('the environment names daemon, token and authority', () => {
  const tokenFile = path.join(folder, 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const url = 'wss://sbx.internal:7474';
  assert.deepEqual(readDestination({ SBX_DAEMON: url, SBX_TOKEN_FILE: tokenFile, SBX_TLS_CA: files.cert }), {
    url,
    token,
    ca: readFileSync(files.cert),
    insecure: false,
  });
  assert.equal(readDestination({ SBX_DAEMON: url, SBX_TOKEN: token }).token, token);
  assert.equal(readDestination({ SBX_DAEMON: url, SBX_INSECURE: '1' }).insecure, true);
  assert.equal(readDestination({ SBX_DAEMON: url, SBX_INSECURE: '0' }).insecure, false);
  const both = { SBX_DAEMON: url, SBX_TOKEN: token, SBX_TOKEN_FILE: tokenFile };
  assert.throws(() => readDestination(both), { code: 'bad-usage', message: /both set/ });
  assert.throws(() => readDestination({ SBX_DAEMON: url, SBX_INSECURE: 'yes' }), { code: 'bad-usage' });
  assert.throws(() => readDestination({ SBX_DAEMON: url, SBX_TLS_CA: '/nowhere' }), { code: 'bad-usage' });
  chmodSync(tokenFile, 0o644);
  assert.throws(() => readDestination({ SBX_DAEMON: url, SBX_TOKEN_FILE: tokenFile }), {
    code: 'unauthorized',
    message: /mode 644/,
  });
});
