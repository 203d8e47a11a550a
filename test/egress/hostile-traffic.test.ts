/** What a command may say to its own way out, by real programs and byte by byte, and what its hosts may do to it. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import tls from 'node:tls';
import { EgressSession } from '../fixtures/egress-session.ts';
import { EgressWorld } from '../fixtures/egress-world.ts';
import { listTestAccounts, makePlace, type Place } from '../fixtures/sandbox-session.ts';

const good = '1.2.3.4';
const other = '1.2.3.5';
const network = {
  default: 'deny',
  allow: ['web.example', 'web.example:9000', { host: 'api.example', methods: ['GET'], paths: ['/v1/**'] }],
};

/** Sends it in one write to the HTTP proxy, prints what comes back until the end. */
const sendProgram = `
const socket = require('node:net').connect(800, new URL(process.env.HTTP_PROXY).hostname);
socket.on('error', (error) => { process.stdout.write('!' + error.code); });
socket.setTimeout(2000, () => socket.destroy());
socket.pipe(process.stdout);
socket.write(Buffer.from(process.argv[1], 'latin1'));
`;

for (const account of listTestAccounts()) {
  describe(`hostile traffic, as ${account.name}`, { timeout: 300_000 }, () => {
    let place: Place;
    let world: EgressWorld;
    let session: EgressSession;
    let handshakes = 0;
    const echoes: Socket[] = [];

    before(async () => {
      place = makePlace(account);
      world = new EgressWorld(place.folder, ['web.example', 'evil.example']);
      for (const name of ['web.example', 'api.example']) world.name(name, [good]);
      world.name('evil.example', [other]);
      await world.serve(
        good,
        80,
        http.createServer((request, response) => {
          if (request.url === '/dies') {
            response.writeHead(200, { 'Content-Length': '1000' }).write('half');
            setTimeout(() => response.socket?.resetAndDestroy(), 50);
          } else if (request.url === '/dies-chunked') {
            response.write('half');
            setTimeout(() => response.socket?.destroy(), 50);
          } else {
            world.requests.push({
              scheme: 'http',
              method: request.method ?? '',
              host: request.headers.host ?? '',
              path: request.url ?? '',
            });
            request.resume().on('end', () => response.end(`good ${request.method} ${request.url}`));
          }
        }),
      );
      const secure = tls.createServer({ ...world.authority.leaf }, (socket) => socket.end('secret'));
      secure.on('connection', () => handshakes++);
      await world.serve(good, 443, secure);
      await world.serve(
        good,
        9000,
        net.createServer({ allowHalfOpen: true }, (socket) => {
          echoes.push(socket);
          socket.on('data', (bytes) => {
            if (!socket.destroyed) socket.write(bytes);
          });
          socket.on('end', () => socket.end('over'));
        }),
      );
      place.write(`${place.workspace}/ca.crt`, world.authority.ca);
      session = await EgressSession.open(place, world, network);
    });
    after(async () => {
      await session.close();
      world.close();
      place.remove();
    });

    const send = async (text: string): Promise<string> =>
      (await session.run('node -e "$SEND" "$TEXT"', { env: { SEND: sendProgram, TEXT: text } })).stdout;

    test('requests that two readers read differently reach no host', async () => {
      const target = 'http://web.example';
      const to = `Host: web.example\r\n`;
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: web.example\r\n\r\n';
      const rows: Readonly<Record<string, string>> = {
        'two lengths': `POST ${target}/ HTTP/1.1\r\n${to}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
        'a length and chunks': `POST ${target}/ HTTP/1.1\r\n${to}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
        'an odd coding': `POST ${target}/ HTTP/1.1\r\n${to}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
        'two codings': `POST ${target}/ HTTP/1.1\r\n${to}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
        'a space before the colon': `POST ${target}/ HTTP/1.1\r\n${to}Content-Length : 5\r\n\r\n${hidden}`,
        'a folded line': `GET ${target}/ HTTP/1.1\r\n${to}X: a\r\n b\r\n\r\n`,
        'a bare line feed': `GET ${target}/ HTTP/1.1\n${to}\n\n`,
        'another host in Host': `GET ${target}/ HTTP/1.1\r\nHost: evil.example\r\n\r\n`,
        'two of Host': `GET ${target}/ HTTP/1.1\r\n${to}Host: evil.example\r\n\r\n`,
        'no Host': `GET ${target}/ HTTP/1.1\r\n\r\n`,
        'a user before the host': 'GET http://web.example@evil.example/ HTTP/1.1\r\nHost: web.example\r\n\r\n',
        'a backslash': 'GET http://web.example\\@evil.example/ HTTP/1.1\r\nHost: web.example\r\n\r\n',
        'the form of a server': 'GET / HTTP/1.1\r\nHost: web.example\r\n\r\n',
        'a body of CONNECT': `CONNECT web.example:80 HTTP/1.1\r\nHost: web.example:80\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
        'a CONNECT without a port': 'CONNECT web.example HTTP/1.1\r\nHost: web.example\r\n\r\n',
        'a CONNECT that says another Host': `CONNECT web.example:80 HTTP/1.1\r\nHost: evil.example:80\r\n\r\n${hidden}`,
        'an upgrade with a body': `GET ${target}/ HTTP/1.1\r\n${to}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc`,
      };
      for (const [what, text] of Object.entries(rows)) {
        const [dials, requests] = [world.dials.length, world.requests.length];
        const answer = await send(text);
        assert.match(answer, /^HTTP\/1\.1 (?:400|403|417|501|505) /, what);
        assert.doesNotMatch(answer, /good/, what);
        assert.deepEqual([world.dials.length, world.requests.length], [dials, requests], what);
      }
      const whole = await send(
        `GET ${target}/a HTTP/1.1\r\n${to}\r\nGET ${target}/b HTTP/1.1\r\n${to}Connection: close\r\n\r\n`,
      );
      assert.match(whole, /good GET \/a[\s\S]*good GET \/b$/);
    });

    test('in an admitted connection to port 80 each request is admitted by itself', async () => {
      const tunnel = 'CONNECT api.example:80 HTTP/1.1\r\nHost: api.example:80\r\n\r\n';
      const request = (method: string, path: string, host = 'api.example') =>
        `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.match(await send(`${tunnel}${request('GET', '/v1/x')}`), /good GET \/v1\/x$/);
      for (const [method, path, host] of [
        ['DELETE', '/v1/x', undefined],
        ['GET', '/v2/x', undefined],
        ['GET', '/v1/../v2', undefined],
        ['GET', '/v1/%2e%2e/v2', undefined],
        ['GET', '/v1/x', 'evil.example'],
        ['GET', 'http://evil.example/v1/x', undefined],
      ] as const) {
        const requests = world.requests.length;
        const answer = await send(`${tunnel}${request(method, path, host)}`);
        assert.doesNotMatch(answer, /good/, `${method} ${path}`);
        assert.equal(world.requests.length, requests, `${method} ${path}`);
      }
    });

    test('TLS that asks for another name, or for none, gets an alert, and the host not one byte of it', async () => {
      const connect = (how: string) => `openssl s_client -quiet -CAfile ca.crt ${how} < /dev/null 2>&1`;
      const proxy = '-proxy "${HTTP_PROXY#http://}" -connect web.example:443';
      assert.match((await session.run(connect(`${proxy} -servername web.example`))).stdout, /secret/);
      assert.match(
        (await session.run(connect('-connect web.example:443 -servername WEB.example'), { proxies: false })).stdout,
        /secret/,
      );
      let bytes = 0;
      for (const how of [`${proxy} -servername evil.example`, `${proxy} -noservername`]) {
        const { stdout, uses } = await session.run(connect(how));
        assert.match(stdout, /alert unrecognized name|tlsv1 unrecognized name/, how);
        assert.doesNotMatch(stdout, /secret/, how);
        bytes += uses.reduce((sum, use) => sum + use.sentBytes, 0);
        assert.deepEqual(
          uses.map(({ refusal }) => refusal),
          ['mismatch'],
        );
      }
      for (const how of ['-servername evil.example', '-noservername']) {
        const { stdout } = await session.run(connect(`-connect web.example:443 ${how}`), { proxies: false });
        assert.match(stdout, /alert unrecognized name|tlsv1 unrecognized name/, how);
      }
      for (const how of ['--connect-to evil.example:443:web.example:443', '--resolve evil.example:443:127.64.0.1']) {
        const { stdout, code } = await session.run(
          `curl -sS --noproxy '*' ${how} --cacert ca.crt https://evil.example/`,
        );
        assert.notEqual(code, 0, how);
        assert.doesNotMatch(stdout, /secret/, how);
      }
      const plain = await session.run(
        `exec 3<>/dev/tcp/web.example/443; printf 'GET / HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3 | od -c | head -3`,
      );
      assert.doesNotMatch(plain.stdout, /secret/);
      assert.equal(bytes, 0);
      assert.ok(handshakes > 0);
      assert.ok(!world.dials.some((each) => each.startsWith(other)));
    });

    test('a host that dies within its answer is a failure for the client, never a shorter answer', async () => {
      for (const [path, proxies] of [
        ['dies', true],
        ['dies-chunked', true],
        ['dies', false],
        ['dies-chunked', false],
      ] as const) {
        const { code, stdout } = await session.run(`curl -sS http://web.example/${path}`, { proxies });
        assert.equal(stdout, 'half');
        assert.ok(code === 18 || code === 56, `${path}: ${code}`);
      }
    });

    test('an end of one direction leaves the other open, and a reset is a reset', async () => {
      const half = await session.run(
        `node -e "const s = require('net').connect({ host: 'web.example', port: 9000, allowHalfOpen: true }); s.end('all of it '); s.pipe(process.stdout)"`,
      );
      assert.equal(half.stdout, 'all of it over');
      const cut = session.run(
        `node -e "const s = require('net').connect(9000, 'web.example', () => s.write('x')); s.on('error', (e) => console.log(e.code)); s.on('end', () => console.log('end')); s.resume()"`,
      );
      const known = echoes.length;
      while (echoes.length === known) await wait(5);
      await wait(100);
      echoes.at(-1)?.resetAndDestroy();
      assert.equal((await cut).stdout, 'ECONNRESET\n');
    });

    test('thousands of connections, more than a run may have, then one more run', async () => {
      const flood = `
        const net = require('node:net');
        const counts = {};
        const one = () => new Promise((done) => {
          const s = net.connect(9000, process.argv[1]);
          const settle = (what) => { counts[what] = (counts[what] ?? 0) + 1; done(s); };
          s.once('error', (e) => settle(e.code));
          s.once('data', () => settle('open'));
          s.once('connect', () => s.write('x'));
        });
        (async () => {
          const address = (await require('node:dns').promises.lookup('web.example')).address;
          process.argv[1] = address;
          const open = [];
          for (let batch = 0; batch < 15; batch++) open.push(...(await Promise.all(Array.from({ length: 200 }, one))));
          console.log(JSON.stringify(counts));
          for (const s of open) s.destroy();
        })();`;
      const { stdout, stderr, uses } = await session.run('node -e "$FLOOD"', { env: { FLOOD: flood } });
      const counts = JSON.parse(stdout || stderr) as Record<string, number>;
      assert.equal(counts['open'], 1024);
      assert.equal(
        Object.values(counts).reduce((sum, each) => sum + each),
        3000,
      );
      assert.ok(uses.length <= 310, `${uses.length} events`);
      assert.match((await session.run('curl -sS http://web.example/x')).stdout, /good GET \/x/);
      while (world.open > 0) await wait(10);
    });
  });
}
