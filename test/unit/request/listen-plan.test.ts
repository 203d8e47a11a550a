// What may be bound with which options.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { after } from 'node:test';
import { type ListenWish, planListening } from '../../../daemon/request/listen-plan.ts';
import { makeCertificate } from '../../fixtures/certificate.ts';

const folder = mkdtempSync('/tmp/sbx-plan-');
after(() => rmSync(folder, { recursive: true, force: true }));
const pair = makeCertificate(folder);
const otherPair = makeCertificate(folder, 'other');
const encryptedKey = path.join(folder, 'encrypted.key');
spawnSync('openssl', ['pkey', '-aes128', '-passout', 'pass:x', '-in', pair.key, '-out', encryptedKey]);
const garbage = path.join(folder, 'garbage');
writeFileSync(garbage, 'garbage');
const tokenFile = path.join(folder, 'own-token');
const token = 'a-token-of-enough-characters-0123456789';
writeFileSync(tokenFile, token, { mode: 0o600 });
const wideTokenFile = path.join(folder, 'wide-token');
writeFileSync(wideTokenFile, token);
chmodSync(wideTokenFile, 0o644);

const names: Record<string, readonly string[]> = {
  localhost: ['127.0.0.1'],
  'inside.internal': ['127.0.0.1'],
  'outside.internal': ['127.0.0.1', '10.0.0.1'],
};
const facts = {
  stateDirectory: folder,
  uid: process.getuid?.() ?? -1,
  lookup: async (host: string) => names[host] ?? [],
};
const wish = (listen: string, more: Partial<ListenWish> = {}): ListenWish => ({
  listen,
  tokenFile: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  allowHosts: [],
  insecure: false,
  ...more,
});
const tlsFiles = { tlsCert: pair.cert, tlsKey: pair.key };

const allowed: readonly [
  listen: string,
  more: Partial<ListenWish>,
  token: 'own' | 'made' | 'none',
  warnings: number,
][] = [
  ['127.0.0.1:0', {}, 'made', 0],
  ['[::1]:0', {}, 'made', 0],
  ['localhost:0', {}, 'made', 0],
  ['inside.internal:0', {}, 'made', 0],
  ['127.0.0.1:0', { tokenFile }, 'own', 0],
  ['127.0.0.1:0', tlsFiles, 'made', 0],
  ['127.0.0.1:0', { insecure: true }, 'made', 1],
  ['0.0.0.0:0', tlsFiles, 'made', 0],
  ['0.0.0.0:0', { ...tlsFiles, tokenFile }, 'own', 0],
  ['[::]:0', tlsFiles, 'made', 0],
  ['outside.internal:0', tlsFiles, 'made', 0],
  ['0.0.0.0:0', { insecure: true }, 'none', 2],
  ['0.0.0.0:0', { insecure: true, tokenFile }, 'own', 1],
  ['0.0.0.0:0', { insecure: true, ...tlsFiles }, 'none', 1],
  ['0.0.0.0:0', { insecure: true, ...tlsFiles, tokenFile }, 'own', 0],
];
for (const [listen, more, expected, warnings] of allowed) {
  test(`${listen} with ${Object.keys(more).join(', ') || 'nothing'}: token ${expected}`, async () => {
    const plan = await planListening(wish(listen, more), facts);
    if (expected === 'own') assert.equal(plan.token, token);
    else if (expected === 'none') assert.equal(plan.token, undefined);
    else assert.match(plan.token ?? '', /^[A-Za-z0-9_-]{43}$/);
    assert.equal(plan.warnings.length, warnings, plan.warnings.join('\n'));
    assert.equal(plan.tls !== undefined, more.tlsCert !== undefined);
  });
}

const refused: readonly [what: string, wish: ListenWish, message: RegExp][] = [
  ['all addresses without TLS', wish('0.0.0.0:0'), /reached from other machines/],
  ['all addresses with a token and no TLS', wish('0.0.0.0:0', { tokenFile }), /reached from other machines/],
  ['all IPv6 addresses', wish('[::]:0'), /reached from other machines/],
  ['all addresses, IPv4 in IPv6', wish('[::ffff:0.0.0.0]:0'), /reached from other machines/],
  ['one address of the network', wish('10.0.0.1:0'), /reached from other machines/],
  ['a name of which one address is on the network', wish('outside.internal:0'), /reached from other machines/],
  ['a certificate without a key', wish('127.0.0.1:0', { tlsCert: pair.cert }), /both a certificate and its key/],
  ['a key without a certificate', wish('127.0.0.1:0', { tlsKey: pair.key }), /both a certificate and its key/],
  ['another key', wish('127.0.0.1:0', { ...tlsFiles, tlsKey: otherPair.key }), /cannot be used/],
  ['a key with a passphrase', wish('127.0.0.1:0', { ...tlsFiles, tlsKey: encryptedKey }), /cannot be used/],
  ['no certificate in the file', wish('127.0.0.1:0', { ...tlsFiles, tlsCert: garbage }), /cannot be used/],
  ['no such certificate', wish('127.0.0.1:0', { ...tlsFiles, tlsCert: '/nowhere' }), /`--tls-cert`.*cannot be read/],
  ['a folder as key', wish('127.0.0.1:0', { ...tlsFiles, tlsKey: folder }), /`--tls-key`.*cannot be read/],
  ['a token that others can read', wish('127.0.0.1:0', { tokenFile: wideTokenFile }), /has mode 644/],
  ['the same on an open port', wish('0.0.0.0:0', { tokenFile: wideTokenFile, insecure: true }), /has mode 644/],
  ['no such token', wish('127.0.0.1:0', { tokenFile: '/nowhere' }), /does not exist/],
  ['a host with a port', wish('127.0.0.1:0', { allowHosts: ['sbx.internal:80'] }), /is no host name/],
  ['any host', wish('127.0.0.1:0', { allowHosts: ['*'] }), /is no host name/],
  ['an address as host', wish('127.0.0.1:0', { allowHosts: ['10.0.0.1'] }), /is no host name/],
];
for (const [what, wished, message] of refused) {
  test(`${what} is refused in one sentence`, async () => {
    await assert.rejects(planListening(wished, facts), (error: { code: string; message: string; help: string }) => {
      assert.equal(error.code, 'bad-listen');
      assert.match(error.message, message);
      assert.ok(!error.message.includes('\n') && !error.message.includes(token));
      return error.help !== '';
    });
  });
}

test('what is refused makes no token', async () => {
  const stateDirectory = mkdtempSync(path.join(folder, 'state-'));
  await assert.rejects(planListening(wish('0.0.0.0:0'), { ...facts, stateDirectory }));
  assert.equal(existsSync(path.join(stateDirectory, 'token')), false);
  await planListening(wish('127.0.0.1:0'), { ...facts, stateDirectory });
  assert.equal(existsSync(path.join(stateDirectory, 'token')), true);
});

test('the name that is listened on may be asked for, localhost only with its port', async () => {
  const named = await planListening(wish('inside.internal:0', { allowHosts: ['SBX.internal'] }), facts);
  assert.deepEqual(named.names, ['sbx.internal', 'inside.internal']);
  assert.deepEqual((await planListening(wish('localhost:0'), facts)).names, []);
});

test('a key that everybody can read is warned about', async () => {
  const wide = makeCertificate(folder, 'wide');
  chmodSync(wide.key, 0o644);
  const plan = await planListening(wish('127.0.0.1:0', { tlsCert: wide.cert, tlsKey: wide.key }), facts);
  assert.match(plan.warnings.join('\n'), /can be read by every account/);
});
