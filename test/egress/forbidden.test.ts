/**
 * A policy that allows every host, and a command that tries every spelling and every way to reach this machine, its network
 * and the metadata of a cloud. Real servers listen there, and what they count is connections; a public neighbour is reached
 * each time.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import { after, before, describe, test } from 'node:test';
import { type Probe, type Probed, probeProgram, probeWays, readProbed } from '../fixtures/egress-probe.ts';
import { EgressSession } from '../fixtures/egress-session.ts';
import { EgressWorld } from '../fixtures/egress-world.ts';
import { listTestAccounts, makePlace, type Place } from '../fixtures/sandbox-session.ts';

const address = '1.2.3.4';

/** A server on every address of this machine, at a port that the policy allows everywhere. */
class Trap {
  /** Who connected, by the address that was reached. */
  readonly reached: string[] = [];
  readonly #servers: net.Server[] = [];
  port = 0;

  async open(): Promise<void> {
    for (const host of ['::', '0.0.0.0']) {
      const server = net.createServer((socket) => {
        this.reached.push(socket.localAddress ?? '');
        socket.on('error', () => {});
        socket.end('trapped\n');
      });
      server.listen({ host, port: this.port, ipv6Only: host === '::' });
      await once(server, 'listening');
      this.port = (server.address() as AddressInfo).port;
      this.#servers.push(server);
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

/** Every spelling that some program takes for this machine's loopback. */
const loopback = [
  ...['127.0.0.1', '127.1', '127.0.1', '0x7f.1', '0x7f000001', '2130706433', '017700000001', '0177.0.0.1', '127.9.9.9'],
  ...['0', '0.0.0.0', '0x0', '::1', '::', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1'],
  ...[
    '64:ff9b::7f00:1',
    '64:ff9b::127.0.0.1',
    '2002:7f00:1::',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'foo.localhost',
  ],
  ...['a.b.LocalHost.', '127.0.0.1.', '１２７.0.0.1', '127。0。0。1', 'ⓛocalhost'],
];
const metadata = [
  ...['169.254.169.254', '0xa9fea9fe', '2852039166', '0251.0376.0251.0376', '169.254.43518', '::ffff:169.254.169.254'],
  ...['64:ff9b::a9fe:a9fe', 'fd00:ec2::254', '100.100.100.200', '169.254.170.2', '168.63.129.16', 'fd20:ce::254'],
];
const others = ['255.255.255.255', '224.0.0.1', 'ff02::1', 'fe80::1', '169.254.1.1', '::ffff:0.0.0.0'];
/** What is no host at all, in ways that parsers disagree about. */
const malformed = [
  ...[
    '127.0.0.1%00.public.example',
    'public.example@127.0.0.1',
    '127.0.0.1#public.example',
    '127.0.0.1 public.example',
  ],
  ...['fe80::1%lo', '[::1', '::1]', '256.0.0.1', '127.0.0.1.1.1', '0x7g.1', 'public.example/../127.0.0.1', '..', ''],
  ...['public.example\\\\@127.0.0.1', '-public.example', 'public..example'],
];
const own = Object.values(os.networkInterfaces())
  .flatMap((each) => each ?? [])
  .map((each) => each.address);

/** A grant of ranges is none of what lies in them and belongs to this machine or its cloud. */
const ranges = ['0.0.0.0/0', '::/0'];

/** What a name leads to, and what no name may lead to. */
const led: Readonly<Record<string, readonly string[]>> = {
  'own.example': own,
  'loop4.example': ['127.0.0.1'],
  'loop6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'zero.example': ['0.0.0.0', '::'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'metadata.example': ['169.254.169.254', 'fd00:ec2::254'],
  'private.example': ['10.0.0.1', '192.168.1.1', '172.16.0.1', 'fd12::1', '100.64.0.1'],
  'multicast.example': ['224.0.0.1', 'ff02::1'],
};

for (const account of listTestAccounts()) {
  describe(`forbidden addresses, as ${account.name}`, { timeout: 300_000 }, () => {
    let place: Place;
    let world: EgressWorld;
    let session: EgressSession;
    const trap = new Trap();

    before(async () => {
      await trap.open();
      place = makePlace(account);
      world = new EgressWorld(place.folder, ['public.example']);
      world.name('public.example', [address]);
      for (const [name, addresses] of Object.entries(led)) {
        world.name(name, addresses);
        // beside one that may be dialled, the forbidden one is left out
        world.name(`mixed-${name}`, [...addresses, address]);
        for (const each of addresses) world.expose(each);
      }
      for (const each of [...loopback, ...others, ...own]) world.expose(each);
      await world.serve(
        address,
        trap.port,
        http.createServer((_, response) => response.end('public')),
      );
      session = await EgressSession.open(place, world, {
        default: 'deny',
        allow: ['*', ...ranges].map((host) => ({ host, ports: [trap.port], speaks: 'any' })),
      });
    });
    after(async () => {
      await session.close();
      world.close();
      trap.close();
      place.remove();
    });

    async function ask(probes: readonly Probe[]): Promise<Probed[]> {
      const { stdout, stderr, code } = await session.run(
        `node -e "$PROBE" "$(sed 's#^http://##;s#:.*##' <<<"$HTTP_PROXY")" ${trap.port}`,
        { env: { PROBE: probeProgram }, input: JSON.stringify(probes) },
      );
      assert.equal(code, 0, stderr);
      const probed = readProbed(stdout);
      assert.equal(probed.length, probes.length);
      return probed;
    }

    /** Each by every way; none may be reached, nor dialled. */
    async function refuses(hosts: readonly string[]): Promise<void> {
      const dials = world.dials.length;
      const reached = (await ask(hosts.flatMap((host) => probeWays.map((way) => ({ way, host }))))).filter(
        ({ answer }) => /public|trapped|200 |\x05\x00\x05\x00/.test(answer),
      );
      assert.deepEqual(reached, []);
      assert.deepEqual(world.dials.slice(dials), []);
      assert.deepEqual(trap.reached, []);
    }

    test('a public host is reached by every way', async () => {
      const names = probeWays.filter((way) => way !== 'socks address').map((way) => ({ way, host: 'public.example' }));
      const addresses = probeWays.filter((way) => way !== 'direct').map((way) => ({ way, host: address }));
      for (const { answer, host, way } of await ask([...names, ...addresses])) {
        assert.match(answer, /public$/, `${way} ${host}`);
      }
      assert.deepEqual(new Set(world.dials), new Set([`${address}:${trap.port}`]));
    });

    test('the trap works: outside of the sandbox it is reached', async () => {
      for (const host of ['127.0.0.1', '::1']) {
        const socket = net.connect(trap.port, host);
        socket.resume();
        await once(socket, 'close');
      }
      assert.deepEqual(trap.reached.splice(0), ['127.0.0.1', '::1']);
    });

    test('this machine’s loopback, in every spelling, by every way', () => refuses(loopback));
    test('the metadata of clouds, in every spelling, by every way', () => refuses(metadata));
    test('this machine’s own addresses', () => refuses(own));
    test('addresses of no single host, of the link, of translators', () => refuses(others));
    test('what is no host', () => refuses(malformed));
    test('names that lead to them', () => refuses(Object.keys(led)));

    test('of several addresses only the one that may be dialled is dialled', async () => {
      const dials = world.dials.length;
      const hosts = Object.keys(led).map((name) => `mixed-${name}`);
      for (const { answer, host, way } of await ask(hosts.flatMap((host) => [{ way: 'connect', host }]))) {
        assert.match(answer, /public$/, `${way} ${host}`);
      }
      assert.deepEqual(new Set(world.dials.slice(dials)), new Set([`${address}:${trap.port}`]));
      assert.deepEqual(trap.reached, []);
    });

    test('a name that is answered differently the next time is resolved once for each connection', async () => {
      const dials = world.dials.length;
      for (const way of probeWays.filter((each) => each !== 'socks address')) {
        let asked = 0;
        const host = `rebinds-${way.replace(' ', '-')}.example`;
        world.name(host, () => (asked++ === 0 ? [address] : ['127.0.0.1']));
        const [first, second] = await ask([
          { way, host },
          { way, host },
        ]);
        assert.match(first?.answer ?? '', /public$/, way);
        assert.doesNotMatch(second?.answer ?? '', /public|trapped/, way);
        assert.equal(asked, 2, way);
      }
      assert.deepEqual(new Set(world.dials.slice(dials)), new Set([`${address}:${trap.port}`]));
      assert.deepEqual(trap.reached, []);
    });

    test('a kept connection does not serve a name that leads elsewhere by now', async () => {
      let asked = 0;
      world.name('turns.example', () => (asked++ === 0 ? [address] : ['127.0.0.1']));
      const url = `http://turns.example:${trap.port}/`;
      const { stdout } = await session.run(`curl -sS ${url} ${url}`);
      assert.match(stdout, /^public\{"error":\{"code":"forbidden-address"/);
      assert.deepEqual(trap.reached, []);
    });
  });
}
