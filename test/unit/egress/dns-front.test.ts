import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import test, { type TestContext } from 'node:test';
import { answerDns } from '../../../daemon/egress/dns-front.ts';
import { openFronts } from '../../../daemon/egress/fronts.ts';
import type { RunGate, RunNames } from '../../../daemon/egress/model.ts';

const gate: RunGate = { admit: () => Promise.reject(new Error('a lookup asks nobody')) };

function makeNames(): RunNames & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    addressOf(name) {
      if (name.startsWith('full.')) return undefined;
      asked.push(name);
      return '127.65.0.7';
    },
    nameOf: (address) => (address === '127.65.0.7' ? 'h.example' : undefined),
  };
}

function label(...parts: readonly (string | Buffer)[]): Buffer {
  const labels = parts.map((part) => {
    const bytes = Buffer.from(part as string, 'latin1');
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

interface Extra {
  readonly flags?: number;
  readonly counts?: readonly [number, number, number, number];
  readonly tail?: Buffer;
  readonly class?: number;
}

function query(name: Buffer | string, type: number, extra: Extra = {}): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0xbeef, 0);
  header.writeUInt16BE(extra.flags ?? 0x0100, 2);
  (extra.counts ?? [1, 0, 0, extra.tail === undefined ? 0 : 1]).forEach((count, at) => {
    header.writeUInt16BE(count, 4 + 2 * at);
  });
  const bytes = typeof name === 'string' ? label(...name.split('.').filter(Boolean)) : name;
  const end = Buffer.alloc(4);
  end.writeUInt16BE(type, 0);
  end.writeUInt16BE(extra.class ?? 1, 2);
  return Buffer.concat([header, bytes, end, extra.tail ?? Buffer.alloc(0)]);
}

const opt = (version = 0): Buffer => Buffer.from([0, 0, 41, 4, 208, 0, version, 0, 0, 0, 0]);

interface Row {
  readonly what: string;
  readonly message: Buffer;
  readonly code: number | undefined;
  /** The last record's data, in hexadecimal. */
  readonly data?: string;
}

const name = 'h.example';
const rows: readonly Row[] = [
  { what: 'A', message: query(name, 1), code: 0, data: '7f410007' },
  { what: 'A in capitals', message: query('H.ExAmPlE', 1), code: 0, data: '7f410007' },
  { what: 'ANY', message: query(name, 255), code: 0, data: '7f410007' },
  { what: 'AAAA', message: query(name, 28), code: 0 },
  { what: 'HTTPS', message: query(name, 65), code: 0 },
  { what: 'TXT', message: query(name, 16), code: 0 },
  { what: 'SRV of an underscore', message: query('_x._tcp.h.example', 33), code: 0 },
  { what: 'the root', message: query('', 2), code: 0 },
  { what: 'localhost', message: query('localhost', 1), code: 0, data: '7f000001' },
  { what: 'below localhost', message: query('a.b.LOCALHOST', 1), code: 0, data: '7f000001' },
  { what: 'localhost, IPv6', message: query('localhost', 28), code: 0, data: '00000000000000000000000000000001' },
  { what: 'not localhost', message: query('localhost.example', 1), code: 0, data: '7f410007' },
  { what: 'no such zone', message: query('x.invalid', 1), code: 3 },
  { what: 'an onion', message: query('x.onion', 1), code: 3 },
  { what: 'an address', message: query('127.0.0.1', 1), code: 3 },
  { what: 'a number', message: query('2130706433', 1), code: 3 },
  { what: 'a hexadecimal number', message: query('0x7f.1', 1), code: 3 },
  { what: 'a name like a number', message: query('1.2.3.example', 1), code: 0, data: '7f410007' },
  {
    what: 'PTR',
    message: query('7.0.65.127.in-addr.arpa', 12),
    code: 0,
    data: '016807 6578616d706c65 00'.replaceAll(' ', ''),
  },
  { what: 'PTR of localhost', message: query('1.0.0.127.in-addr.arpa', 12), code: 0, data: '096c6f63616c686f737400' },
  { what: 'PTR of another', message: query('8.8.8.8.in-addr.arpa', 12), code: 3 },
  { what: 'names are used up', message: query('full.example', 1), code: 5 },
  { what: 'a dot in a label', message: query(label('evil.example', 'com'), 1), code: 3 },
  { what: 'NUL in a label', message: query(label('h\0', 'example'), 1), code: 3 },
  { what: 'no ASCII', message: query(label('h\xe9', 'example'), 1), code: 3 },
  { what: '63 bytes', message: query(label('a'.repeat(63), 'example'), 1), code: 0, data: '7f410007' },
  { what: 'EDNS', message: query(name, 1, { tail: opt() }), code: 0, data: '' },
  { what: 'EDNS of a version to come', message: query(name, 1, { tail: opt(1) }), code: 0, data: '' },
  { what: 'CHAOS', message: query('version.bind', 16, { class: 3 }), code: 5 },
  { what: 'another operation', message: query(name, 1, { flags: 0x2800 }), code: 4 },
  { what: 'two questions', message: query(name, 1, { counts: [2, 0, 0, 0] }), code: 1 },
  { what: 'no question', message: query(name, 1, { counts: [0, 0, 0, 0] }), code: 1 },
  { what: 'answers in a question', message: query(name, 1, { counts: [1, 1, 0, 0] }), code: 1 },
  { what: 'a pointer to itself', message: query(Buffer.from([0xc0, 12]), 1), code: 1 },
  { what: 'a pointer behind a label', message: query(Buffer.from([1, 97, 0xc0, 12]), 1), code: 1 },
  { what: 'a label past the end', message: query(Buffer.from([60, 97]), 1), code: 1 },
  { what: 'a name past 255 bytes', message: query(label(...Array(5).fill('a'.repeat(60))), 1), code: 1 },
  { what: 'cut within the type', message: query(name, 1).subarray(0, -3), code: 1 },
  { what: 'too long', message: query(name, 1, { tail: Buffer.alloc(5000) }), code: 1 },
  { what: 'an answer', message: query(name, 1, { flags: 0x8100 }), code: undefined },
  { what: 'half a header', message: query(name, 1).subarray(0, 11), code: undefined },
  { what: 'nothing', message: Buffer.alloc(0), code: undefined },
];
for (const { what, message, code, data } of rows) {
  test(`${what}: ${code ?? 'silence'}`, () => {
    const answer = answerDns(message, makeNames());
    assert.equal(answer === undefined ? undefined : (answer[3] as number) & 0xf, code);
    if (answer === undefined) return;
    assert.equal(answer.readUInt16BE(0), 0xbeef);
    assert.ok((answer[2] as number) >= 0x80);
    if (data === undefined) assert.equal(answer.readUInt16BE(6), 0);
    else assert.ok(answer.toString('hex').endsWith(data));
    assert.ok(answer.length < 512);
  });
}

test('EDNS is answered with EDNS, and a version that is not known with that code', () => {
  const known = answerDns(query(name, 1, { tail: opt() }), makeNames());
  assert.deepEqual([known?.readUInt16BE(6), known?.readUInt16BE(10)], [1, 1]);
  const unknown = answerDns(query(name, 1, { tail: opt(1) }), makeNames());
  // BADVERS is 16, whose upper bits are the option's.
  assert.deepEqual([unknown?.readUInt16BE(6), unknown?.at(-6)], [0, 1]);
});

test('a name means the same in any case, and its data goes nowhere but to the names of the run', () => {
  const names = makeNames();
  answerDns(query('SECRET-data.evil.EXAMPLE', 1), names);
  answerDns(query('secret-data.evil.example', 28), names);
  assert.deepEqual(names.asked, ['secret-data.evil.example']);
});

async function serve(t: TestContext, names: RunNames): Promise<{ udp: number; tcp: number }> {
  const run = new AbortController();
  const fronts = openFronts({ gate, names, signal: run.signal });
  const socket = dgram.createSocket('udp4');
  fronts.serveDns(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const server = net.createServer(fronts.serveDnsStream);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    run.abort();
    socket.close();
    server.close();
  });
  return { udp: socket.address().port, tcp: (server.address() as AddressInfo).port };
}

test('a resolver of another make is content', async (t) => {
  const { udp } = await serve(t, makeNames());
  const resolver = new dns.Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([`127.0.0.1:${udp}`]);
  assert.deepEqual(await resolver.resolve4('h.example'), ['127.65.0.7']);
  assert.deepEqual(await resolver.resolve4('localhost'), ['127.0.0.1']);
  assert.deepEqual(await resolver.resolve6('localhost'), ['::1']);
  assert.deepEqual(await resolver.reverse('127.65.0.7'), ['h.example']);
  await assert.rejects(resolver.resolve6('h.example'), { code: 'ENODATA' });
  await assert.rejects(resolver.resolve4('x.invalid'), { code: 'ENOTFOUND' });
});

test('over TCP any number of questions, in any pieces', async (t) => {
  const { tcp } = await serve(t, makeNames());
  const socket = net.connect({ port: tcp, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  const one = query(name, 1);
  const framed = Buffer.concat([Buffer.from([0, one.length]), one]);
  const answer = answerDns(one, makeNames()) as Buffer;
  const wanted = Buffer.concat([Buffer.from([0, answer.length]), answer]);
  for (const byte of framed) socket.write(Buffer.from([byte]));
  socket.write(Buffer.concat([framed, framed]));
  let received = Buffer.alloc(0);
  while (received.length < wanted.length * 3) {
    received = Buffer.concat([received, ((await once(socket, 'data')) as [Buffer])[0]]);
  }
  assert.deepEqual(received, Buffer.concat([wanted, wanted, wanted]));
  socket.write(Buffer.from([0, 3, 1, 2, 3]));
  await assert.rejects(once(socket, 'end'), { code: 'ECONNRESET' });
});
