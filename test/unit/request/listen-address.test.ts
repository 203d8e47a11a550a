import assert from 'node:assert/strict';
import test from 'node:test';
import { formatAddress, parseListenAddress, resolveListenAddress } from '../../../daemon/request/listen-address.ts';

const good: readonly [text: string, host: string, port: number][] = [
  ['127.0.0.1:7474', '127.0.0.1', 7474],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['0.0.0.0:65535', '0.0.0.0', 65535],
  ['[::1]:7474', '::1', 7474],
  ['[::]:7474', '::', 7474],
  ['[::FFFF:127.0.0.1]:1', '::ffff:127.0.0.1', 1],
  ['localhost:7474', 'localhost', 7474],
  ['LocalHost:7474', 'localhost', 7474],
  ['sbx.internal:7474', 'sbx.internal', 7474],
  ['a-1.b2:80', 'a-1.b2', 80],
  ['1a.example:80', '1a.example', 80],
];
for (const [text, host, port] of good) {
  test(`--listen ${text}`, () => assert.deepEqual(parseListenAddress(text), { host, port }));
}

const bad: readonly [what: string, text: string, message: RegExp][] = [
  ['nothing', '', /no port/],
  ['a port alone', '7474', /no port/],
  ['a colon and a port', ':7474', /no host/],
  ['a host alone', 'localhost', /no port/],
  ['an empty port', '127.0.0.1:', /no port/],
  ['a port above 65535', '127.0.0.1:65536', /no port/],
  ['a port below 0', '127.0.0.1:-1', /no port/],
  ['a port with a sign', '127.0.0.1:+80', /no port/],
  ['a port with a leading zero', '127.0.0.1:080', /no port/],
  ['a port in hexadecimal', '127.0.0.1:0x50', /no port/],
  ['a port with a fraction', '127.0.0.1:80.0', /no port/],
  ['a port with a blank', '127.0.0.1: 80', /no port/],
  ['a line end after the port', '127.0.0.1:80\n', /no port/],
  ['a port in other digits', '127.0.0.1:８０', /no port/],
  ['a blank before the host', ' 127.0.0.1:80', /no host/],
  ['a blank after the host', '127.0.0.1 :80', /no host/],
  ['a star', '*:80', /no host/],
  ['IPv6 without brackets', '::1:80', /no host/],
  ['IPv6 without brackets or port', '::1', /no host/],
  ['an open bracket', '[::1:80', /no host/],
  ['brackets around IPv4', '[127.0.0.1]:80', /no host/],
  ['empty brackets', '[]:80', /no host/],
  ['a zone', '[fe80::1%eth0]:80', /no host/],
  ['a short IPv4 address', '127.1:80', /no host/],
  ['an octal IPv4 address', '0177.0.0.1:80', /no host/],
  ['a hexadecimal IPv4 address', '0x7f.0.0.1:80', /no host/],
  ['a hexadecimal last label', 'a.0x1:80', /no host/],
  ['a decimal IPv4 address', '2130706433:80', /no host/],
  ['an IPv4 address of five parts', '127.0.0.0.1:80', /no host/],
  ['a part above 255', '127.0.0.256:80', /no host/],
  ['a dot at the end', 'localhost.:80', /no host/],
  ['an empty label', 'a..b:80', /no host/],
  ['a hyphen at the start', '-a:80', /no host/],
  ['a hyphen at the end', 'a-:80', /no host/],
  ['an underscore', 'a_b:80', /no host/],
  ['a label of 64 letters', `${'a'.repeat(64)}:80`, /no host/],
  ['a name of 254 letters', `${'a.'.repeat(126)}aa:80`, /no host/],
  ['a letter that only looks right', 'lоcalhost:80', /no host/],
  ['a scheme', 'ws://127.0.0.1:80', /no host/],
  ['a path', '127.0.0.1:80/', /no port/],
  ['a user', 'me@127.0.0.1:80', /no host/],
  ['a NUL', '127.0.0.1\0:80', /no host/],
  ['an escape sequence', '\u001b[2J:80', /no host/],
];
for (const [what, text, message] of bad) {
  test(`--listen with ${what} is refused`, () => {
    assert.throws(
      () => parseListenAddress(text),
      (error: { code: string; message: string; help: string }) => {
        assert.equal(error.code, 'bad-listen');
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /[\u0000-\u001f]/);
        return error.help.includes('127.0.0.1:7474');
      },
    );
  });
}

const resolved: readonly [host: string, addresses: readonly string[], ip: string, isLoopback: boolean][] = [
  ['127.0.0.1', [], '127.0.0.1', true],
  ['127.255.0.3', [], '127.255.0.3', true],
  ['::1', [], '::1', true],
  ['0:0:0:0:0:0:0:1', [], '0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', [], '::ffff:127.0.0.1', true],
  ['0.0.0.0', [], '0.0.0.0', false],
  ['::', [], '::', false],
  ['::ffff:0.0.0.0', [], '::ffff:0.0.0.0', false],
  ['10.0.0.1', [], '10.0.0.1', false],
  ['128.0.0.1', [], '128.0.0.1', false],
  ['localhost', ['127.0.0.1', '::1'], '127.0.0.1', true],
  ['localhost', ['::1', '127.0.0.1'], '127.0.0.1', true],
  ['localhost', ['::1'], '::1', true],
  ['mine.internal', ['127.0.0.1'], '127.0.0.1', true],
  ['mine.internal', ['127.0.0.1', '10.0.0.1'], '127.0.0.1', false],
  ['mine.internal', ['10.0.0.1'], '10.0.0.1', false],
];
for (const [host, addresses, ip, isLoopback] of resolved) {
  test(`${host} ${addresses.join(' ')} is ${isLoopback ? 'loopback' : 'not loopback'}`, async () => {
    assert.deepEqual(await resolveListenAddress(host, async () => addresses), { ip, isLoopback });
  });
}

test('localhost that leads elsewhere is refused, in part too', async () => {
  for (const addresses of [['10.0.0.1'], ['127.0.0.1', '10.0.0.1'], ['::1', '::']]) {
    await assert.rejects(
      resolveListenAddress('localhost', async () => addresses),
      {
        code: 'bad-listen',
        message: /leads away from this machine/,
      },
    );
    await assert.rejects(
      resolveListenAddress('x.localhost', async () => addresses),
      { code: 'bad-listen' },
    );
  }
});

test('a name without an address is refused', async () => {
  const failing = () => Promise.reject(new Error('ENOTFOUND'));
  await assert.rejects(resolveListenAddress('nowhere.internal', failing), {
    code: 'bad-listen',
    message: /no address/,
  });
  await assert.rejects(
    resolveListenAddress('nowhere.internal', async () => []),
    { code: 'bad-listen' },
  );
});

test('an address as it stands in a URL', () => {
  assert.equal(formatAddress('127.0.0.1', 80), '127.0.0.1:80');
  assert.equal(formatAddress('::1', 80), '[::1]:80');
});
