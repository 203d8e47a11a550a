import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { denied, type FrontBench, listen, openBench, type Peer } from '../../fixtures/front-bench.ts';

const greeting = Buffer.from([5, 1, 0]);

function request(kind: number, address: readonly number[] | string, port = 443, command = 1): Buffer {
  const bytes = Buffer.from(address as string, 'latin1');
  const host = kind === 3 ? Buffer.concat([Buffer.from([bytes.length]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([5, command, 0, kind]), host, Buffer.from([port >> 8, port & 255])]);
}

async function ask(bench: FrontBench, message: Buffer): Promise<{ peer: Peer; code: number | undefined }> {
  const peer = await bench.connect('serveSocks');
  await peer.send(greeting).send(message).until(12);
  assert.deepEqual([...peer.received.subarray(0, 2)], [5, 0]);
  return { peer, code: peer.received[3] };
}

test('names and addresses reach the gate as they are meant', async (t) => {
  const port = await listen(
    t,
    net.createServer((socket) => socket.pipe(socket)),
  );
  const bench = openBench(t, () => ({ port }));
  const rows: readonly (readonly [message: Buffer, host: string])[] = [
    [request(3, 'h.example'), 'h.example'],
    [request(3, 'H.example.'), 'h.example'],
    [request(3, '127.0.0.1'), '127.0.0.1'],
    [request(3, '0x7f.1'), '127.0.0.1'],
    [request(3, '::1'), '::1'],
    [request(3, `${'a.'.repeat(126)}b`), `${'a.'.repeat(126)}b`],
    [request(1, [127, 0, 0, 1]), '127.0.0.1'],
    [request(4, [...Array(15).fill(0), 1]), '::1'],
    [request(4, [...Array(10).fill(0), 255, 255, 127, 0, 0, 1]), '127.0.0.1'],
  ];
  for (const [message, host] of rows) {
    const { peer, code } = await ask(bench, message);
    assert.equal(code, 0, host);
    assert.deepEqual(bench.attempts.pop(), { front: 'socks', host, port: 443 });
    peer.received = Buffer.alloc(0);
    assert.equal(await peer.send('echo').until('echo'), 'echo');
  }
});

test('what no host can be is refused without asking anybody', async (t) => {
  const bench = openBench(t, () => ({ port: 1 }));
  const rows: readonly (readonly [what: string, message: Buffer, code: number])[] = [
    ['an empty name', request(3, ''), 8],
    ['NUL', request(3, 'h.example\0.good.example'), 8],
    ['a blank', request(3, 'h example'), 8],
    ['a line end', request(3, 'h.example\r\nX: y'), 8],
    ['no ASCII', request(3, 'h\xe9.example'), 8],
    ['a port in the name', request(3, 'h.example:80'), 8],
    ['a user in the name', request(3, 'good.example@h.example'), 8],
    ['an escape', request(3, 'h%2eexample'), 8],
    ['brackets', request(3, '[::1]'), 8],
    ['255 bytes', request(3, `${'a.'.repeat(127)}b`), 8],
    ['a zone', request(3, 'fe80::1%lo'), 8],
    ['port 0', request(3, 'h.example', 0), 8],
    ['a kind of address that does not exist', request(2, [1, 2, 3, 4]), 8],
    ['BIND', request(3, 'h.example', 443, 2), 7],
    ['UDP', request(3, 'h.example', 443, 3), 7],
  ];
  for (const [what, message, code] of rows) {
    const { peer, code: answered } = await ask(bench, message);
    assert.equal(answered, code, what);
    assert.equal(await peer.over, 'end', what);
  }
  assert.deepEqual(bench.attempts, []);
});

test('the gate’s answer has a code', async (t) => {
  const rows = [
    ['denied', 2],
    ['not-approved', 2],
    ['forbidden-address', 2],
    ['unresolved', 4],
    ['unreachable', 5],
    ['bad-host', 8],
  ] as const;
  for (const [refusal, code] of rows) {
    const bench = openBench(t, () => ({ ...denied, code: refusal }));
    const { peer, code: answered } = await ask(bench, request(3, 'h.example'));
    assert.equal(answered, code, refusal);
    assert.equal(await peer.over, 'end');
  }
  const gone = openBench(t, () => ({ port: 1 }));
  assert.equal((await ask(gone, request(3, 'h.example'))).code, 5);
});

test('all in one write, or byte by byte, and bytes for the host at once behind it', async (t) => {
  const port = await listen(
    t,
    net.createServer((socket) => socket.pipe(socket)),
  );
  const bench = openBench(t, () => ({ port }));
  const all = Buffer.concat([greeting, request(3, 'h.example'), Buffer.from('early')]);
  const peer = await bench.connect('serveSocks');
  assert.match(await peer.send(all).until('early'), /early$/);
  const slow = await bench.connect('serveSocks');
  for (const byte of all) {
    slow.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await slow.until('early'), /early$/);
});

test('other versions, other methods, and half a message', async (t) => {
  const bench = openBench(t, () => ({ port: 1 }), { headTimeoutMs: 60 });
  const resets = [
    Buffer.from([4, 1, 0, 80, 1, 2, 3, 4, 0]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([5, 0]),
  ];
  for (const bytes of [...resets, Buffer.from([5]), Buffer.alloc(0)]) {
    const peer = await bench.connect('serveSocks');
    if (bytes.length > 0) peer.send(bytes);
    assert.equal(await peer.over, 'reset', bytes.toString('hex'));
  }
  const password = await bench.connect('serveSocks');
  await password.send(Buffer.from([5, 1, 2])).toEnd();
  assert.deepEqual([...password.received], [5, 255]);
  const half = await bench.connect('serveSocks');
  half.send(greeting).send(request(3, 'h.example').subarray(0, 7));
  assert.equal(await half.over, 'reset');
  assert.deepEqual(bench.attempts, []);
});
