/** Which destination which entry decides, and why: one row per rule of the grammar, each with its neighbour. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHost } from '../../../client/protocol/authority.ts';
import { parseAddress, parseRange } from '../../../client/protocol/ip-address.ts';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { decideDestination, findDeniedHost, judgeAddress } from '../../../daemon/decide/network-decision.ts';
import type { NetworkPolicy } from '../../../daemon/decide/network-policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';

const source = { layer: 'user', file: '/u.json', anchor: '/home/u', home: '/home/u' } as const;

function read(network: object, permissions: object = {}): NetworkPolicy {
  const parsed = parsePolicy(JSON.stringify({ network, permissions }), source);
  assert.deepEqual(parsed.problems, []);
  return mergePolicies([parsed]).network;
}

/** `host:port`, or `METHOD host:port/path` for a request of plain HTTP. */
function decide(network: NetworkPolicy, text: string): string {
  const [, method, place = '', path] = /^(?:([A-Za-z]+) )?([^/ ]+)(\/.*)?$/.exec(text) ?? [];
  const [, written = '', port] = /^(.*):(\d+)$/.exec(place) ?? [];
  const host = parseHost(written.replace(/^\[(.*)\]$/, '$1'));
  assert.ok(host !== undefined && port !== undefined, text);
  const request = method === undefined || path === undefined ? {} : { request: { method, path } };
  const { effect, speaks } = decideDestination(network, { host, port: Number(port), ...request });
  return effect === 'allow' ? `allow ${speaks}` : effect;
}

type Row = readonly [string, object, Readonly<Record<string, string>>, object?];

const v1 = { host: 'api.com', methods: ['GET'], paths: ['/v1/**'] };

const rows: readonly Row[] = [
  ['nothing', {}, { 'x.com:443': 'ask', '10.0.0.1:443': 'ask', 'localhost:80': 'deny' }],
  ['default deny', { default: 'deny' }, { 'x.com:443': 'deny' }],
  [
    'a host',
    { allow: ['x.com'] },
    {
      'x.com:443': 'allow tls',
      'x.com:80': 'allow http',
      'X.COM.:443': 'allow tls',
      'x.com:8443': 'ask',
      'x.com:22': 'ask',
      'a.x.com:443': 'ask',
      'notx.com:443': 'ask',
      'x.com.evil.org:443': 'ask',
      'com:443': 'ask',
    },
  ],
  [
    'below a host, at any depth, not itself',
    { allow: ['*.x.com'] },
    { 'a.x.com:443': 'allow tls', 'a.b.x.com:443': 'allow tls', 'x.com:443': 'ask', 'ax.com:443': 'ask' },
  ],
  ['a star inside stays in its label', { allow: ['a.*.com'] }, { 'a.b.com:443': 'allow tls', 'a.b.c.com:443': 'ask' }],
  [
    'a port',
    { allow: ['x.com:8443', '[2001:4860::1]:22'] },
    {
      'x.com:8443': 'allow any',
      'x.com:443': 'ask',
      '[2001:4860::1]:22': 'allow any',
      '[2001:4860:0::1]:22': 'allow any',
      '[2001:4860::1]:443': 'ask',
    },
  ],
  [
    'names are compared in one spelling',
    { allow: ['münchen.de', '*.ÜBER.de'], deny: ['XN--BCHER-KVA.com'] },
    { 'xn--mnchen-3ya.de:443': 'allow tls', 'a.über.de:443': 'allow tls', 'bücher.com:443': 'deny' },
  ],
  [
    'addresses are compared as such',
    { allow: ['93.184.216.34', '0x5db8d823'], deny: ['10.0.0.0/8', '::ffff:172.16.0.0/108', 'fd00::/8'] },
    {
      '93.184.216.34:443': 'allow tls',
      '0x5db8d822:443': 'allow tls',
      '93.184.216.35:443': 'allow tls',
      '[::ffff:93.184.216.34]:443': 'allow tls',
      '10.1.2.3:443': 'deny',
      '167838211:443': 'deny',
      '[::ffff:10.1.2.3]:22': 'deny',
      '11.1.2.3:443': 'ask',
      '172.31.0.1:443': 'deny',
      '172.32.0.1:443': 'ask',
      '[fd12::1]:443': 'deny',
      '[fe12::1]:443': 'ask',
    },
  ],
  ['a name is no address', { allow: ['0.0.0.0/0'] }, { 'x.com:443': 'ask', '8.8.8.8:443': 'allow tls' }],
  [
    'a star in numbers grants no address and still denies',
    { allow: ['1.*.1.1'], deny: ['8.*.8.8'] },
    { '1.1.1.1:443': 'ask', '8.8.8.8:443': 'deny' },
  ],
  ['everything', { allow: ['*'] }, { 'x.com:443': 'allow tls', 'x.com:22': 'ask', '8.8.8.8:80': 'allow http' }],
  ['everything at a port', { allow: ['*:22'] }, { 'x.com:22': 'allow any', 'x.com:443': 'ask' }],
  [
    'deny before ask before allow, and a restriction without a port is for all ports',
    { allow: ['*.x.com', 'x.com:22'], ask: ['b.x.com', 'x.com'], deny: ['a.x.com', 'c.x.com:80'] },
    {
      'a.x.com:443': 'deny',
      'a.x.com:9': 'deny',
      'b.x.com:443': 'ask',
      'x.com:22': 'ask',
      'c.x.com:80': 'deny',
      'c.x.com:443': 'allow tls',
      'd.x.com:443': 'allow tls',
    },
  ],
  [
    'an ask makes no question of a refusal',
    { default: 'deny', ask: ['*'], allow: ['x.com'] },
    { 'x.com:443': 'ask', 'y.com:443': 'deny', 'localhost:5432': 'deny' },
  ],
  [
    'what a port speaks',
    {
      allow: [
        { host: 'ssh.x.com', ports: [443], speaks: 'any' },
        { host: 'a.com', ports: [8443], speaks: 'tls' },
        { host: 'b.com', ports: [8080], speaks: 'http' },
        '*.x.com',
      ],
    },
    {
      'ssh.x.com:443': 'allow any',
      'ssh.x.com:80': 'allow http',
      'a.com:8443': 'allow tls',
      'b.com:8080': 'allow http',
    },
  ],
  [
    'methods and paths of plain HTTP',
    { allow: [v1] },
    {
      'GET api.com:80/v1/x': 'allow http',
      'GET api.com:80/v1/x?y=/v2': 'allow http',
      'GET api.com:80/v1/': 'allow http',
      'GET api.com:80/v1': 'ask',
      'GET api.com:80/v2/x': 'ask',
      'POST api.com:80/v1/x': 'ask',
      'get api.com:80/v1/x': 'ask',
      // The connection as such, whose requests follow.
      'api.com:80': 'allow http',
      'api.com:443': 'ask',
      'api.com:8080': 'ask',
    },
  ],
  [
    'an allow with paths at another port is for HTTP',
    { allow: [{ host: 'a.com', ports: [8080], paths: ['/x'] }] },
    { 'a.com:8080': 'allow http', 'GET a.com:8080/x': 'allow http', 'GET a.com:8080/y': 'ask' },
  ],
  [
    'a restriction of requests is one where they are seen, and asks where not',
    {
      allow: ['api.com', 'api.com:9000', 'other.com'],
      deny: [{ host: 'api.com', methods: ['DELETE'], paths: ['/v1/**'] }],
    },
    {
      'api.com:80': 'allow http',
      'GET api.com:80/v1/x': 'allow http',
      'DELETE api.com:80/v1/x': 'deny',
      'delete api.com:80/V1/x': 'deny',
      'DELETE api.com:80/v2/x': 'allow http',
      'api.com:443': 'ask',
      'api.com:9000': 'ask',
      'other.com:443': 'allow tls',
    },
  ],
  [
    'loopback is for hostPorts alone',
    { allow: ['*', 'localhost:3000', '127.0.0.1:3000', '127.0.0.0/8'], hostPorts: [5432] },
    {
      'localhost:5432': 'allow any',
      'db.localhost:5432': 'allow any',
      '127.0.0.1:5432': 'allow any',
      '127.9.9.9:5432': 'allow any',
      '[::1]:5432': 'allow any',
      '0x7f.1:5432': 'allow any',
      'localhost:3000': 'deny',
      '127.0.0.1:3000': 'deny',
      '[::ffff:127.0.0.1]:80': 'deny',
      'notlocalhost:443': 'allow tls',
    },
  ],
  ['hostPorts gives way to a deny', { hostPorts: [5432], deny: ['localhost'] }, { 'localhost:5432': 'deny' }],
  [
    'rules of WebFetch are entries',
    { allow: ['z.com'] },
    {
      'a.com:443': 'allow tls',
      'a.com:22': 'ask',
      'b.a.com:443': 'ask',
      'c.com:443': 'deny',
      'c.com:22': 'deny',
      'd.com:443': 'ask',
      'z.com:443': 'allow tls',
      'x.e.com:443': 'allow tls',
      'keep.e.com:443': 'ask',
    },
    {
      allow: ['WebFetch(domain:a.com)', { rule: 'WebFetch(domain:*.e.com)', unless: ['WebFetch(domain:keep.e.com)'] }],
      ask: ['WebFetch(domain:d.com)'],
      deny: ['WebFetch(domain:c.com)'],
    },
  ],
];

const webRows: readonly Row[] = [
  [
    'rules of WebFetch take ports, ranges and brackets',
    {},
    {
      'x.com:22': 'allow any',
      'x.com:443': 'ask',
      '10.1.2.3:443': 'allow tls',
      '[fd00::1]:443': 'allow tls',
      '[fd00::2]:443': 'ask',
      '192.168.1.1:9': 'deny',
    },
    {
      allow: ['WebFetch(domain:x.com:22)', 'WebFetch(domain:10.0.0.0/8)', 'WebFetch(domain:[fd00::1])'],
      deny: ['WebFetch(domain:192.168.0.0/16)'],
    },
  ],
  [
    'an exemption from an ask has to be certain, a narrower grant may only be possible',
    { default: 'ask' },
    { 'a.com:443': 'ask', 'b.com:443': 'allow tls', 'x.com:443': 'ask', 'y.com:443': 'ask', 'z.com:443': 'ask' },
    {
      allow: [
        'WebFetch(domain:a.com)',
        'WebFetch(domain:b.com)',
        { rule: 'WebFetch(domain:x.com)', unless: ['WebFetch(domain:x.com:22)'] },
        { rule: 'WebFetch(domain:y.com)', unless: ['Bash(curl *)'] },
        { rule: 'WebFetch(domain:z.com)', unless: ['WebFetch'] },
      ],
      ask: [
        { rule: 'WebFetch(domain:a.com)', unless: ['WebFetch(domain:a.com:443)', 'Bash(curl *)'] },
        { rule: 'WebFetch', unless: ['WebFetch(domain:b.com)', 'WebFetch(domain:*.com)'] },
      ],
    },
  ],
];

describe('destinations', () => {
  for (const [title, network, expected, permissions] of [...rows, ...webRows]) {
    it(title, () => {
      const policy = read(network, permissions);
      const found = Object.fromEntries(Object.keys(expected).map((text) => [text, decide(policy, text)]));
      assert.deepEqual(found, expected);
    });
  }

  it('names the entry, its place, its reason and what would help', () => {
    const policy = read({
      allow: ['x.com'],
      deny: [{ host: '*.evil.com', reason: 'known for malware' }],
      ask: ['y.com'],
    });
    const denied = decideDestination(policy, { host: 'a.evil.com', port: 443 });
    assert.equal(denied.message, '`a.evil.com` is denied by `*.evil.com`: known for malware');
    assert.match(denied.rule ?? '', /^`\*\.evil\.com` \(\/u\.json:1:\d+\)$/);
    assert.equal(denied.allowedBy, undefined);
    assert.match(denied.howToAllow ?? '', /remove or narrow the entry at \/u\.json/);
    const port = decideDestination(policy, { host: 'x.com', port: 8443 });
    assert.equal(port.message, 'no entry allows `x.com:8443`: `x.com` is for port 80 and 443');
    assert.equal(port.allowedBy, 'x.com:8443');
    assert.match(port.howToAllow ?? '', /^sbx run --net x\.com:8443, or add/);
    const v6 = decideDestination(policy, { host: '2001:4860::1', port: 443 });
    assert.equal(v6.allowedBy, '[2001:4860::1]');
    assert.equal(decide(read({ allow: [v6.allowedBy] }), '[2001:4860::1]:443'), 'allow tls');
  });

  it('the entry that is offered allows exactly this', () => {
    for (const [host, port] of [
      ['x.com', 443],
      ['x.com', 22],
      ['8.8.8.8', 8080],
      ['2001:4860::1', 22],
      ['xn--mnchen-3ya.de', 80],
    ] as const) {
      const offered = decideDestination(read({}), { host, port }).allowedBy;
      assert.equal(decideDestination(read({ allow: [offered] }), { host, port }).effect, 'allow', `${host} ${port}`);
      assert.equal(decideDestination(read({ allow: [offered] }), { host: 'other.com', port }).effect, 'ask');
    }
  });

  it('tells a denied host from the text of a command', () => {
    const policy = read({ deny: ['*.evil.com', 'x.com:22', { host: 'y.com', paths: ['/a'] }, '10.0.0.0/8'] });
    for (const host of ['a.evil.com', 'A.EVIL.COM.', '10.0.0.1', '0xa000001', '[::ffff:10.0.0.1]']) {
      assert.ok(findDeniedHost(policy, host), host);
    }
    for (const host of ['evil.com', 'x.com', 'y.com', '11.0.0.1', '', 'a b']) {
      assert.equal(findDeniedHost(policy, host), undefined, host);
    }
  });
});

describe('addresses that a name resolves to', () => {
  const judge = (network: object, address: string, blocks: readonly string[], port = 443): string => {
    const parsed = parseAddress(address);
    assert.ok(parsed !== undefined);
    const block = blocks.flatMap((text) => parseRange(text) ?? []);
    const { named, restricted } = judgeAddress(read(network), { addresses: [parsed], port, block });
    return [restricted?.list, named === undefined ? undefined : 'named'].filter(Boolean).join(' ');
  };
  const ten = ['10.0.0.0/8'];

  it('meet denied and asked ranges', () => {
    assert.equal(judge({ deny: ['10.0.0.0/8'] }, '10.1.1.1', []), 'deny');
    assert.equal(judge({ ask: ['10.0.0.0/8'] }, '10.1.1.1', []), 'ask');
    assert.equal(judge({ deny: ['10.0.0.0/8:22'] }, '10.1.1.1', []), '');
    assert.equal(judge({ deny: ['10.0.0.0/8'] }, '11.1.1.1', []), '');
  });

  it('are named by an address or a range within the private block, and by nothing wider', () => {
    assert.equal(judge({ allow: ['10.1.0.0/16'] }, '10.1.1.1', ten), 'named');
    assert.equal(judge({ allow: ['10.1.1.1'] }, '10.1.1.1', ten), 'named');
    assert.equal(judge({ allow: ['10.0.0.0/8'] }, '10.1.1.1', ten), 'named');
    assert.equal(judge({ allow: ['10.1.1.1:22'] }, '10.1.1.1', ten), '');
    assert.equal(judge({ allow: ['10.1.1.1:22'] }, '10.1.1.1', ten, 22), 'named');
    for (const wide of ['0.0.0.0/0', '8.0.0.0/6', '*', '10.2.0.0/16']) {
      assert.equal(judge({ allow: [wide] }, '10.1.1.1', ten), '', wide);
    }
  });
});
