/** Only the addresses of the target are dialled: a listener that is not among them sees nobody. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, describe, it } from 'node:test';
import type { CheckedTarget } from '../../../daemon/egress/checked-target.ts';
import { dialTarget } from '../../../daemon/egress/dial.ts';
import { isRefusal } from '../../../daemon/egress/model.ts';

const servers: net.Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

interface Listener {
  readonly port: number;
  readonly seen: string[];
}

/** Says the address that was reached. */
async function listen(address: string, port = 0): Promise<Listener> {
  const seen: string[] = [];
  const server = net.createServer((socket) => {
    seen.push(socket.localAddress ?? '');
    socket.on('error', () => {});
    socket.end(socket.localAddress ?? '');
  });
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve));
  return { port: (server.address() as net.AddressInfo).port, seen };
}

/** Checked targets are made by the check alone; a test of what comes after it may pretend. */
function target(port: number, ...addresses: readonly string[]): CheckedTarget {
  return { host: 'x.com', port, addresses } as unknown as CheckedTarget;
}

const never = new AbortController().signal;

async function reach(wanted: CheckedTarget, signal = never, timeoutMs = 5000): Promise<string> {
  const answer = await dialTarget(wanted, { signal, timeoutMs });
  if (isRefusal(answer)) return `${answer.code}: ${answer.message}`;
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return text;
}

describe('dialling', () => {
  it('reaches the address of the target and no other, whatever its name is', async () => {
    const wanted = await listen('127.0.0.2');
    const other = await listen('127.0.0.3', wanted.port);
    assert.equal(await reach(target(wanted.port, '127.0.0.2')), '127.0.0.2');
    assert.deepEqual([wanted.seen, other.seen], [['127.0.0.2'], []]);
  });

  it('goes on where an address refuses', async () => {
    const { port, seen } = await listen('127.0.0.4');
    assert.equal(await reach(target(port, '127.0.0.5', '127.0.0.6', '127.0.0.4')), '127.0.0.4');
    assert.deepEqual(seen, ['127.0.0.4']);
  });

  it('says in words why nothing answers', async () => {
    const { port } = await listen('127.0.0.7');
    assert.equal(
      await reach(target(port, '127.0.0.8', '127.0.0.9')),
      `unreachable: \`x.com:${port}\` cannot be reached: the connection was refused`,
    );
  });

  it('ends with the run', async () => {
    const { port, seen } = await listen('127.0.0.10');
    assert.match(await reach(target(port, '127.0.0.10'), AbortSignal.abort()), /the run has ended$/);
    assert.deepEqual(seen, []);
  });

  it('connects to nothing where the target was checked for a proxy that is not there', async () => {
    assert.match(await reach(target(443)), /^unreachable: .*no upstream proxy$/);
  });
});
