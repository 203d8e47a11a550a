/**
 * Whose a connection is: the way out of one run serves no other, whatever addresses it is tried by, and what a run had is
 * gone with it.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunGate } from '../../daemon/egress/model.ts';
import { slotCount } from '../../daemon/sandbox/network/slots.ts';
import { EgressSession, type NetworkRun } from '../fixtures/egress-session.ts';
import { EgressWorld } from '../fixtures/egress-world.ts';
import { listTestAccounts, makePlace, type Place, waitForOutput } from '../fixtures/sandbox-session.ts';

const address = '1.2.3.4';
const asks = { default: 'ask' };
const denies = { default: 'deny' };

/** Of a run that does nothing. */
const idle: RunGate = { admit: () => Promise.resolve({ code: 'denied', message: 'nobody is to ask' }) };

/** Bash that waits until a file is there. */
const waitFor = (file: string) => `until [ -e ${file} ]; do sleep 0.05; done`;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(10);
}

for (const account of listTestAccounts()) {
  describe(`runs and their connections, as ${account.name}`, { timeout: 120_000 }, () => {
    let place: Place;
    let world: EgressWorld;
    let session: EgressSession;
    let streaming = 0;

    before(async () => {
      place = makePlace(account);
      world = new EgressWorld(place.folder, ['web.example']);
      for (const name of ['web.example', 'other.example']) world.name(name, [address]);
      await world.serve(
        address,
        80,
        http.createServer((request, response) => {
          if (request.url !== '/endless') response.end('reached');
          else {
            streaming++;
            response.write('begins\n');
            response.on('close', () => streaming--);
          }
        }),
      );
      await world.serve(
        address,
        22,
        net.createServer((socket) => socket.write('reached\n')),
      );
      session = await EgressSession.open(place, world, denies);
    });
    after(async () => {
      await session.close();
      world.close();
      place.remove();
    });

    const open = async (...input: Parameters<EgressSession['start']>): Promise<NetworkRun> => {
      const run = await session.start(...input);
      assert.ok(run);
      return run;
    };

    test('an answer that a person gave to one run serves no other run that uses its addresses', async () => {
      const asked: string[] = [];
      const owner = await open('curl -sS http://web.example/; echo; cat /etc/resolv.conf; sleep 30', {
        policy: asks,
        ask: async ({ host }) => {
          asked.push(host);
          return true;
        },
      });
      assert.match(await waitForOutput(owner.process, 'nameserver'), /^reached$/m);
      const { address: proxy, share } = owner.egress.slot;
      for (const [way, command] of Object.entries({
        http: `curl -sS -x http://${proxy}:800 http://web.example/`,
        connect: `curl -sS -p -x http://${proxy}:800 http://web.example/`,
        socks: `curl -sS -x socks5h://${proxy}:801 http://web.example/`,
        direct: `curl -sS --noproxy '*' --resolve web.example:80:${share}.0.1 http://web.example/`,
      })) {
        const dials = world.dials.length;
        const { stdout } = await session.run(command, { policy: asks });
        assert.doesNotMatch(stdout, /reached/, way);
        assert.equal(world.dials.length, dials, way);
      }
      assert.deepEqual(asked, ['web.example']);
      owner.process.stop(0);
      await owner.result;
    });

    test('what the policy of one run allows serves no other run that uses its addresses', async () => {
      const allows = { default: 'deny', allow: ['web.example', 'web.example:22'] };
      const owner = await open('curl -sS --noproxy "*" http://web.example/; echo; echo ready; sleep 30', {
        policy: allows,
      });
      assert.match(await waitForOutput(owner.process, 'ready'), /^reached$/m);
      const { address: proxy, share } = owner.egress.slot;
      for (const [way, command] of Object.entries({
        http: `curl -sS -x http://${proxy}:800 http://web.example/`,
        connect: `curl -sS -p -x http://${proxy}:800 http://web.example/`,
        socks: `curl -sS -x socks5h://${proxy}:801 http://web.example/`,
        direct: `curl -sS --noproxy '*' --resolve web.example:80:${share}.0.1 http://web.example/`,
        raw: `exec 3<>/dev/tcp/${share}.0.1/22; head -n1 <&3`,
      })) {
        const dials = world.dials.length;
        const { stdout } = await session.run(command, { policy: denies });
        assert.doesNotMatch(stdout, /reached/, way);
        assert.equal(world.dials.length, dials, way);
      }
      const own = await session.run('curl -sS http://web.example/', { policy: allows });
      assert.equal(own.stdout, 'reached');
      owner.process.stop(0);
      await owner.result;
    });

    test('what a run leaves open is closed at both ends when it ends', async () => {
      const { code } = await session.run(
        `curl -sSN http://web.example/endless > out & curl -sSN -p http://web.example/endless > out2 & ${waitFor('out')}; ` +
          'until grep -q begins out && grep -q begins out2; do sleep 0.05; done',
        { policy: { allow: ['web.example'] } },
      );
      assert.equal(code, 0);
      await until(() => streaming === 0 && world.open === 0);
    });

    test('the next run of a slot has nothing of the one before', async () => {
      const first = await session.run('getent ahosts web.example; curl -sS http://web.example/', {
        policy: asks,
        proxies: false,
        ask: () => Promise.resolve(true),
      });
      assert.match(first.stdout, /reached$/);
      const stale = /^127\.\d+\.0\.1/.exec(first.stdout)?.[0];
      assert.ok(stale, first.stdout);
      for (let run = 1; run < slotCount; run++) {
        const opened = session.egress.open(idle, () => Promise.resolve(false));
        opened?.close();
      }
      const next = await open(
        `curl -sS --resolve web.example:80:${stale} http://web.example/; echo " $?"; curl -sS http://web.example/; getent ahosts other.example`,
        { policy: asks, proxies: false },
      );
      assert.equal(`${next.egress.slot.share}.0.1`, stale, 'it has the same slot');
      const { stdout } = await next.result;
      assert.doesNotMatch(stdout, /reached/);
      // the address stands for nothing until a name asks for it
      assert.match(stdout, /^ (?:7|56)\n/);
      assert.match(stdout, /"code":"not-approved"/);
    });

    test('more runs than slots: the last have no way out, and one that ends makes room', async () => {
      const allows = { policy: { allow: ['web.example'] } };
      const opened = Array.from({ length: slotCount }, () => session.egress.open(idle, () => Promise.resolve(false)));
      assert.ok(opened.every((each) => each !== undefined));
      assert.equal(await session.start('true', allows), undefined);
      opened[5]?.close();
      assert.equal((await session.run('curl -sS http://web.example/', allows)).stdout, 'reached');
      for (const each of opened) each?.close();
    });

    test('a session that ends in the middle of a transfer leaves nothing open', async () => {
      const other = await EgressSession.open(place, world, { allow: ['web.example'] });
      const run = await other.start('curl -sSN http://web.example/endless');
      assert.ok(run);
      await waitForOutput(run.process, 'begins');
      await other.close();
      await run.result;
      await until(() => streaming === 0 && world.open === 0);
    });
  });
}
