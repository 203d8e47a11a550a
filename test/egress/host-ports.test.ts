/** A port of the machine's own loopback that the policy grants, and those that it does not. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EgressSession } from '../fixtures/egress-session.ts';
import { EgressWorld } from '../fixtures/egress-world.ts';
import { listTestAccounts, makePlace, type Place, waitForOutput } from '../fixtures/sandbox-session.ts';

const address = '1.2.3.4';

async function listen(server: net.Server, host = '127.0.0.1', port = 0): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

for (const account of listTestAccounts()) {
  describe(`ports of the host, as ${account.name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let world: EgressWorld;
    let granted = 0;
    let other = 0;
    let only6 = 0;
    let others = 0;
    const servers: http.Server[] = [];

    before(async () => {
      place = makePlace(account);
      world = new EgressWorld(place.folder, ['web.example']);
      world.name('web.example', [address]);
      world.expose('127.0.0.1');
      world.expose('::1');
      const serve = async (answer: string, host?: string): Promise<number> => {
        const server = http.createServer((request, response) => {
          if (answer === 'other') others++;
          request.pipe(response, { end: false });
          request.on('end', () => response.end(answer));
        });
        servers.push(server);
        return listen(server, host);
      };
      granted = await serve('granted');
      other = await serve('other');
      only6 = await serve('only six', '::1');
    });
    after(() => {
      world.close();
      for (const server of servers) server.close();
      place.remove();
    });

    const withSession = async (network: object, use: (session: EgressSession) => Promise<void>): Promise<void> => {
      const session = await EgressSession.open(place, world, network);
      try {
        await use(session);
      } finally {
        await session.close();
      }
    };

    test('plain curl reaches a granted port, by every name of the loopback, with and without the proxy', async () => {
      await withSession({ hostPorts: [granted, only6], default: 'deny' }, async (session) => {
        for (const host of ['127.0.0.1', 'localhost', '[::1]', 'app.localhost', 'sbx']) {
          const { stdout, stderr, uses } = await session.run(`curl -sS http://${host}:${granted}/`);
          assert.equal(stdout, 'granted', `${host}: ${stderr}`);
          assert.deepEqual(
            uses.map((use) => [use.host, use.port, use.front, use.allowed]),
            [['localhost', granted, 'direct', true]],
          );
        }
        assert.equal((await session.run(`curl -sS -d sent http://localhost:${only6}/`)).stdout, 'sentonly six');
        const proxied = await session.run(`curl -sS --noproxy '' -p http://localhost:${granted}/`);
        assert.equal(proxied.stdout, 'granted', proxied.stderr);
      });
    });

    test('without the grant, and for every other port, nothing is reached', async () => {
      const seen = others;
      await withSession({ hostPorts: [granted], allow: ['*', `*:${other}`, `127.0.0.1:${other}`] }, async (session) => {
        for (const command of [
          `curl -sS http://127.0.0.1:${other}/`,
          `curl -sS --noproxy '' http://127.0.0.1:${other}/`,
          `curl -sS --noproxy '' -p http://localhost:${other}/`,
          `curl -sS -x "\${SBX_SOCKS_PROXY}" http://localhost:${other}/`,
          `curl -sS -x "\${SBX_SOCKS_PROXY}" http://127.0.0.1:${other}/`,
        ]) {
          const { stdout } = await session.run(command);
          assert.doesNotMatch(stdout, /^other/, command);
        }
        assert.equal((await session.run(`curl -sS http://localhost:${granted}/`)).stdout, 'granted');
      });
      await withSession({ default: 'deny' }, async (session) => {
        const { code } = await session.run(`curl -sS http://127.0.0.1:${granted}/`);
        assert.notEqual(code, 0);
      });
      assert.equal(others, seen);
    });

    test('a name at a granted port is that host, not this machine', async () => {
      await withSession(
        { hostPorts: [granted], default: 'deny', allow: [`web.example:${granted}`] },
        async (session) => {
          await world.serve(
            address,
            granted,
            http.createServer((_, response) => response.end('web')),
          );
          const direct = await session.run(`curl -sS --noproxy '*' http://web.example:${granted}/`);
          assert.equal(direct.stdout, 'web', direct.stderr);
          const refused = await session.run(`curl -sS --noproxy '*' http://denied.example:${granted}/`);
          assert.notEqual(refused.stdout, 'granted');
          assert.match(refused.violations[0]?.message ?? '', /denied\.example/);
        },
      );
    });

    test('an end of one direction leaves the other open', async () => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        let text = '';
        socket.on('data', (bytes) => {
          text += bytes;
        });
        socket.on('end', () => setTimeout(() => socket.end(`had ${text}`), 50));
      });
      const port = await listen(server);
      await withSession({ hostPorts: [port] }, async (session) => {
        const { stdout } = await session.run(
          `node -e "const s = require('net').connect({ port: ${port}, host: '127.0.0.1', allowHalfOpen: true }); s.end('all'); s.pipe(process.stdout)"`,
        );
        assert.equal(stdout, 'had all');
      });
      server.close();
    });

    test('a denied range holds for the host’s own loopback too', async () => {
      await withSession({ hostPorts: [granted], deny: ['127.0.0.0/8', '[::1]'] }, async (session) => {
        const { stdout } = await session.run(`curl -sS http://localhost:${granted}/`);
        assert.match(stdout, /`localhost:\d+` is denied by `127\.0\.0\.0\/8`/);
      });
    });

    test('who connects is the run that is asked about, when there are several', async () => {
      await withSession({ hostPorts: [granted] }, async (session) => {
        const first = await session.start('echo ready; sleep 30');
        assert.ok(first);
        await waitForOutput(first.process, 'ready');
        const { stdout, uses } = await session.run(`curl -sS http://localhost:${granted}/`);
        assert.equal(stdout, 'granted');
        assert.equal(uses.length, 1);
        first.process.stop(0);
        assert.deepEqual((await first.result).uses, []);
      });
    });
  });
}

/** Debian keeps the server's programs off the path. */
const binaries = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/17/bin', '/usr/bin'].find((folder) =>
  existsSync(path.join(folder, 'initdb')),
);
const skip =
  process.env['SBX_TEST_PROGRAMS'] !== 'all' &&
  (binaries === undefined || !existsSync('/usr/bin/psql')) &&
  'no PostgreSQL on this machine';

test('psql speaks to a database of the host', { skip, timeout: 120_000 }, async () => {
  // the server refuses to be root
  const account = listTestAccounts().at(-1);
  assert.ok(account);
  const place = makePlace(account);
  const world = new EgressWorld(place.folder, ['web.example']);
  world.expose('127.0.0.1');
  const reserved = net.createServer();
  const port = await listen(reserved);
  reserved.close();
  const data = path.join(place.folder, 'home/data');
  const as = { uid: account.uid, gid: account.gid, cwd: place.folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
  execFileSync(`${binaries}/initdb`, ['-D', data, '-A', 'trust', '-U', 'test', '--no-sync'], {
    ...as,
    stdio: 'ignore',
  });
  const server = spawn(`${binaries}/postgres`, ['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', '', '-F'], as);
  const ended = once(server, 'exit');
  try {
    let log = '';
    for await (const chunk of server.stderr) {
      log += chunk;
      if (log.includes('ready to accept connections')) break;
    }
    const query = `psql -h localhost -p ${port} -U test -d postgres -Atc 'select 6 * 7'`;
    const granted = await EgressSession.open(place, world, { hostPorts: [port], default: 'deny' });
    const { stdout, stderr } = await granted.run(query);
    await granted.close();
    assert.equal(stdout, '42\n', stderr);
    const without = await EgressSession.open(place, world, { default: 'deny' });
    const refused = await without.run(query);
    await without.close();
    assert.match(refused.stderr, /Connection refused/);
  } finally {
    server.kill('SIGINT');
    await ended;
    world.close();
    place.remove();
  }
});
