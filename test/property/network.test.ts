/** Laws of hosts and of the network block: a re-spelled host is the same host, and a restriction only restricts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import { parseAuthority, parseHost, showAuthority } from '../../client/protocol/authority.ts';
import { isWithin, parseAddress, parseRange, showAddress } from '../../client/protocol/ip-address.ts';
import { mergePolicies } from '../../daemon/decide/merge-policies.ts';
import { decideDestination } from '../../daemon/decide/network-decision.ts';
import { grantsRequestPath, parseRequestPath, restrictsRequestPath } from '../../daemon/decide/network-path.ts';
import type { NetworkPolicy } from '../../daemon/decide/network-policy.ts';
import { parsePolicy } from '../../daemon/decide/policy-text.ts';
import { classifyAddress } from '../../daemon/egress/addresses.ts';

const settings = { numRuns: Number(process.env['SBX_PROPERTY_RUNS'] ?? 500) };

function read(network: object): NetworkPolicy {
  const source = { layer: 'user', file: '/u.json', anchor: '/', home: '/' } as const;
  return mergePolicies([parsePolicy(JSON.stringify({ network }), source)]).network;
}

const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const v4 = fc.nat(0xffffffff).map((bits) => ({ family: 4 as const, bits: BigInt(bits) }));
const v6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((bits) => ({ family: 6 as const, bits }));
const octet = (bits: bigint, index: number): number => Number((bits >> BigInt(24 - 8 * index)) & 0xffn);

/** How `inet_aton` and IPv6 let the same 32 bits be written. */
const respell: readonly ((bits: bigint) => string)[] = [
  (bits) => String(bits),
  (bits) => `0x${bits.toString(16)}`,
  (bits) => `0${bits.toString(8)}`,
  (bits) => [0, 1, 2, 3].map((index) => `0x${octet(bits, index).toString(16)}`).join('.'),
  (bits) => [0, 1, 2, 3].map((index) => `0${octet(bits, index).toString(8)}`).join('.'),
  (bits) => `${octet(bits, 0)}.${bits & 0xffffffn}`,
  (bits) => `${octet(bits, 0)}.${octet(bits, 1)}.${bits & 0xffffn}.`,
  (bits) => `::ffff:${showAddress({ family: 4, bits })}`,
  (bits) => `0:0:0:0:0:FFFF:${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`,
];

describe('laws of hosts', () => {
  it('an address is itself in every spelling', () => {
    fc.assert(
      fc.property(v4, fc.constantFrom(...respell), (address, spell) => {
        assert.equal(parseHost(spell(address.bits)), showAddress(address));
      }),
      settings,
    );
  });

  it('what is shown of an address is read as the same', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), (address) => {
        const read = parseAddress(showAddress(address));
        const mapped = address.family === 6 && address.bits >> 32n === 0xffffn;
        assert.deepEqual(read, mapped ? { family: 4, bits: address.bits & 0xffffffffn } : address);
      }),
      settings,
    );
  });

  it('a host that is read once is read as itself, alone and with a port', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), name, fc.domain(), fc.ipV6()),
        fc.integer({ min: 1, max: 65_535 }),
        (text, port) => {
          const host = parseHost(text);
          if (host === undefined) return;
          assert.equal(parseHost(host), host);
          assert.match(host, /^[a-z0-9_.:-]+$/);
          assert.deepEqual(parseAuthority(showAuthority(host, port)), { host, port });
        },
      ),
      settings,
    );
  });

  it('nothing that is added around a host is read as the host', () => {
    const junk = fc.constantFrom(
      '/',
      '\\',
      '@',
      '#',
      '?',
      '%00',
      '\0',
      ' ',
      '\t',
      '\n',
      '\r',
      '%2e',
      ':',
      '[',
      '*',
      ',',
      ';',
    );
    fc.assert(
      fc.property(name, name, junk, (one, two, between) => {
        assert.equal(parseHost(one + between + two), undefined);
        assert.equal(parseHost(between + one), undefined);
        assert.equal(parseHost(one + between), undefined);
      }),
      settings,
    );
  });

  it('a range holds what shares its first bits', () => {
    fc.assert(
      fc.property(fc.oneof(v4, v6), fc.oneof(v4, v6), fc.nat(128), (base, other, prefix) => {
        const width = base.family === 4 ? 32 : 128;
        const mapped = base.family === 6 && base.bits >> 32n === 0xffffn;
        const range = parseRange(`${showAddress(base)}/${prefix}`);
        if (prefix > width || mapped) return;
        assert.ok(range !== undefined);
        const bitsOf = (bits: bigint): string => bits.toString(2).padStart(width, '0').slice(0, prefix);
        const expected = base.family === other.family && bitsOf(base.bits) === bitsOf(other.bits);
        assert.equal(isWithin(other, range), expected);
        assert.equal(isWithin(base, range), true);
      }),
      settings,
    );
  });
});

const entry = fc.oneof(
  fc.constantFrom(
    'x.com',
    '*.x.com',
    'a.x.com',
    'x.com:22',
    '*',
    '*.com',
    '10.0.0.0/8',
    '10.0.0.1',
    '[fd00::1]:443',
    'localhost',
  ),
  fc.record(
    {
      host: fc.constantFrom('x.com', '*.x.com', '10.0.0.1'),
      ports: fc.constantFrom([80], [443, 22], [8080]),
      methods: fc.constantFrom(['GET'], ['POST', 'DELETE']),
      paths: fc.constantFrom(['/v1/**'], ['/v1/*', '/x']),
      speaks: fc.constantFrom('tls', 'http', 'any'),
    },
    { requiredKeys: ['host'] },
  ),
);
const entries = fc.array(entry, { maxLength: 3 });
const network = fc.record(
  {
    allow: entries,
    ask: entries,
    deny: entries,
    default: fc.constantFrom('ask', 'deny'),
    hostPorts: fc.constantFrom([], [22, 80]),
  },
  { requiredKeys: [] },
);
const destination = fc.record(
  {
    host: fc.constantFrom(
      'x.com',
      'a.x.com',
      'b.a.x.com',
      'y.com',
      '10.0.0.1',
      '10.0.0.2',
      'fd00::1',
      'localhost',
      '127.0.0.1',
    ),
    port: fc.constantFrom(22, 80, 443, 8080),
    request: fc.record({
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'delete'),
      path: fc.constantFrom('/v1/a', '/v1/../x', '/x', '/v1/%2e%2e/x', '//v1/a', '*'),
    }),
  },
  { requiredKeys: ['host', 'port'] },
);
const rank = { allow: 0, ask: 1, deny: 2 } as const;

describe('laws of the network block', () => {
  it('a restriction never loosens', () => {
    fc.assert(
      fc.property(network, destination, fc.constantFrom('ask', 'deny'), entry, (policy, wanted, list, more) => {
        const before = decideDestination(read(policy), wanted).effect;
        const after = decideDestination(read({ ...policy, [list]: [...(policy[list as 'ask'] ?? []), more] }), wanted);
        assert.ok(rank[after.effect] >= rank[before], after.message);
        const strict = decideDestination(read({ ...policy, default: 'deny' }), wanted).effect;
        assert.ok(rank[strict] >= rank[before]);
      }),
      settings,
    );
  });

  it('a grant never restricts', () => {
    fc.assert(
      fc.property(network, destination, entry, (policy, wanted, more) => {
        const before = decideDestination(read(policy), wanted).effect;
        const after = decideDestination(read({ ...policy, allow: [...(policy.allow ?? []), more] }), wanted).effect;
        // A connection that speaks anything hides the requests that a restriction is about.
        const limited = [...(policy.ask ?? []), ...(policy.deny ?? [])].some((each) => typeof each === 'object');
        if (!limited) assert.ok(rank[after] <= rank[before]);
      }),
      settings,
    );
  });

  it('the entry that is offered allows just what was asked for', () => {
    fc.assert(
      fc.property(network, destination, (policy, wanted) => {
        const { allowedBy, entry: decided } = decideDestination(read(policy), wanted);
        if (allowedBy === undefined || decided !== undefined) return;
        const after = decideDestination(read({ ...policy, allow: [...(policy.allow ?? []), allowedBy] }), wanted);
        assert.notEqual(after.effect, 'deny');
      }),
      settings,
    );
  });

  it('a path that is granted is restricted by the same glob', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      ';',
      ';x=1',
      '%2e',
      '%2F',
      '%5c',
      '\\',
      '%25',
      'v1',
      'admin',
      'ü',
      '%c3%bc',
      '%',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('/**', '/v1/**', '/*/admin', '/v1/*'),
        (pieces, text) => {
          const glob = parseRequestPath(text);
          assert.ok(typeof glob !== 'string');
          const path = `/${pieces.join('')}`;
          if (grantsRequestPath([glob], path)) assert.ok(restrictsRequestPath([glob], path), path);
        },
      ),
      settings,
    );
  });

  it('an address that carries another is never judged better than that', () => {
    const order = { public: 0, named: 1, never: 2 } as const;
    fc.assert(
      fc.property(v4, fc.constantFrom('::ffff:', '64:ff9b::', '2002:', '::'), (address, before) => {
        const high = (address.bits >> 16n).toString(16);
        const low = (address.bits & 0xffffn).toString(16);
        const carrying = before === '2002:' ? `2002:${high}:${low}::` : `${before}${high}:${low}`;
        const reach = (text: string): number => order[classifyAddress(text, () => false)?.reach ?? 'never'];
        assert.ok(reach(carrying) >= reach(showAddress(address)), carrying);
      }),
      settings,
    );
  });
});
