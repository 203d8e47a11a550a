// The daemon on TCP as a client elsewhere meets it, and as an attacker does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { findSocketPaths } from '../../client/connect.ts';
import { openConnection } from '../../client/dial.ts';
import { openTcpConnection } from '../../client/dial-tcp.ts';
import { protocolVersion } from '../../client/protocol/limits.ts';
import { makeCertificate } from '../fixtures/certificate.ts';
import type { PrivateSbx, Result } from '../fixtures/private-sbx.ts';
import { withSbx } from '../fixtures/with-sbx.ts';

interface Listening {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly token: string;
}

const stateFile = (sbx: PrivateSbx, name: string) => path.join(sbx.home, '.local/state/sbx', name);
const readLog = (sbx: PrivateSbx) => readFileSync(stateFile(sbx, 'sbxd.log'), 'utf8');

async function startListening(sbx: PrivateSbx, ...options: string[]): Promise<Listening> {
  const { out, stderr } = await sbx.call(['daemon', 'start', '--listen', '127.0.0.1:0', ...options]);
  const [, pid, url] = /^sbxd \S+ runs as process (\d+) and listens on (wss?:\/\/\S+)\n$/.exec(out) ?? [];
  assert.ok(url, stderr);
  const token = readFileSync(stateFile(sbx, 'token'), 'utf8').trim();
  return { url, port: Number(new URL(url).port), pid: Number(pid), token };
}

/** As from another machine: whatever this one has in its own runtime directory is not seen. */
function elsewhere(sbx: PrivateSbx, env: Record<string, string>): { env: Record<string, string> } {
  const runtime = path.join(sbx.base, 'elsewhere');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  return { env: { XDG_RUNTIME_DIR: runtime, ...env } };
}

function assertRefused(result: Result, message: RegExp): void {
  assert.match(result.stderr, /^sbx: [^\n]+\n$/);
  assert.match(result.stderr, message);
  assert.equal(result.status, 125);
  assert.equal(result.out, '');
}

async function readStatus(sbx: PrivateSbx): Promise<{ pid: number; listen?: string; liveRuns: number }> {
  return JSON.parse((await sbx.call(['status', '--json'])).out);
}

/** Listening TCP sockets among a process's descriptors. Source: proc(5) /proc/net/tcp, state 0A */
function countTcpListeners(pid: number): number {
  const inodes = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => fields[9]),
  );
  return listDescriptors(pid).filter((link) => inodes.some((inode) => link === `socket:[${inode}]`)).length;
}

function listDescriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

withSbx('nothing listens on TCP unless it was asked for', async (sbx) => {
  const started = await sbx.call(['daemon', 'start']);
  assert.match(started.out, /^sbxd \S+ runs as process \d+\n$/);
  const status = await readStatus(sbx);
  assert.equal(status.listen, undefined);
  assert.equal(countTcpListeners(status.pid), 0);
  assert.equal(existsSync(stateFile(sbx, 'token')), false);
  assertRefused(await sbx.call(['daemon', 'start', '--listen', '127.0.0.1:0']), /runs already and does not listen/);
});

withSbx('asked for: URL, log, status and a private token say so; the same again is no fault', async (sbx) => {
  const { url, pid, token } = await startListening(sbx);
  assert.equal((await readStatus(sbx)).listen, url);
  assert.equal(countTcpListeners(pid), 1);
  assert.match(readLog(sbx), new RegExp(`listens on ${url}`));
  assert.ok(!readLog(sbx).includes(token));
  assert.equal(lstatSync(stateFile(sbx, 'token')).mode & 0o777, 0o600);
  const again = await sbx.call(['daemon', 'start', '--listen', new URL(url).host]);
  assert.match(again.out, new RegExp(`process ${pid} and listens on ${url}`));
  assertRefused(await sbx.call(['daemon', 'start', '--listen', '127.0.0.1:1']), /runs already and listens on/);
});

withSbx('sbx with SBX_DAEMON runs there, by token or token file', async (sbx) => {
  const { url, token } = await startListening(sbx);
  const byToken = elsewhere(sbx, { SBX_DAEMON: url, SBX_TOKEN: token });
  const byFile = elsewhere(sbx, { SBX_DAEMON: url, SBX_TOKEN_FILE: stateFile(sbx, 'token') });
  const run = await sbx.call(['run', 'echo out; echo err >&2; exit 7'], byToken);
  assert.deepEqual([run.out, run.stderr, run.status], ['out\n', 'err\n', 7]);
  assert.equal((await sbx.call(['run', 'cat'], { ...byFile, input: 'through' })).out, 'through');
  assert.match((await sbx.call(['status'], byFile)).out, /^sbxd /);
  const big = await sbx.call(['run', 'head -c 20000000 /dev/zero'], byFile);
  assert.equal(big.stdout.length, 20_000_000);
});

withSbx('without the right token nothing runs, and no daemon is started instead', async (sbx) => {
  const { url, token } = await startListening(sbx);
  const attempts: readonly [env: Record<string, string>, message: RegExp][] = [
    [{ SBX_DAEMON: url }, /the token is missing or is not the one/],
    [{ SBX_DAEMON: url, SBX_TOKEN: `${token}x` }, /the token is missing or is not the one/],
    [{ SBX_DAEMON: url, SBX_TOKEN: 'short' }, /shorter than 32/],
    [{ SBX_DAEMON: url, SBX_TOKEN_FILE: '/nowhere' }, /does not exist/],
    [{ SBX_DAEMON: url.replace('ws:', 'wss:'), SBX_TOKEN: token }, /cannot be reached/],
    [{ SBX_DAEMON: 'ws://127.0.0.1:1', SBX_TOKEN: token }, /cannot be reached: .*REFUSED/],
    [{ SBX_DAEMON: 'ws://192.0.2.1:7474', SBX_TOKEN: token }, /plain text/],
    [{ SBX_DAEMON: '127.0.0.1:7474', SBX_TOKEN: token }, /ws:\/\/HOST:PORT/],
  ];
  for (const [env, message] of attempts) {
    const result = await sbx.call(['run', 'echo ran'], elsewhere(sbx, env));
    assertRefused(result, message);
    assert.ok(!result.stderr.includes(token));
  }
  assert.deepEqual(readdirSync(path.join(sbx.base, 'elsewhere')), []);
  assert.equal(
    (await sbx.call(['run', 'echo ran'], elsewhere(sbx, { SBX_DAEMON: url, SBX_TOKEN: token }))).out,
    'ran\n',
  );
});

withSbx('a daemon elsewhere is neither started nor stopped from here', async (sbx) => {
  const { url, token, pid } = await startListening(sbx);
  const there = elsewhere(sbx, { SBX_DAEMON: url, SBX_TOKEN: token });
  for (const verb of ['start', 'stop']) {
    assertRefused(await sbx.call(['daemon', verb], there), /SBX_DAEMON names a daemon elsewhere/);
  }
  assert.equal((await readStatus(sbx)).pid, pid);
});

withSbx('SBX_* reaches neither a command nor the daemon', async (sbx) => {
  const secrets = { SBX_TOKEN: 'a-token-of-enough-characters-0123456789', SBX_INSECURE: '0', SBX_TLS_CA: '/x' };
  const { out } = await sbx.call(['run', 'env'], { env: secrets });
  assert.match(out, /^PATH=/m);
  // where the daemon's own proxy is, is told to every command
  assert.doesNotMatch(out, /SBX_(?!SOCKS_PROXY=)/);
  const { pid } = await readStatus(sbx);
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  assert.match(environment, /HOME=/);
  assert.doesNotMatch(environment, /SBX_/);
});

type Headers = Record<string, string>;

function knock(url: string, headers: Headers, path = '/'): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url}${path}`, { headers });
    socket.on('error', reject);
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
  });
}

withSbx('what a web page or another account can send is refused, what a client sends is not', async (sbx) => {
  const { url, port, token } = await startListening(sbx, '--allow-host', 'sbx.internal');
  const known = { authorization: `Bearer ${token}` };
  const rows: readonly [what: string, headers: Headers, status: number][] = [
    ['the token', known, 101],
    ['an allowed name', { ...known, host: 'sbx.internal' }, 101],
    ['localhost', { ...known, host: `localhost:${port}` }, 101],
    ['no token', {}, 401],
    ['a wrong token', { authorization: 'Bearer a-token-of-enough-characters-0123456789' }, 401],
    ['a name that was made to lead here', { ...known, host: `attacker.example:${port}` }, 403],
    ['another port', { ...known, host: 'localhost:1' }, 403],
    ['an origin', { ...known, origin: 'https://attacker.example' }, 403],
    ['an origin of this machine', { ...known, origin: `http://localhost:${port}` }, 403],
  ];
  for (const [what, headers, status] of rows) assert.equal(await knock(url, headers), status, what);
  const plain = await fetch(`http://127.0.0.1:${port}/`, { headers: known });
  assert.equal(plain.status, 426);
  assert.deepEqual(Object.keys((await plain.json()) as object), ['code', 'message', 'help']);
});

withSbx('TLS with a certificate of its own', async (sbx) => {
  const { cert, key } = makeCertificate(sbx.base);
  const { url, token } = await startListening(sbx, '--tls-cert', cert, '--tls-key', key);
  assert.match(url, /^wss:/);
  const there = { SBX_DAEMON: url, SBX_TOKEN: token };
  assert.equal((await sbx.call(['run', 'echo ran'], elsewhere(sbx, { ...there, SBX_TLS_CA: cert }))).out, 'ran\n');
  assertRefused(await sbx.call(['run', 'echo ran'], elsewhere(sbx, there)), /self-signed certificate/);
  const insecure = elsewhere(sbx, { ...there, SBX_INSECURE: '1' });
  assertRefused(await sbx.call(['run', 'echo ran'], insecure), /self-signed certificate/);
});

const refusedStarts: readonly [what: string, options: readonly string[], message: RegExp][] = [
  ['all addresses', ['--listen', '0.0.0.0:0'], /reached from other machines/],
  ['all IPv6 addresses', ['--listen', '[::]:0'], /reached from other machines/],
  ['no port', ['--listen', '127.0.0.1'], /has no port/],
  [
    'a token file that is not there',
    ['--listen', '127.0.0.1:0', '--token-file', 'none'],
    /`[^`]+\/none` does not exist/,
  ],
  ['half of TLS', ['--listen', '127.0.0.1:0', '--tls-cert', 'none'], /both a certificate and its key/],
  ['an address that is not here', ['--listen', '192.0.2.1:0', '--insecure-listen'], /does not have that address/],
  ['options without --listen', ['--insecure-listen'], /`--insecure-listen` says nothing without `--listen`/],
];
withSbx('what cannot be listened on is one sentence, and no daemon', async (sbx) => {
  for (const [what, options, message] of refusedStarts) {
    assertRefused(await sbx.call(['daemon', 'start', ...options]), message);
    assert.equal(existsSync(sbx.socket), false, what);
  }
  await startListening(sbx);
});

withSbx('--insecure-listen is in the log at every start, and then no token is asked for', async (sbx) => {
  for (const starts of [1, 2]) {
    const { out } = await sbx.call(['daemon', 'start', '--listen', '0.0.0.0:0', '--insecure-listen']);
    const port = /listens on ws:\/\/0\.0\.0\.0:(\d+)/.exec(out)?.[1];
    assert.ok(port, out);
    assert.equal(readLog(sbx).match(/WARNING --insecure-listen: no token is asked for/g)?.length, starts);
    assert.equal(readLog(sbx).match(/WARNING --insecure-listen: .* plain text/g)?.length, starts);
    assert.equal(await knock(`ws://127.0.0.1:${port}`, {}), 101);
    assert.equal(await knock(`ws://127.0.0.1:${port}`, { host: 'attacker.example' }), 403);
    assert.equal(await knock(`ws://127.0.0.1:${port}`, { origin: 'http://127.0.0.1' }), 403);
    await sbx.call(['daemon', 'stop']);
  }
});

withSbx('--insecure-listen with a token file asks for the token', async (sbx) => {
  const file = path.join(sbx.base, 'token');
  const token = 'a-token-of-enough-characters-0123456789';
  writeFileSync(file, token, { mode: 0o600 });
  const options = ['--listen', '0.0.0.0:0', '--insecure-listen', '--token-file', file];
  const { out } = await sbx.call(['daemon', 'start', ...options]);
  const port = /:(\d+)\n$/.exec(out)?.[1];
  assert.equal(await knock(`ws://127.0.0.1:${port}`, {}), 401);
  assert.equal(await knock(`ws://127.0.0.1:${port}`, { authorization: `Bearer ${token}` }), 101);
});

/** One of a thousand: opens, says something or nothing, and is closed by one side. */
async function disturb(port: number, index: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect').catch(() => undefined);
  const texts = [
    '',
    'GET / HTTP/1.1\r\n',
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    '\x16\x03\x01garbage\r\n\r\n',
  ];
  socket.write(texts[index % texts.length] || '\r\n');
  socket.resume();
  setTimeout(() => socket.destroy(), 300);
  if (!socket.closed) await once(socket, 'close');
}

withSbx('a thousand connects in a second: what runs loses nothing, and nothing of them is left', async (sbx) => {
  const { url, port, token, pid } = await startListening(sbx);
  const there = elsewhere(sbx, { SBX_DAEMON: url, SBX_TOKEN: token });
  const command = 'for i in $(seq 1 2000); do echo $i; [ -e ../go ] || sleep 0.05; done';
  const runs = [sbx.start(['run', command]), sbx.start(['run', command], there)];
  await Promise.all(runs.map((run) => run.seen(/^3$/m)));
  const before = listDescriptors(pid).length;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index));
      await disturb(port, index);
    }),
  );
  assert.ok(performance.now() - started < 10_000, 'they were not made to wait');
  assert.equal((await sbx.call(['run', 'echo meanwhile'], there)).out, 'meanwhile\n');
  for (const run of runs) run.child.kill('SIGINT');
  const outputs = await Promise.all(runs.map((run) => run.result));
  for (const { out } of outputs) {
    const lines = out.trimEnd().split('\n');
    assert.ok(lines.length > 3);
    assert.deepEqual(
      lines,
      lines.map((_, index) => String(index + 1)),
    );
  }
  while (listDescriptors(pid).length > before) await new Promise((resolve) => setImmediate(resolve));
  assert.equal((await readStatus(sbx)).pid, pid);
});

withSbx('a drained daemon leaves port and name, and is reached beside the new one', async (sbx) => {
  const { url, token, pid } = await startListening(sbx);
  const run = sbx.start(['run', 'echo ready; while [ ! -e go ]; do sleep 0.05; done; echo finished']);
  await run.seen(/ready/);
  const connected = await openTcpConnection({ url, token });
  await connected.request('hello', { protocol: protocolVersion, build: 'test', client: 'test' });
  const stopping = sbx.start(['daemon', 'stop', '--drain']);
  while (existsSync(sbx.socket)) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await sbx.run('echo new')).out, 'new\n');
  const paths = findSocketPaths(sbx.env);
  assert.deepEqual(
    paths.map((place) => path.basename(place)),
    ['sbxd.sock', `sbxd.${pid}.sock`],
  );
  const old = await openConnection(paths[1] ?? '');
  assert.ok(old);
  assert.equal((await old.request('hello', { protocol: protocolVersion, build: 'test', client: 'test' })).pid, pid);
  assert.equal((await old.request('status', {})).liveRuns, 1);
  assert.equal((await connected.request('status', {})).socket, paths[1], 'who is connected stays');
  await assert.rejects(openTcpConnection({ url, token }), { code: 'daemon-unreachable' });
  old.close();
  connected.close();
  writeFileSync(path.join(sbx.workspace, 'go'), '');
  assert.equal((await run.result).out, 'ready\nfinished\n');
  assert.equal((await stopping.result).status, 0);
  assert.deepEqual(findSocketPaths(sbx.env), [sbx.socket]);
});

withSbx('daemon stop ends a drained daemon too', async (sbx) => {
  const run = sbx.start(['run', 'echo ready; sleep 1000']);
  await run.seen(/ready/);
  const draining = sbx.start(['daemon', 'stop', '--drain']);
  while (existsSync(sbx.socket)) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await sbx.run('echo new')).out, 'new\n');
  const stopped = await sbx.call(['daemon', 'stop']);
  assert.equal(stopped.out.match(/^stopped sbxd/gm)?.length, 2, stopped.stderr);
  await Promise.all([run.result, draining.result]);
  assert.deepEqual(findSocketPaths(sbx.env), []);
});

withSbx('a daemon elsewhere that speaks another protocol is one sentence', async (sbx) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (text: Buffer) => {
      const { id } = JSON.parse(text.toString('utf8')) as { id: number };
      const data = { code: 'protocol-mismatch' };
      const error = { code: -32000, message: 'the daemon speaks protocol 9, the client 1', data };
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, error }));
    });
  });
  const { port } = server.address() as net.AddressInfo;
  const result = await sbx.call(['run', 'true'], elsewhere(sbx, { SBX_DAEMON: `ws://127.0.0.1:${port}` }));
  server.close();
  assertRefused(result, /speaks protocol 9, the client 1; use an sbx of the same version/);
});
