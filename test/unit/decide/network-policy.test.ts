/** The block `network` as text and in layers: mistakes, trust, locks, presets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import type { Origin } from '../../../client/protocol/decision.ts';
import { analyse } from '../../../daemon/analyse/analyse.ts';
import type { Catalogue } from '../../../daemon/analyse/compile-catalogue.ts';
import type { Facts } from '../../../daemon/analyse/model.ts';
import { decide } from '../../../daemon/decide/decide.ts';
import { importSettings } from '../../../daemon/decide/import-settings.ts';
import { lintPolicy } from '../../../daemon/decide/lint-policy.ts';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { decideDestination } from '../../../daemon/decide/network-decision.ts';
import { withPresets } from '../../../daemon/decide/network-presets.ts';
import type { ParsedPolicy } from '../../../daemon/decide/policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';
import { keepTrusted, listGrants } from '../../../daemon/decide/project-grants.ts';
import { type BashParser, createParser } from '../../../daemon/parse/parser.ts';
import { loadCatalogue } from '../../../daemon/platform/catalogue-files.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';
import { loadNetworkPresets } from '../../../daemon/platform/network-presets.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';

function layer(name: Origin['layer'], policy: object | string): ParsedPolicy {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  return parsePolicy(text, { layer: name, file: `/${name}.json`, anchor: '/w', home: '/home/u' });
}

let parser: BashParser;
let catalogue: Catalogue;
before(async () => {
  parser = await createParser(await loadGrammarFiles());
  catalogue = loadCatalogue();
});

const facts: Facts = {
  home: '/home/u',
  workspace: '/home/u/ws',
  cwd: '/home/u/ws',
  additionalDirectories: [],
  temporaryDirectories: ['/tmp'],
  paths: new Map(),
};

function effect(layers: readonly ParsedPolicy[], host: string, port = 443): string {
  const network = withPresets(mergePolicies(layers).network, loadNetworkPresets());
  return decideDestination(network, { host, port }).effect;
}

/** What is written, and what is told about it. */
const mistakes: readonly (readonly [object, RegExp, RegExp])[] = [
  [{ allow: ['https://example.com/x'] }, /names a host, not an address of the web/, /write `example\.com`/],
  [{ allow: ['example.com/v1'] }, /names a host/, /write `example\.com`/],
  [{ allow: ['::1'] }, /stands in brackets/, /write `\[::1\]`/],
  [{ allow: ['fd00::1:443'] }, /stands in brackets/, /\[fd00::1:443\]/],
  [{ allow: ['example.com:0'] }, /0 is no port/, /1 to 65535/],
  [{ allow: ['example.com:http'] }, /no port/, /8443/],
  [{ allow: ['10.0.0.0/33'] }, /no range/, /10\.0\.0\.0\/8/],
  [{ allow: ['exa mple.com'] }, /no part of a host name/, /example\.com/],
  [{ allow: ['a..b'] }, /empty label/, /example\.com/],
  [{ allow: ['*.10.0.0.1'] }, /below an address/, /10\.0\.0\.0\/8/],
  [{ allow: [{ host: 'x.com:80', ports: [80] }] }, /port twice/, /leave/],
  [{ allow: [{ host: 'x.com', paths: ['v1'] }] }, /begins with `\/`/, /\/v1/],
  [{ allow: [{ host: 'x.com', methods: ['GE T'] }] }, /no method/, /GET/],
  [{ allow: [{ host: 'x.com', portz: [1] }] }, /unknown key `portz`/, /did you mean `ports`/],
  [{ presets: ['registrys'] }, /one of `registries`/, /did you mean `registries`/],
  [{ alow: [] }, /unknown key `alow`/, /did you mean `allow`/],
  [{ default: 'allow' }, /one of `ask`, `deny`/, /./],
  [{ hostPorts: [70_000] }, /./, /.?/],
];

describe('the block network as text', () => {
  for (const [network, message, help] of mistakes) {
    it(JSON.stringify(network), () => {
      const { problems } = layer('user', { network });
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(problems[0]?.message ?? '', message);
      if (!help.test(problems[0]?.help ?? '')) assert.match(problems[0]?.help ?? problems[0]?.message ?? '', help);
      assert.equal(problems[0]?.origin.line, 1);
    });
  }

  it('a restriction that cannot be read asks about every host; a grant grants nothing', () => {
    for (const entry of ['evil..com', 17, { host: 'evil.com', portz: [1] }]) {
      const broken = layer('user', { network: { deny: [entry] } });
      assert.ok(broken.problems.length > 0);
      const wide = layer('managed', { network: { allow: ['*'] } });
      assert.equal(effect([wide], 'evil.com'), 'allow');
      assert.equal(effect([wide, broken], 'evil.com'), 'ask', JSON.stringify(entry));
      assert.equal(effect([layer('user', { network: { allow: [entry] } })], 'evil.com'), 'ask');
    }
  });

  it('a file with a mistake elsewhere keeps its restrictions and loses its grants', () => {
    const broken = layer('user', {
      network: { allow: ['a.com'], deny: ['b.com'], default: 'deny', presets: ['registries'], hostPorts: [80] },
      colour: 1,
    });
    assert.equal(broken.problems.length, 1);
    assert.equal(effect([broken, layer('built-in', { network: { allow: ['b.com'] } })], 'b.com'), 'deny');
    assert.equal(effect([broken], 'a.com'), 'deny');
    assert.equal(effect([broken], 'pypi.org'), 'deny');
    assert.equal(effect([broken], 'localhost', 80), 'deny');
  });
});

describe('network in layers', () => {
  it('a project waits for trust with each grant, not with its restrictions', () => {
    const project = layer('project', {
      network: {
        allow: ['a.com', { host: 'b.com', ports: [22] }],
        deny: ['c.com'],
        presets: ['models'],
        hostPorts: [1234],
      },
    });
    const user = layer('user', { network: { allow: ['c.com'] } });
    const grants = listGrants(project);
    assert.deepEqual(
      grants.map(({ what }) => what),
      [
        'connect to `a.com`',
        'connect to `b.com:22`',
        'connect to the hosts of the preset `models`',
        'connect to port 1234 of this machine',
      ],
    );
    const all = keepTrusted(project, () => true).parsed;
    const none = keepTrusted(project, () => false).parsed;
    const first = keepTrusted(project, ({ identity }) => identity === grants[0]?.identity).parsed;
    assert.equal(effect([all, user], 'a.com'), 'allow');
    assert.equal(effect([first, user], 'a.com'), 'allow');
    assert.equal(effect([first, user], 'b.com', 22), 'ask');
    assert.equal(effect([none, user], 'a.com'), 'ask');
    assert.equal(effect([all], 'api.openai.com'), 'allow');
    assert.equal(effect([none], 'api.openai.com'), 'ask');
    assert.equal(effect([all], 'localhost', 1234), 'allow');
    assert.equal(effect([none], 'localhost', 1234), 'deny');
    for (const each of [all, none]) assert.equal(effect([each, user], 'c.com'), 'deny');
    const widened = listGrants(layer('project', { network: { allow: [{ host: 'b.com', ports: [22, 23] }] } }));
    assert.ok(!grants.some(({ identity }) => identity === widened[0]?.identity));
  });

  it('the default: one deny is enough, a profile gives way, a project cannot loosen', () => {
    const says = (name: Origin['layer'], value: 'ask' | 'deny'): ParsedPolicy =>
      layer(name, { network: { default: value } });
    assert.equal(effect([], 'x.com'), 'ask');
    assert.equal(effect([says('built-in', 'deny')], 'x.com'), 'deny');
    assert.equal(effect([says('user', 'ask'), says('built-in', 'deny')], 'x.com'), 'ask');
    assert.equal(effect([says('project', 'ask'), says('built-in', 'deny')], 'x.com'), 'deny');
    assert.equal(effect([says('project', 'deny'), says('user', 'ask')], 'x.com'), 'deny');
    assert.equal(effect([says('managed', 'ask'), says('user', 'deny')], 'x.com'), 'deny');
    const notes = mergePolicies([says('project', 'ask')]).notes;
    assert.match(notes[0]?.message ?? '', /"default": "ask"/);
  });

  it('presets unite, and none drops those of lower layers', () => {
    const chooses = (name: Origin['layer'], ...presets: string[]): ParsedPolicy =>
      layer(name, { network: { presets } });
    const profile = chooses('built-in', 'registries');
    assert.equal(effect([profile], 'pypi.org'), 'allow');
    assert.equal(effect([chooses('user', 'models'), profile], 'pypi.org'), 'allow');
    assert.equal(effect([chooses('user', 'none'), profile], 'pypi.org'), 'ask');
    assert.equal(effect([chooses('user', 'none', 'models'), profile], 'pypi.org'), 'ask');
    assert.equal(effect([chooses('user', 'none', 'models'), profile], 'api.openai.com'), 'allow');
    assert.equal(effect([chooses('flags', 'registries'), chooses('user', 'none')], 'pypi.org'), 'allow');
  });

  it('locks of managed policy leave only what it allows, and nobody is asked', () => {
    const user = layer('user', {
      network: { allow: ['a.com'], deny: ['m.com'], default: 'ask', presets: ['registries'], hostPorts: [80] },
      permissions: { allow: ['WebFetch(domain:w.com)'] },
    });
    for (const lock of ['managedDomainsOnly', 'managedRulesOnly']) {
      const managed = layer('managed', { permissions: { [lock]: true }, network: { allow: ['m.com', 'n.com'] } });
      const unnamed = lock === 'managedDomainsOnly' ? 'deny' : 'ask';
      assert.equal(effect([managed, user], 'n.com'), 'allow', lock);
      assert.equal(effect([managed, user], 'm.com'), 'deny', lock);
      for (const host of ['a.com', 'w.com', 'pypi.org', 'x.com'])
        assert.equal(effect([managed, user], host), unnamed, lock);
      assert.equal(effect([managed, user], 'localhost', 80), 'deny', lock);
    }
    assert.equal(effect([user], 'a.com'), 'allow');
    assert.equal(effect([user], 'w.com'), 'allow');
  });

  it('denied domains of imported settings hold, ports and brackets included', () => {
    const text = JSON.stringify({
      sandbox: { network: { deniedDomains: ['a.com:443', '[2001:db8::1]:443', '*.b.com'] } },
    });
    const imported = importSettings(text, { layer: 'project', file: '/s.json', anchor: '/w', home: '/h' }).parsed;
    assert.equal(effect([imported], 'a.com', 22), 'deny');
    assert.equal(effect([imported], '2001:db8::1'), 'deny');
    assert.equal(effect([imported], 'x.b.com'), 'deny');
    assert.equal(effect([imported], 'c.com'), 'ask');
  });
});

describe('a denied host', () => {
  const decided = (command: string, network: object): string => {
    const policy = mergePolicies([layer('user', { network, permissions: { allow: ['Bash'] } })]);
    return decide(
      analyse(parser.parse(command), facts, catalogue, (text) => parser.parse(text)),
      policy,
      {
        mode: undefined,
        autoAllow: true,
        facts,
      },
    ).effect;
  };

  it('is told from the text of a command, in every spelling', () => {
    const network = { deny: ['*.evil.com', '10.0.0.0/8'], ask: ['asked.com'] };
    for (const command of [
      'curl https://a.evil.com/',
      'wget -q A.EVIL.COM.',
      'git clone https://x.evil.com/r.git',
      'curl http://10.1.2.3/',
      'curl http://167838211/',
      'ls; curl http://0xa.1/',
    ]) {
      assert.equal(decided(command, network), 'deny', command);
    }
    for (const command of [
      'curl https://evil.com/',
      'curl http://11.1.2.3/',
      'curl https://asked.com/',
      'ls 10.1.2.3',
    ]) {
      assert.equal(decided(command, network), 'allow', command);
    }
  });

  it('is not told where the deny is for a port or for requests: the connection decides', () => {
    assert.equal(decided('curl https://x.com/', { deny: ['x.com:22', { host: 'x.com', methods: ['PUT'] }] }), 'allow');
  });
});

describe('presets', () => {
  const allowed: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
    registries: [
      ['registry.npmjs.org', 443],
      ['files.pythonhosted.org', 443],
      ['index.crates.io', 443],
      ['proxy.golang.org', 443],
      ['repo1.maven.org', 443],
    ],
    'code-hosts': [
      ['github.com', 443],
      ['github.com', 22],
      ['ssh.github.com', 443],
      ['codeload.github.com', 443],
      ['git.sr.ht', 22],
    ],
    models: [
      ['api.anthropic.com', 443],
      ['us-central1-aiplatform.googleapis.com', 443],
    ],
  };
  for (const [name, places] of Object.entries(allowed)) {
    it(`${name} holds what it is for, and no other preset's hosts`, () => {
      const chosen = layer('user', { network: { presets: [name] } });
      for (const [host, port] of places) assert.equal(effect([chosen], host, port), 'allow', host);
      for (const [other, hosts] of Object.entries(allowed)) {
        if (other !== name) for (const [host, port] of hosts) assert.equal(effect([chosen], host, port), 'ask', host);
      }
      assert.equal(effect([chosen], 'example.com'), 'ask');
    });
  }

  it('hold no name of which a stranger can get a part', () => {
    for (const presets of Object.values(loadNetworkPresets())) {
      for (const { host, text } of presets) {
        assert.ok(host.kind === 'name', text);
        assert.doesNotMatch(
          text,
          /\*.*\.(?:amazonaws|azure|cloudfront|pages|vercel|netlify|github)\.(?:com|net|io|dev|app)$/,
        );
      }
    }
    const models = layer('user', { network: { presets: ['models'] } });
    assert.equal(effect([models], 'bedrock-runtime.s3.amazonaws.com'), 'ask');
    assert.equal(effect([models], 'bedrock-runtime.us-east-1.amazonaws.com'), 'allow');
  });

  it('each profile that ships chooses as its page says', () => {
    const profile = (name: string): ParsedPolicy =>
      layer('built-in', readFileSync(path.join(findPackageRoot(), 'policies/profiles', `${name}.jsonc`), 'utf8'));
    const found = ['default', 'ci', 'strict'].map((name) => [
      effect([profile(name)], 'pypi.org'),
      effect([profile(name)], 'github.com'),
      effect([profile(name)], 'example.com'),
    ]);
    assert.deepEqual(found, [
      ['allow', 'ask', 'ask'],
      ['allow', 'deny', 'deny'],
      ['deny', 'deny', 'deny'],
    ]);
  });
});

describe('lint of network', () => {
  const rows: readonly (readonly [object, readonly string[]])[] = [
    [{ allow: ['x.com', '*.x.com', '10.0.0.0/8', 'x.com:22'], deny: ['y.com', '*.x.com:22'] }, []],
    [{ allow: ['*'] }, ['broad-grant']],
    [{ allow: ['*.com'] }, ['broad-grant']],
    [{ allow: ['0.0.0.0/0'] }, ['broad-grant']],
    [{ allow: ['*.*'] }, ['broad-grant']],
    [{ deny: ['*'] }, []],
    [{ allow: ['localhost:3000'] }, ['never-matches']],
    [{ allow: [{ host: 'x.com', methods: ['GET'] }] }, ['unseen-request']],
    [{ allow: [{ host: 'x.com', methods: ['GET'], ports: [443] }] }, ['never-matches']],
    [{ allow: [{ host: 'x.com', methods: ['GET'], ports: [80] }] }, []],
    [{ deny: [{ host: 'x.com', paths: ['/a'] }] }, ['unseen-request']],
    [{ allow: ['a.x.com'], deny: ['*.x.com'] }, ['shadowed']],
    [{ allow: ['x.com'], deny: ['*.x.com'] }, []],
    [{ allow: ['10.1.0.0/16'], deny: ['10.0.0.0/8'] }, ['shadowed']],
    [{ allow: ['x.com', 'x.com'] }, ['repeated']],
  ];
  for (const [network, expected] of rows) {
    it(JSON.stringify(network), () => {
      const policy = mergePolicies([layer('user', { network })]);
      assert.deepEqual(policy.problems, []);
      assert.deepEqual(
        lintPolicy(policy, () => undefined).map(({ id }) => id),
        expected,
      );
    });
  }
});
