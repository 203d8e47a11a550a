/** One spelling for every host, and no host for what could be read in two ways. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAuthority, parseHost, showAuthority } from '../../../client/protocol/authority.ts';

const hosts: Readonly<Record<string, string>> = {
  'example.com': 'example.com',
  'EXAMPLE.Com': 'example.com',
  'example.com.': 'example.com',
  localhost: 'localhost',
  'a.xn--bcher-kva.com': 'a.xn--bcher-kva.com',
  'x.0x4x': 'x.0x4x',
  my_service: 'my_service',
  '_dmarc.example.com': '_dmarc.example.com',
  'r3---sn-4g5e6nsz.googlevideo.com': 'r3---sn-4g5e6nsz.googlevideo.com',
  'shop-.example.com': 'shop-.example.com',
  '3com.com': '3com.com',
  '1.2.3.4.example': '1.2.3.4.example',
  '127.0.0.0x1g': '127.0.0.0x1g',
  'münchen.de': 'xn--mnchen-3ya.de',
  'MÜNCHEN.de': 'xn--mnchen-3ya.de',
  'xn--mnchen-3ya.de': 'xn--mnchen-3ya.de',
  'XN--MNCHEN-3YA.DE': 'xn--mnchen-3ya.de',
  // Composed or not, it is one letter.
  'mu\u0308nchen.de': 'xn--mnchen-3ya.de',
  'faß.de': 'xn--fa-hia.de',
  '例え.テスト': 'xn--r8jz45g.xn--zckzah',
  // Full-width letters, the ideographic full stop, and what is not seen at all.
  'ｅｘａｍｐｌｅ.com': 'example.com',
  'example。com': 'example.com',
  'exa\u00admple.com': 'example.com',
  'exa\u200bmple.com': 'example.com',
  // Source: inet_aton(3).
  '127.0.0.1': '127.0.0.1',
  '127.0.0.1.': '127.0.0.1',
  '127.1': '127.0.0.1',
  '127.0.1': '127.0.0.1',
  '0x7f.1': '127.0.0.1',
  '0X7F.0.0.1': '127.0.0.1',
  '0177.0.0.1': '127.0.0.1',
  '017700000001': '127.0.0.1',
  '2130706433': '127.0.0.1',
  '0x7f000001': '127.0.0.1',
  '127.0.0.01': '127.0.0.1',
  '１２７.0.0.1': '127.0.0.1',
  '①②⑦.0.0.1': '127.0.0.1',
  '0xa9fea9fe': '169.254.169.254',
  '2852039166': '169.254.169.254',
  '169.254.43518': '169.254.169.254',
  '0': '0.0.0.0',
  '::1': '::1',
  '0:0:0:0:0:0:0:1': '::1',
  '0000:0000:0000:0000:0000:0000:0000:0001': '::1',
  '::': '::',
  '::ffff:127.0.0.1': '127.0.0.1',
  '::FFFF:7F00:1': '127.0.0.1',
  '0:0:0:0:0:ffff:7f00:0001': '127.0.0.1',
  '2001:DB8::0:1': '2001:db8::1',
  '64:ff9b::7f00:1': '64:ff9b::7f00:1',
  'fd00:ec2::254': 'fd00:ec2::254',
};

const noHosts: readonly string[] = [
  '',
  '.',
  '..',
  '.example.com',
  'example..com',
  'example.com..',
  '127.0.0.1..',
  '-x.example.com',
  'a b.com',
  ' example.com',
  'example.com ',
  'example.com\n',
  'example.com\t',
  'exa\tmple.com',
  'exa\nmple.com',
  'example.com\0',
  'example.com\0.evil.com',
  'example.com%00.evil.com',
  '%31%32%37.0.0.1',
  'example.com#.evil.com',
  'example.com/evil',
  'example.com\\evil',
  'example.com?x',
  'user@example.com',
  'example.com:80',
  'exa;mple.com',
  'exa*mple.com',
  '*.example.com',
  "exa'mple.com",
  'exa`id`mple.com',
  '$(id).example.com',
  // What only becomes one of these.
  'example．com／evil',
  'example.com＃x',
  'user＠example.com',
  'example.com％00',
  'a\u2100b.com',
  '\ud800.com',
  'xn--a.com',
  'xn--.com',
  '256.1.1.1',
  '1.2.3.4.5',
  '1.2.3.256',
  '0x100000000',
  '4294967296',
  'example.0x4',
  'example.1',
  '08.1.1.1',
  ':',
  ':::',
  '1::2::3',
  '::1%eth0',
  '::1%25lo',
  'fe80::1%lo',
  '[::1]',
  '::ffff:127.0.0.256',
  '::ffff:0x7f.1',
  '12345::',
  '1:2:3:4:5:6:7:8:9',
  `${'a'.repeat(64)}.com`,
  `${'a.'.repeat(127)}com`,
  'x'.repeat(70_000),
];

describe('hosts', () => {
  for (const [text, canonical] of Object.entries(hosts)) {
    it(JSON.stringify(text), () => {
      assert.equal(parseHost(text), canonical);
      assert.equal(parseHost(canonical), canonical, 'a canonical host stays as it is');
    });
  }
  for (const text of noHosts) {
    it(`not ${JSON.stringify(text.slice(0, 40))}`, () => assert.equal(parseHost(text), undefined));
  }
});

const authorities: Readonly<Record<string, readonly [string, number | undefined]>> = {
  'example.com': ['example.com', undefined],
  'Example.COM.:443': ['example.com', 443],
  'example.com:1': ['example.com', 1],
  'example.com:65535': ['example.com', 65_535],
  '[::1]': ['::1', undefined],
  '[::1]:8080': ['::1', 8080],
  '[::ffff:10.0.0.1]:443': ['10.0.0.1', 443],
  '0x7f.1:80': ['127.0.0.1', 80],
};

const noAuthorities: readonly string[] = [
  ...['example.com:', 'example.com:0', 'example.com:00', 'example.com:080', 'example.com:65536', 'example.com:99999'],
  ...['example.com:8a', 'example.com:+80', 'example.com:-1', 'example.com: 80', 'example.com:80 ', 'example.com:８０'],
  ...['example.com:80:80', 'example.com:443@evil.com', ':443', '::1', '::1:443', '[::1', '::1]', '[::1]]', '[::1]x'],
  ...['[::1]443', '[::1]:', '[]', '[]:443', '[127.0.0.1]', '[127.0.0.1]:80', '[example.com]:80', '[[::1]]:80'],
  ...[
    '[::1%lo]:80',
    'user:pw@example.com:80',
    'http://example.com',
    'example.com/:443',
    'example.com:443/',
    '',
    '\0:80',
  ],
];

describe('host and port', () => {
  for (const [text, [host, port]] of Object.entries(authorities)) {
    it(JSON.stringify(text), () => {
      assert.deepEqual(parseAuthority(text), { host, port });
      assert.deepEqual(parseAuthority(showAuthority(host, port)), { host, port });
    });
  }
  for (const text of noAuthorities) {
    it(`not ${JSON.stringify(text)}`, () => assert.equal(parseAuthority(text), undefined));
  }
});
