/** What a name may lead to: every class of address, rebinding, and what names a private address. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { judgeAddress } from '../../../daemon/decide/network-decision.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';
import { classifyAddress, watchOwnAddresses } from '../../../daemon/egress/addresses.ts';
import { type CheckedTarget, type CheckOptions, checkTarget } from '../../../daemon/egress/checked-target.ts';
import { isRefusal, type Refusal } from '../../../daemon/egress/model.ts';
import { rememberAnswers } from '../../../daemon/egress/resolve.ts';

const never = new AbortController().signal;

interface Given extends Partial<CheckOptions> {
  readonly answers?: readonly string[];
  readonly network?: object;
}

function check(host: string, given: Given = {}, port = 443, signal = never): Promise<CheckedTarget | Refusal> {
  const { answers = ['93.184.216.34'], network = {}, ...more } = given;
  const source = { layer: 'user', file: '/u.json', anchor: '/', home: '/' } as const;
  const policy = mergePolicies([parsePolicy(JSON.stringify({ network }), source)]).network;
  const options: CheckOptions = {
    resolve: () => Promise.resolve(answers),
    judge: (query) => judgeAddress(policy, query),
    hostPorts: policy.hostPorts.map(({ value }) => value),
    named: false,
    isOwn: () => false,
    isProxied: () => false,
    ...more,
  };
  return checkTarget({ host, port }, options, signal);
}

function show(answer: CheckedTarget | Refusal): string {
  return isRefusal(answer) ? answer.code : answer.addresses.join(' ');
}

/** Addresses that a name is answered with, and what becomes of it. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  'the loopback of this machine': ['127.0.0.1', '127.9.9.9', '::1', '0.0.0.0', '0.1.2.3', '::', '::ffff:127.0.0.1'],
  'a link-local address': ['169.254.1.1', 'fe80::1', 'febf::1', 'fec0::1', '::ffff:169.254.1.1'],
  'the metadata service of a cloud': [
    ...['169.254.169.254', '::ffff:169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254', '100.100.100.200'],
    ...['168.63.129.16', '169.254.170.2', '192.0.0.192', '64:ff9b::a9fe:a9fe'],
  ],
  'no address of a single host': ['224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255'],
  'an IPv4 address in a tunnel': ['::7f00:1', '::8.8.8.8', '2002:7f00:1::', '2001:0:1::1', '192.88.99.1'],
  'a private address': [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    'fd12::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
  ],
  'an address of shared address space': ['100.64.0.1', '100.127.255.255'],
  'an address of a local translator': ['64:ff9b:1::1'],
  'a reserved address': [
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.9',
    '240.0.0.1',
    '2001:db8::1',
    '3fff::1',
    '100::1',
    '5f00::1',
  ],
};

const permitted: readonly string[] = [
  ...['93.184.216.34', '172.15.255.255', '172.32.0.1', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1'],
  ...['169.253.255.255', '126.255.255.255', '128.0.0.1', '223.255.255.255', '192.167.255.255', '192.169.0.1'],
  // Where only IPv6 leads out, the names of all IPv4 hosts are these (RFC 6147).
  ...['2606:2800:220:1::1', '64:ff9b::5db8:d822', '2001:4860::1', '2003::1'],
];

describe('addresses of names', () => {
  for (const [what, addresses] of Object.entries(forbidden)) {
    for (const address of addresses) {
      it(`${address} is ${what}`, async () => {
        const answer = await check('x.com', { answers: [address] });
        assert.ok(isRefusal(answer), show(answer));
        assert.equal(answer.code, 'forbidden-address');
        assert.ok(answer.message.endsWith(`which is ${what}`), answer.message);
        // Beside a sound one only that is left, and no yes of a person to the name changes it.
        const beside = await check('x.com', { answers: [address, '93.184.216.34'], named: true });
        assert.equal(show(beside), '93.184.216.34');
      });
    }
  }
  for (const address of permitted) {
    it(`${address} is public`, async () => assert.equal(show(await check('x.com', { answers: [address] })), address));
  }

  it('what is no address is never dialled', async () => {
    for (const answer of ['fe80::1%eth0', '127.1', '0x7f000001', '', 'localhost', '1.2.3.4 ']) {
      assert.equal(show(await check('x.com', { answers: [answer] })), 'forbidden-address', answer);
    }
    assert.equal(show(await check('x.com', { answers: [] })), 'unresolved');
  });

  it('this machine is out of reach by its own addresses too', async () => {
    const isOwn = (address: string): boolean =>
      ['198.51.100.7', '8.8.4.4', '10.0.0.5', '2001:4860::5'].includes(address);
    const network = { allow: ['10.0.0.0/8', '8.8.4.4'] };
    for (const own of ['8.8.4.4', '10.0.0.5', '::ffff:10.0.0.5', '2001:4860::5', '64:ff9b::808:404']) {
      const answer = await check('x.com', { answers: [own], isOwn, network });
      assert.ok(isRefusal(answer), own);
      assert.match(answer.message, /an address of this machine/);
    }
    assert.equal(show(await check('x.com', { answers: ['10.0.0.6'], isOwn, network })), '10.0.0.6');
  });

  it('families take turns, in the order of the answer, each address once', async () => {
    const answers = ['2606::1', '2606::2', '2606:0::2', '1.1.1.1', '1.1.1.2', '::ffff:1.1.1.2', '1.1.1.3'];
    assert.equal(show(await check('x.com', { answers })), '2606::1 1.1.1.1 2606::2 1.1.1.2 1.1.1.3');
  });
});

describe('private addresses', () => {
  it('are named by an allow of the address or its range', async () => {
    const answers = ['10.1.2.3'];
    for (const entry of ['10.1.2.3', '10.1.0.0/16', '10.0.0.0/8', '[::ffff:10.1.2.3]']) {
      assert.equal(show(await check('x.com', { answers, network: { allow: ['x.com', entry] } })), '10.1.2.3', entry);
    }
    for (const entry of ['x.com', '*', '0.0.0.0/0', '10.2.0.0/16', '10.1.2.3:22']) {
      const answer = await check('x.com', { answers, network: { allow: ['x.com', entry] } });
      assert.equal(show(answer), 'forbidden-address', entry);
    }
  });

  it('the refusal tells the entry that would name it, and that entry does', async () => {
    const answer = await check('x.com', { answers: ['fd12::1'] }, 5432);
    assert.ok(isRefusal(answer));
    assert.match(answer.howToAllow ?? '', /^sbx run --net \[fd12::1\]:5432, or add/);
    const network = { allow: ['[fd12::1]:5432'] };
    assert.equal(show(await check('x.com', { answers: ['fd12::1'], network }, 5432)), 'fd12::1');
  });

  it('are named by a person who was asked about the address itself', async () => {
    assert.equal(show(await check('10.1.2.3', { named: true })), '10.1.2.3');
    assert.equal(show(await check('10.1.2.3', { network: { allow: ['*'] } })), 'forbidden-address');
    assert.equal(show(await check('169.254.169.254', { named: true })), 'forbidden-address');
    assert.equal(show(await check('0.0.0.0', { named: true, hostPorts: [443] })), 'forbidden-address');
    assert.equal(show(await check('::', { named: true, hostPorts: [443] })), 'forbidden-address');
  });

  it('fall under denied and asked ranges, public or not', async () => {
    const network = { allow: ['x.com', '10.0.0.0/8'], deny: ['10.9.0.0/16', '93.184.0.0/16'], ask: ['10.8.0.0/16'] };
    for (const [address, expected] of [
      ['10.9.1.1', 'denied'],
      ['10.8.1.1', 'denied'],
      ['93.184.216.34', 'denied'],
      ['64:ff9b::5db8:d822', 'denied'],
      ['10.7.1.1', '10.7.1.1'],
      ['93.185.1.1', '93.185.1.1'],
    ] as const) {
      assert.equal(show(await check('x.com', { answers: [address], network })), expected, address);
    }
  });
});

describe('the loopback of the machine', () => {
  it('is open at granted ports alone, and no name leads there', async () => {
    const network = { hostPorts: [5432] };
    assert.equal(show(await check('localhost', { network }, 5432)), '127.0.0.1 ::1');
    assert.equal(show(await check('db.localhost', { network }, 5432)), '127.0.0.1 ::1');
    assert.equal(show(await check('127.0.0.1', { network }, 5432)), '127.0.0.1');
    assert.equal(show(await check('::1', { network }, 5432)), '::1');
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      assert.equal(show(await check(host, { network, named: true }, 5433)), 'forbidden-address');
    }
    assert.equal(show(await check('x.com', { network, answers: ['127.0.0.1'] }, 5432)), 'forbidden-address');
  });

  it('a denied range holds there', async () => {
    const network = { hostPorts: [5432], deny: ['127.0.0.0/8'] };
    assert.equal(show(await check('localhost', { network }, 5432)), '::1');
    assert.equal(show(await check('127.0.0.1', { network }, 5432)), 'denied');
  });
});

describe('resolving', () => {
  it('happens once, so a name that is bound anew leads nowhere else', async () => {
    let asked = 0;
    const resolve = (): Promise<readonly string[]> =>
      Promise.resolve(asked++ === 0 ? ['93.184.216.34'] : ['127.0.0.1']);
    assert.equal(show(await check('rebind.com', { resolve })), '93.184.216.34');
    assert.equal(asked, 1);
    assert.equal(show(await check('rebind.com', { resolve })), 'forbidden-address');
  });

  it('says in words why there is no answer, in bounded time', async () => {
    const fails = (code: string) => () => Promise.reject(Object.assign(new Error('x'), { code }));
    const answers = await Promise.all([
      check('x.com', { resolve: fails('ENOTFOUND') }),
      check('x.com', { resolve: fails('EAI_AGAIN') }),
      check('x.com', { resolve: () => new Promise(() => {}), timeoutMs: 20 }),
      check('x.com', { resolve: () => new Promise(() => {}) }, 443, AbortSignal.abort()),
    ]);
    assert.deepEqual(
      answers.map((answer) => (isRefusal(answer) ? [answer.code, answer.message] : [])),
      [
        ['unresolved', '`x.com` cannot be resolved: there is no such name'],
        ['unresolved', '`x.com` cannot be resolved: no name server answers'],
        ['unresolved', '`x.com` cannot be resolved: no answer within 0.02 s'],
        ['unresolved', '`x.com` cannot be resolved: the run has ended'],
      ],
    );
  });

  it('takes canonical hosts alone', async () => {
    for (const host of ['X.com', 'x.com.', '0x7f.1', '127.1', '[::1]', '::ffff:127.0.0.1', 'x.com\0', '', 'a b']) {
      assert.equal(show(await check(host)), 'bad-host', host);
    }
    for (const port of [0, 65_536, 1.5, Number.NaN]) assert.equal(show(await check('x.com', {}, port)), 'bad-host');
  });

  it('remembers answers for a while, and asks equal questions once', async () => {
    let asked = 0;
    let now = 0;
    const resolve = rememberAnswers(
      (name) => {
        asked++;
        return name === 'missing' ? Promise.reject(new Error('no')) : Promise.resolve([`10.0.0.${asked}`]);
      },
      () => now,
    );
    const [first, second] = await Promise.all([resolve('a'), resolve('a')]);
    assert.deepEqual([first, second, asked], [['10.0.0.1'], ['10.0.0.1'], 1]);
    now = 9_999;
    assert.deepEqual(await resolve('a'), ['10.0.0.1']);
    now = 10_001;
    assert.deepEqual(await resolve('a'), ['10.0.0.2']);
    await assert.rejects(resolve('missing'));
    now += 1_000;
    await assert.rejects(resolve('missing'));
    assert.equal(asked, 3);
    now += 2_000;
    await assert.rejects(resolve('missing'));
    assert.equal(asked, 4);
  });
});

describe('behind an upstream proxy', () => {
  const isProxied = (): boolean => true;
  it('names are left to it, unless they are known to lead where none may', async () => {
    assert.equal(show(await check('x.com', { isProxied })), '');
    const unknown = { isProxied, resolve: () => Promise.reject(new Error('no')) };
    const target = await check('intern.example', unknown);
    assert.ok(!isRefusal(target));
    assert.deepEqual([target.host, target.addresses], ['intern.example', []]);
    assert.equal(show(await check('x.com', { isProxied, answers: ['127.0.0.1'] })), 'forbidden-address');
    // It may choose either.
    assert.equal(
      show(await check('x.com', { isProxied, answers: ['93.184.216.34', '127.0.0.1'] })),
      'forbidden-address',
    );
  });

  it('addresses that a command names are checked all the same', async () => {
    assert.equal(show(await check('169.254.169.254', { isProxied, named: true })), 'forbidden-address');
    assert.equal(show(await check('10.0.0.1', { isProxied })), 'forbidden-address');
    assert.equal(show(await check('127.0.0.1', { isProxied })), 'forbidden-address');
    assert.equal(show(await check('8.8.8.8', { isProxied })), '');
  });
});

describe('own addresses', () => {
  it('are looked at again after a second', () => {
    let now = 0;
    let address = '192.0.2.1';
    const isOwn = watchOwnAddresses(
      () => ({ eth0: [{ address, family: 'IPv4', internal: false, netmask: '', mac: '', cidr: null }] }),
      () => now,
    );
    assert.equal(isOwn('192.0.2.1'), true);
    address = '192.0.2.2';
    assert.equal(isOwn('192.0.2.2'), false);
    now = 1001;
    assert.equal(isOwn('192.0.2.2'), true);
    assert.equal(isOwn('192.0.2.1'), false);
  });

  it('of the machine are found', () => {
    const isOwn = watchOwnAddresses();
    assert.equal(isOwn('127.0.0.1'), true);
    assert.equal(classifyAddress('127.0.0.1', isOwn)?.reach, 'never');
  });
});
