/** The ways out of a session: which sockets the daemon holds inside, whose connections they are, and who cannot have them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { findTool } from '../../daemon/platform/spawn.ts';
import type { SandboxSession } from '../../daemon/sandbox/model.ts';
import { findSlot, slotAt, slotCount } from '../../daemon/sandbox/network/slots.ts';
import { listTestAccounts, makePlace, openPlace, type Place, run, start } from '../fixtures/sandbox-session.ts';

for (const account of listTestAccounts()) {
  describe(`listeners of a session, as ${account.name}`, { timeout: 60_000 }, () => {
    let place: Place;
    let session: SandboxSession;
    const accepted: { readonly kind: string; readonly port: number; readonly local: string }[] = [];

    before(async () => {
      place = makePlace(account);
      session = await openPlace(place, { network: { ports: [5432], hostPorts: [6000] } });
      for (const { kind, port, server } of session.network?.streams ?? []) {
        server.on('connection', (socket: Socket) => {
          accepted.push({ kind, port, local: socket.localAddress ?? '' });
          socket.on('error', () => {});
          socket.end(`${kind}\n`);
        });
      }
      for (const [index, datagram] of (session.network?.datagrams ?? []).entries()) {
        datagram.on('message', (_, from) => datagram.send(`slot ${index}`, from.port, from.address));
      }
    });
    after(async () => {
      await session.close();
      place.remove();
    });

    const connect = (address: string, port: number) => `exec 3<>/dev/tcp/${address}/${port}; cat <&3`;

    test('an accepted connection tells its run and its name by the address it came to', async () => {
      const rows: readonly [string, number, string][] = [
        [slotAt(0).address, 800, 'http'],
        [slotAt(31).address, 801, 'socks'],
        [`${slotAt(3).share}.0.7`, 443, 'direct'],
        [`${slotAt(3).share}.200.1`, 80, 'direct'],
        [`${slotAt(4).share}.0.1`, 22, 'direct'],
        [`${slotAt(4).share}.0.1`, 5432, 'direct'],
        ['127.0.0.1', 6000, 'host'],
        ['::1', 6000, 'host'],
        [slotAt(2).address, 53, 'dns'],
      ];
      for (const [address, port, kind] of rows) {
        accepted.length = 0;
        const { stdout, code } = await run(session, connect(address, port));
        assert.equal(stdout, `${kind}\n`, `${address}:${port}`);
        assert.equal(code, 0);
        assert.deepEqual(accepted, [{ kind, port, local: address }]);
      }
    });

    test('a question for a name reaches the socket of its slot', async () => {
      for (const index of [0, 7, slotCount - 1]) {
        const { stdout } = await run(
          session,
          `exec 3<>/dev/udp/${slotAt(index).address}/53; echo ask >&3; timeout 5 head -c ${`slot ${index}`.length} <&3`,
        );
        assert.equal(stdout, `slot ${index}`);
      }
    });

    test('names are resolved by the slot that a command has, and by nobody without one', async () => {
      const inSlot = await run(session, 'cat /etc/resolv.conf /etc/hosts', { network: 5 });
      assert.match(inSlot.stdout, /^nameserver 127\.1\.0\.6\n/);
      assert.match(inSlot.stdout, /^127\.0\.0\.1\tlocalhost sbx$/m);
    });

    test('the ports are taken, low ones are nobody’s, others are free', async () => {
      const listen = (address: string, port: number) =>
        `node -e "require('net').createServer().on('error', e => { console.log(e.code); process.exit() }).listen(${port}, '${address}', () => { console.log('listens'); process.exit() })"`;
      const rows: readonly [string, number, RegExp][] = [
        ['127.0.0.1', 5432, /^EADDRINUSE$/m],
        ['127.0.0.1', 800, /^EACCES$/m],
        ['127.9.9.9', 443, /^EACCES$/m],
        ['127.0.0.1', 999, /^EACCES$/m],
        ['127.0.0.1', 5433, /^listens$/m],
      ];
      for (const [address, port, expected] of rows) {
        const { stdout } = await run(session, listen(address, port));
        assert.match(stdout, expected, `${address}:${port}`);
      }
    });

    test('a real address is nowhere', async () => {
      const { stderr, code } = await run(session, connect('192.0.2.1', 443));
      assert.notEqual(code, 0);
      assert.match(stderr, /unreachable/);
    });

    test('loopback is not the only address of IPv4 where the system can give it another', async () => {
      const { stdout } = await run(session, 'cat /proc/net/fib_trie');
      assert.equal(stdout.includes('127.0.0.2'), findTool('ip') !== undefined);
    });

    test('who made the sockets is gone, and no process inside has one', async () => {
      const { stdout } = await run(session, 'ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c socket:');
      assert.equal(stdout, '0\n');
    });

    test('whose connection it is, whatever address it came to', async () => {
      const http = session.network?.streams.find(({ kind }) => kind === 'http')?.server;
      assert.ok(http);
      const [mine, other] = await Promise.all([1, 2].map((network) => start(session, 'sleep 20', { network })));
      for (const tool of ['bash', 'node']) {
        const arrived = once(http, 'connection') as Promise<[Socket]>;
        const command =
          tool === 'bash'
            ? `exec 3<>/dev/tcp/${slotAt(1).address}/800; sleep 20`
            : `node -e "require('net').connect(800, '::ffff:${slotAt(1).address}'); setTimeout(() => {}, 20000)"`;
        const client = await start(session, command, { network: 3 });
        const [socket] = await arrived;
        assert.equal(await client.connected(socket), true, tool);
        assert.equal(await mine?.connected(socket), false);
        assert.equal(await other?.connected(socket), false);
        client.stop(0);
        await client.exit;
        assert.equal(await client.connected(socket), false);
      }
      for (const each of [mine, other]) each?.stop(0);
      await Promise.all([mine?.exit, other?.exit]);
    });

    test('they end with the session', async () => {
      const other = await openPlace(place, { network: { ports: [], hostPorts: [] } });
      const [first] = other.network?.streams ?? [];
      assert.ok(first?.server.listening);
      const closed = once(first.server, 'close');
      await other.close();
      await closed;
    });

    test('without a network there is nothing but loopback', async () => {
      const other = await openPlace(place);
      assert.equal(other.network, undefined);
      assert.equal(other.report.network, 'none');
      const { code } = await run(other, connect(slotAt(0).address, 800));
      assert.notEqual(code, 0);
      await other.close();
    });
  });
}

test('an address names its slot', () => {
  assert.deepEqual(findSlot('127.1.0.1'), { index: 0, kind: 'own' });
  assert.deepEqual(findSlot('127.64.3.4'), { index: 0, kind: 'name' });
  assert.deepEqual(findSlot(`127.${64 + slotCount - 1}.255.255`), { index: slotCount - 1, kind: 'name' });
  for (const other of [
    '127.0.0.1',
    '127.1.0.0',
    `127.1.0.${slotCount + 1}`,
    '127.1.1.1',
    `127.${64 + slotCount}.0.1`,
    '::1',
    '10.64.0.1',
    '',
  ]) {
    assert.equal(findSlot(other), undefined, other);
  }
});
