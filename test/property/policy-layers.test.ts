/** Laws of layers: a restriction added anywhere never loosens, and a project without trust never turns anything into allow. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import type { Origin } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';
import { analyse } from '../../daemon/analyse/analyse.ts';
import type { Catalogue } from '../../daemon/analyse/compile-catalogue.ts';
import type { Facts, PathFact } from '../../daemon/analyse/model.ts';
import { decide } from '../../daemon/decide/decide.ts';
import { importSettings } from '../../daemon/decide/import-settings.ts';
import { mergePolicies } from '../../daemon/decide/merge-policies.ts';
import { chooseAutoAllow } from '../../daemon/decide/mode-choice.ts';
import type { ParsedPolicy } from '../../daemon/decide/policy.ts';
import { parsePolicy } from '../../daemon/decide/policy-text.ts';
import { keepTrusted } from '../../daemon/decide/project-grants.ts';
import { type BashParser, createParser } from '../../daemon/parse/parser.ts';
import { loadCatalogue } from '../../daemon/platform/catalogue-files.ts';
import { loadGrammarFiles } from '../../daemon/platform/grammar.ts';

class PlainFiles extends Map<string, PathFact> {
  override get(path: string): PathFact {
    return { kind: 'file', resolved: path, repository: '/home/u/ws' };
  }
}

let parser: BashParser;
let catalogue: Catalogue;
before(async () => {
  parser = await createParser(await loadGrammarFiles());
  catalogue = loadCatalogue();
});

const rank = { allow: 0, ask: 1, deny: 2 } as const;
const order: readonly Origin['layer'][] = [
  'managed',
  'flags',
  'session',
  'project-local',
  'project',
  'user',
  'built-in',
];

interface Asked {
  readonly command: string;
  readonly mode: Mode | undefined;
  readonly autoAllow: boolean | undefined;
}

function judge({ command, mode, autoAllow }: Asked, layers: readonly ParsedPolicy[]): number {
  const policy = mergePolicies(layers);
  const facts: Facts = {
    home: '/home/u',
    workspace: '/home/u/ws',
    cwd: '/home/u/ws',
    additionalDirectories: policy.additionalDirectories,
    temporaryDirectories: ['/tmp'],
    paths: new PlainFiles(),
  };
  const parse = (text: string) => parser.parse(text);
  const analysis = analyse(parse(command), facts, catalogue, parse);
  return rank[decide(analysis, policy, { mode, autoAllow: chooseAutoAllow(policy, autoAllow), facts }).effect];
}

function read(layer: Origin['layer'], value: object, cut = 0): ParsedPolicy {
  const text = JSON.stringify(value);
  const source = { layer, file: `/${layer}.json`, anchor: '/home/u/ws', home: '/home/u' };
  return parsePolicy(text.slice(0, text.length - cut), source);
}

const commands = fc.constantFrom(
  ...[
    'ls',
    'make',
    'make x',
    'rm x',
    'touch a',
    'touch /srv/a',
    'ls > out',
    'cat .env',
    'curl https://x.com',
    'eval "$x"',
    'rm -rf ~',
  ],
  ...['make; rm x', '$(make) x', 'sudo make', 'git push', 'FOO=1 make', 'echo "'],
);
const modes = fc.constantFrom<Mode | undefined>(undefined, 'manual', 'accept-edits', 'plan', 'dont-ask', 'bypass');
const asked = fc.record({ command: commands, mode: modes, autoAllow: fc.constantFrom(undefined, true, false) });
const rule = fc.constantFrom(
  'Bash',
  'Bash(make *)',
  'Bash(make)',
  'Bash(rm *)',
  'Bash(* x)',
  'Edit',
  'Edit(out)',
  'Read(.env)',
  'Bash(git push)',
);
const rules = fc.array(rule, { maxLength: 2 });
const flag = fc.constantFrom(undefined, true, false);
const permissions = fc.record(
  {
    allow: rules,
    ask: rules,
    deny: rules,
    defaultMode: fc.constantFrom('manual', 'acceptEdits', 'plan', 'dontAsk', 'bypass'),
    autoAllow: fc.boolean(),
    additionalDirectories: fc.constantFrom([], ['/srv'], ['/']),
    disableBypass: fc.boolean(),
    lockAutoAllow: fc.boolean(),
    managedRulesOnly: fc.boolean(),
  },
  { requiredKeys: [] },
);
const policies = fc.array(fc.option(permissions), { minLength: order.length, maxLength: order.length });
const place = fc.nat(order.length - 1);

const toLayers = (values: readonly (object | null)[]): ParsedPolicy[] =>
  order.flatMap((name, index) => (values[index] ? [read(name, { permissions: values[index] })] : []));

const settings = { numRuns: Number(process.env['SBX_PROPERTY_RUNS'] ?? 400) };

describe('laws of layers', () => {
  it('a restriction added to any layer never loosens', () => {
    const restriction = fc.constantFrom<object>(
      { permissions: { deny: ['Bash(make *)'] } },
      { permissions: { ask: ['Bash(rm *)'] } },
      { permissions: { deny: ['Edit(out)'] } },
      { permissions: { disableBypass: true } },
      { permissions: { lockAutoAllow: true } },
      { permissions: { managedRulesOnly: true } },
      { permissions: { lockFlags: true, managedDomainsOnly: true } },
      { permissions: { deny: [{ rule: 'Bash(* x)', reason: 'no', notMatch: ['ls'] }], ask: ['Read(.env)'] } },
      { permissions: { ask: [{ rule: 'Bash', unless: ['Bash(ls)'] }] } },
      { permissions: { deny: ['WebFetch'], ask: ['Bash(*)'] } },
      { sandbox: { allowUnsandboxed: false, allowShell: false } },
    );
    fc.assert(
      fc.property(asked, policies, place, restriction, (question, values, at, more) => {
        const layers = toLayers(values);
        const before = judge(question, layers);
        const name = order[at] ?? 'user';
        const source = { layer: name, file: '/imported.json', anchor: '/home/u/ws', home: '/home/u' };
        for (const added of [read(name, more), importSettings(JSON.stringify(more), source).parsed]) {
          for (let index = 0; index <= layers.length; index++) {
            assert.ok(judge(question, layers.toSpliced(index, 0, added)) >= before, JSON.stringify([more, index]));
          }
        }
      }),
      settings,
    );
  });

  it('a layer that breaks never loosens', () => {
    fc.assert(
      fc.property(
        asked,
        policies,
        permissions,
        place,
        fc.integer({ min: 1, max: 3 }),
        (question, values, own, at, cut) => {
          const name = order[at] ?? 'user';
          const without = toLayers(values);
          const broken = read(name, { permissions: own }, cut);
          assert.ok(broken.problems.length > 0);
          assert.ok(judge(question, [...without, broken]) >= judge(question, without), JSON.stringify(own));
          assert.ok(judge(question, [broken, ...without]) >= judge(question, without), JSON.stringify(own));
        },
      ),
      settings,
    );
  });

  it('any text at all is a policy or has mistakes with their places, and grants nothing then', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"permissions"', '"allow"', '"deny"', '"rule"', '"Bash(make *)"', '"Bash("'],
      ...['null', '1e9', 'true', '/*', '//', '\n', '"\\ud800"', '"__proto__"', '"\0"', '\ufeff', '"Edit(["'],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.json({ maxDepth: 4 }),
      fc.json({ maxDepth: 3 }).map((value) => `{"permissions": {"allow": ["Bash"], "deny": ${value}}}`),
    );
    fc.assert(
      fc.property(text, asked, (content, question) => {
        const source = { layer: 'user', file: '/p', anchor: '/home/u/ws', home: '/home/u' } as const;
        for (const parsed of [parsePolicy(content, source), importSettings(content, source).parsed]) {
          if (parsed.problems.length === 0) continue;
          assert.ok(parsed.problems.every(({ origin }) => (origin.line ?? 0) > 0 && (origin.column ?? 0) > 0));
          assert.ok(judge(question, [parsed]) >= judge(question, []), content);
        }
      }),
      settings,
    );
  });

  it('a project without trust never turns a question or a denial into allow', () => {
    const sandbox = fc.record({ allowUnsandboxed: flag, allowShell: flag });
    fc.assert(
      fc.property(
        asked,
        policies,
        permissions,
        sandbox,
        fc.boolean(),
        fc.boolean(),
        (question, values, own, box, local, imported) => {
          const name = local ? 'project-local' : 'project';
          const layers = toLayers(values).filter(({ layer }) => !layer.startsWith('project'));
          const source = { layer: name, file: '/p', anchor: '/home/u/ws', home: '/home/u' } as const;
          const whole = imported
            ? importSettings(JSON.stringify({ permissions: own }), source).parsed
            : read(name, { permissions: own, sandbox: box, profile: 'default', import: false });
          const { parsed } = keepTrusted(whole, () => false);
          const split = layers.findIndex(({ layer }) => layer === 'user' || layer === 'built-in');
          const at = split < 0 ? layers.length : split;
          const merged = layers.toSpliced(at, 0, parsed);
          assert.ok(judge(question, merged) >= judge(question, layers), JSON.stringify([question, own]));
          assert.equal(mergePolicies(merged).allowUnsandboxed && !mergePolicies(layers).allowUnsandboxed, false);
        },
      ),
      settings,
    );
  });
});
