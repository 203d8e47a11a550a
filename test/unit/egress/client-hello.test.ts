import assert from 'node:assert/strict';
import test from 'node:test';
import { readClientHello } from '../../../daemon/egress/client-hello.ts';
import { extension, helloMessage, realHello, record, serverName, vector } from '../../fixtures/client-hello.ts';

const max = 64 * 1024;
const message = helloMessage([serverName('h.example'), extension(43, Buffer.from([2, 3, 4]))]);

test('what real clients send is read', async () => {
  assert.deepEqual(readClientHello(await realHello({ servername: 'h.example' }), max), { sni: 'h.example' });
  assert.deepEqual(readClientHello(await realHello({ servername: 'h.example', maxVersion: 'TLSv1.2' }), max), {
    sni: 'h.example',
  });
  assert.deepEqual(readClientHello(await realHello({}), max), { sni: undefined });
});

test('however it is split, it says the same, and nothing before it is whole', () => {
  const cut = (at: number): Buffer => Buffer.concat([record(message.subarray(0, at)), record(message.subarray(at))]);
  for (let at = 1; at < message.length; at += 1) {
    const bytes = cut(at);
    assert.deepEqual(readClientHello(bytes, max), { sni: 'h.example' }, `records split at ${at}`);
    for (let end = 0; end < bytes.length; end += 1) assert.equal(readClientHello(bytes.subarray(0, end), max), 'more');
  }
});

test('what follows in records of its own is not looked at', () => {
  const early = Buffer.concat([record(message), record(Buffer.from([1]), 20), record(Buffer.alloc(50), 23)]);
  assert.deepEqual(readClientHello(early, max), { sni: 'h.example' });
});

const rows: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['SSLv2', Buffer.from([0x80, 0x2e, 1, 3, 1])],
  ['an alert', record(Buffer.from([2, 40]), 21)],
  ['a change of ciphers first', Buffer.concat([record(Buffer.from([1]), 20), record(message)])],
  [
    'a change of ciphers within',
    Buffer.concat([record(message.subarray(0, 9)), record(Buffer.from([1]), 20), record(message.subarray(9))]),
  ],
  ['a ServerHello', record(Buffer.concat([Buffer.from([2]), message.subarray(1)]))],
  ['an empty record', Buffer.concat([record(Buffer.alloc(0)), record(message)])],
  ['a record longer than TLS has', Buffer.from([22, 3, 1, 0x40, 1, 1])],
  ['another version of records', Buffer.from([22, 2, 0, 0, 4, 1])],
  ['a second message in its record', record(Buffer.concat([message, message]))],
  ['a hello without end', record(Buffer.concat([Buffer.from([1, 0xff, 0xff, 0xff])]))],
  ['records of one byte', Buffer.concat([...message].map((byte) => record(Buffer.from([byte]))))],
  ['two names', record(helloMessage([serverName('h.example'), serverName('evil.example')]))],
  [
    'two names in one list',
    record(
      helloMessage([
        extension(
          0,
          vector(
            2,
            Buffer.from([0]),
            vector(2, Buffer.from('h.example')),
            Buffer.from([0]),
            vector(2, Buffer.from('evil.example')),
          ),
        ),
      ]),
    ),
  ],
  ['an empty list of names', record(helloMessage([extension(0, vector(2))]))],
  ['an empty name', record(helloMessage([serverName('')]))],
  ['a name of another type', record(helloMessage([serverName('h.example', 1)]))],
  ['a name with NUL', record(helloMessage([serverName('h.example\0.evil.example')]))],
  ['a name that is no ASCII', record(helloMessage([serverName(Buffer.from('h\u00e9.example'))]))],
  ['a byte behind the name', record(helloMessage([extension(0, Buffer.concat([vector(2), Buffer.alloc(1)]))]))],
  ['an extension past the end', record(helloMessage([Buffer.from([0, 0, 0, 9, 0])]))],
  ['an extension twice', record(helloMessage([extension(43, Buffer.alloc(2)), extension(43, Buffer.alloc(2))]))],
];
for (const [what, bytes] of rows) {
  test(`not a ClientHello: ${what}`, () => assert.equal(readClientHello(bytes, max), 'malformed'));
}

test('its neighbours are: no extensions at all, and some of which none is a name', () => {
  assert.deepEqual(readClientHello(record(helloMessage(undefined)), max), { sni: undefined });
  assert.deepEqual(readClientHello(record(helloMessage([extension(43, Buffer.alloc(2))])), max), { sni: undefined });
});

test('a hello beyond the bound is refused when its length is known, not when it has come', () => {
  assert.equal(readClientHello(record(message).subarray(0, 9), 100), 'malformed');
  assert.equal(readClientHello(record(message).subarray(0, 9), 1000), 'more');
});
