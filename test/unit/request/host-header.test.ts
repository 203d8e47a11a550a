import assert from 'node:assert/strict';
import test from 'node:test';
import { type HostFacts, headerValues, isOwnHost } from '../../../daemon/request/host-header.ts';

const loopback: HostFacts = { ip: '127.0.0.1', port: 7474, isLoopback: true, isEncrypted: false, names: [] };
const loopback6: HostFacts = { ...loopback, ip: '::1' };
const other: HostFacts = { ...loopback, ip: '127.0.0.5' };
const named: HostFacts = { ...loopback, names: ['sbx.internal'] };
const open: HostFacts = { ...loopback, ip: '0.0.0.0', isLoopback: false, isEncrypted: true };
const port80: HostFacts = { ...loopback, port: 80 };
const port443: HostFacts = { ...loopback, port: 443, isEncrypted: true };

const rows: readonly [what: string, facts: HostFacts, hosts: readonly string[], own: boolean][] = [
  ['the bound address', loopback, ['127.0.0.1:7474'], true],
  ['localhost', loopback, ['localhost:7474'], true],
  ['LOCALHOST', loopback, ['LOCALHOST:7474'], true],
  ['the other loopback', loopback, ['[::1]:7474'], true],
  ['the other loopback, the other way', loopback6, ['127.0.0.1:7474'], true],
  ['the same address in another spelling', loopback6, ['[0:0:0:0:0:0:0:1]:7474'], true],
  ['an address of 127/8 that was bound', other, ['127.0.0.5:7474'], true],
  ['one that was not', loopback, ['127.0.0.5:7474'], false],
  ['another port', loopback, ['127.0.0.1:7475'], false],
  ['localhost at another port', loopback, ['localhost:7475'], false],
  ['no port', loopback, ['127.0.0.1'], false],
  ['no port, which is 80', port80, ['127.0.0.1'], true],
  ['no port under TLS, which is 443', port443, ['localhost'], true],
  ['port 80 under TLS', port443, ['localhost:80'], false],
  ["a page's name that leads here", loopback, ['attacker.example:7474'], false],
  ['a name that begins like ours', loopback, ['localhost.attacker.example:7474'], false],
  ['a name that begins like an address', loopback, ['127.0.0.1.attacker.example:7474'], false],
  ['localhost with a dot', loopback, ['localhost.:7474'], false],
  ['another machine', loopback, ['10.0.0.1:7474'], false],
  ['0.0.0.0', loopback, ['0.0.0.0:7474'], false],
  ['a short spelling', loopback, ['127.1:7474'], false],
  ['a decimal spelling', loopback, ['2130706433:7474'], false],
  ['a user before it', loopback, ['attacker@127.0.0.1:7474'], false],
  ['two in one header', loopback, ['127.0.0.1:7474, attacker.example'], false],
  ['a port with a sign', loopback, ['127.0.0.1:+7474'], false],
  ['a port with a leading zero', loopback, ['127.0.0.1:07474'], false],
  ['an empty port', loopback, ['127.0.0.1:'], false],
  ['an empty port where 80 is right', port80, ['127.0.0.1:'], false],
  ['an open bracket', loopback, ['[::1:7474'], false],
  ['nothing in it', loopback, [''], false],
  ['none', loopback, [], false],
  ['two, both right', loopback, ['127.0.0.1:7474', '127.0.0.1:7474'], false],
  ['a right one and a wrong one', loopback, ['127.0.0.1:7474', 'attacker.example'], false],
  ['a name that was allowed', named, ['sbx.internal:7474'], true],
  ['a name that was allowed, behind a forwarded port', named, ['SBX.internal:9000'], true],
  ['a name below the allowed one', named, ['a.sbx.internal:7474'], false],
  ['the allowed name does not close localhost', named, ['localhost:7474'], true],
  ['any address where any can be bound', open, ['203.0.113.9:7474'], true],
  ['any address, behind a forwarded port', open, ['203.0.113.9:8443'], true],
  ['any IPv6 address', open, ['[2001:db8::1]:7474'], true],
  ['a name that nobody allowed', open, ['attacker.example:7474'], false],
  ['localhost, which no page can be called', open, ['localhost:7474'], true],
  ['localhost at another port', open, ['localhost:80'], false],
];
for (const [what, facts, hosts, own] of rows) {
  test(`${facts.isLoopback ? 'loopback' : 'all addresses'}, Host is ${what}: ${own ? 'ours' : 'refused'}`, () => {
    assert.equal(isOwnHost(hosts, facts), own);
  });
}

test('every value of a header is found, whatever the case of its name', () => {
  const rawHeaders = ['Host', 'a', 'X', 'host', 'HOST', 'b'];
  assert.deepEqual(headerValues({ rawHeaders }, 'host'), ['a', 'b']);
  assert.deepEqual(headerValues({ rawHeaders }, 'origin'), []);
});
