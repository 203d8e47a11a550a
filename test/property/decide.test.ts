/** Laws of decisions that hold for every command and every policy (RULES O1, E1–E7). */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import { type Decision, decisionSchema } from '../../client/protocol/decision.ts';
import { analyse } from '../../daemon/analyse/analyse.ts';
import type { Catalogue } from '../../daemon/analyse/compile-catalogue.ts';
import type { Facts, PathFact } from '../../daemon/analyse/model.ts';
import { decide } from '../../daemon/decide/decide.ts';
import { parseFlags } from '../../daemon/decide/flags.ts';
import { mergePolicies } from '../../daemon/decide/merge-policies.ts';
import { createEngine, type Engine } from '../../daemon/offline.ts';
import { type BashParser, createParser } from '../../daemon/parse/parser.ts';
import { loadCatalogue } from '../../daemon/platform/catalogue-files.ts';
import { loadGrammarFiles } from '../../daemon/platform/grammar.ts';

/** Every path is a plain file of the workspace's repository. */
class PlainFiles extends Map<string, PathFact> {
  override get(path: string): PathFact {
    return { kind: 'file', resolved: path, repository: '/home/u/ws' };
  }
}

const facts: Facts = {
  home: '/home/u',
  workspace: '/home/u/ws',
  cwd: '/home/u/ws',
  additionalDirectories: [],
  temporaryDirectories: ['/tmp'],
  paths: new PlainFiles(),
};

let parser: BashParser;
let catalogue: Catalogue;
let wholeEngine: Engine;
before(async () => {
  wholeEngine = await createEngine({ userPolicyFile: undefined, home: '/home/u' });
  parser = await createParser(await loadGrammarFiles());
  catalogue = loadCatalogue();
});

interface Rules {
  readonly allow: string[];
  readonly ask: string[];
  readonly deny: string[];
}

function judge(command: string, rules: Rules, autoAllow = false): Decision {
  const parse = (text: string) => parser.parse(text);
  const analysis = analyse(parse(command), facts, catalogue, parse);
  return decide(analysis, mergePolicies([parseFlags(rules, facts.cwd)]), { mode: undefined, autoAllow, facts });
}

const rank = { allow: 0, ask: 1, deny: 2 } as const;

const program = fc.constantFrom(
  'rm',
  'ls',
  'git',
  'npm',
  'cat',
  'echo',
  'tool',
  'cd',
  'curl',
  'find',
  'sudo',
  'timeout 5',
  'env',
  'xargs',
  'touch',
);
const operand = fc.constantFrom(
  'x',
  '-rf',
  '.env',
  'src/a',
  'push',
  'test',
  '$x',
  '"$y z"',
  '*.ts',
  '../up',
  '~/f',
  '-delete',
  '/etc/passwd',
  "'a b'",
  '$(ls)',
  '--',
  'main',
);
const simple = fc.tuple(program, fc.array(operand, { maxLength: 4 })).map(([name, rest]) => [name, ...rest].join(' '));
const redirected = fc
  .tuple(simple, fc.constantFrom('', '', '', ' > out', ' 2>/dev/null', ' < .env', ' >> src/a'))
  .map((parts) => parts.join(''));
const script = fc
  .array(fc.tuple(redirected, fc.constantFrom('; ', ' && ', ' | ', ' || ', '\n')), { minLength: 1, maxLength: 3 })
  .map((parts) =>
    parts.map(([command, joint], index) => (index === parts.length - 1 ? command : command + joint)).join(''),
  );

const commandRule = fc
  .tuple(program, fc.constantFrom(' *', '*', ':*', '', ' * x', ' push *', ' test'))
  .map(([name, tail]) => `Bash(${name}${tail})`);
const rule = fc.oneof(
  { weight: 5, arbitrary: commandRule },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Bash',
      'Bash(* x)',
      'Read(.env)',
      'Read(src/**)',
      'Edit(src/**)',
      'Edit',
      'Read(~/**)',
      'Edit(out)',
    ),
  },
);
const ruleList = fc.array(rule, { maxLength: 3 });
const rules = fc.record({ allow: ruleList, ask: ruleList, deny: ruleList });

const settings = { numRuns: Number(process.env['SBX_PROPERTY_RUNS'] ?? 400) };

describe('laws of decisions', () => {
  it('adding a deny or an ask never loosens', () => {
    fc.assert(
      fc.property(script, rules, rule, fc.boolean(), (command, policy, added, autoAllow) => {
        const before = rank[judge(command, policy, autoAllow).effect];
        assert.ok(rank[judge(command, { ...policy, deny: [...policy.deny, added] }, autoAllow).effect] >= before);
        assert.ok(rank[judge(command, { ...policy, ask: [...policy.ask, added] }, autoAllow).effect] >= before);
      }),
      settings,
    );
  });

  it('adding an allow never tightens', () => {
    fc.assert(
      fc.property(script, rules, rule, fc.boolean(), (command, policy, added, autoAllow) => {
        const before = rank[judge(command, policy, autoAllow).effect];
        assert.ok(rank[judge(command, { ...policy, allow: [...policy.allow, added] }, autoAllow).effect] <= before);
      }),
      settings,
    );
  });

  it('`a; b` is never looser than `a`', () => {
    fc.assert(
      fc.property(script, script, rules, fc.boolean(), (first, second, policy, autoAllow) => {
        const alone = rank[judge(first, policy, autoAllow).effect];
        assert.ok(rank[judge(`${first}\n${second}`, policy, autoAllow).effect] >= alone);
      }),
      settings,
    );
  });

  it('auto-allow never turns a denial into anything else, and never asks where rules allow', () => {
    fc.assert(
      fc.property(script, rules, (command, policy) => {
        const without = judge(command, policy, false).effect;
        const withIt = judge(command, policy, true).effect;
        if (without === 'deny') assert.equal(withIt, 'deny');
        if (without === 'allow') assert.equal(withIt, 'allow');
      }),
      settings,
    );
  });

  it('another spelling of the program never turns a denial into an allow', () => {
    const names = fc.constantFrom('rm', 'cat', 'git', 'tool', 'npm');
    const spell = fc.constantFrom(
      (name: string) => `'${name}'`,
      (name: string) => `"${name}"`,
      (name: string) => `\\${name}`,
      (name: string) => `${name.charAt(0)}''${name.slice(1)}`,
      (name: string) => `${name.charAt(0)}"${name.slice(1)}"`,
      (name: string) => `$'\\x${name.charCodeAt(0).toString(16)}'${name.slice(1)}`,
      (name: string) => `/bin/${name}`,
      (name: string) => `/usr/bin/../bin/${name}`,
      (name: string) => `command ${name}`,
      (name: string) => `sudo -n ${name}`,
      (name: string) => `env A=1 ${name}`,
      (name: string) => `nice -n 5 ${name}`,
      (name: string) => `p=${name}; $p`,
    );
    fc.assert(
      fc.property(names, spell, fc.array(operand, { maxLength: 3 }), fc.boolean(), (name, respell, rest, autoAllow) => {
        const policy = { allow: ['Bash'], ask: [], deny: [`Bash(${name} *)`] };
        assert.equal(judge([name, ...rest].join(' '), policy, autoAllow).effect, 'deny');
        assert.notEqual(judge([respell(name), ...rest].join(' '), policy, autoAllow).effect, 'allow');
      }),
      settings,
    );
  });

  it('a denied command is denied in every place it can stand', () => {
    const around = fc.constantFrom(
      (text: string) => `echo "$(${text})"`,
      (text: string) => `if true; then ${text}; fi`,
      (text: string) => `for i in a b; do ${text}; done`,
      (text: string) => `ls | ${text} &`,
      (text: string) => `( ${text} )`,
      (text: string) => `cat <(${text})`,
      (text: string) => `f() { ${text}; }`,
      (text: string) => `X=$(${text}) true`,
      (text: string) => `cat <<EOF\n$(${text})\nEOF`,
      (text: string) => `true && { ${text}; } 2>&1`,
      (text: string) => `case a in a) ${text};; esac`,
      (text: string) => `bash -c '${text}'`,
      (text: string) => `find . -exec ${text} \\;`,
    );
    fc.assert(
      fc.property(fc.array(around, { maxLength: 2 }), (layers) => {
        const text = layers.reduce(
          (inner, wrap, index) => (index > 0 && /'/.test(inner) ? inner : wrap(inner)),
          'rm -r x',
        );
        const decision = judge(text, { allow: ['Bash'], ask: [], deny: ['Bash(rm *)'] }, true);
        if (!/exec (?:if|for|ls|\(|cat <|f\(|X=|true|case)/.test(text)) assert.equal(decision.effect, 'deny', text);
      }),
      settings,
    );
  });

  it('any units at all are answered by the whole engine, and no allow covers what no shell could be given', () => {
    const engine = wholeEngine;
    const unit = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
      fc.constantFrom(
        '$(',
        '`',
        '<<',
        '\n',
        '"',
        "'",
        '\\',
        '${',
        '((',
        '[[',
        ';',
        '|',
        '&',
        '>',
        '\0',
        '\r',
        '\ud800',
      ),
      fc.constantFrom('ls', 'cat f', 'x=1', 'if', 'then', 'fi', 'case', 'esac', 'EOF', ' '),
    );
    const units = fc.array(unit, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(units, fc.boolean(), (command, autoAllow) => {
        const request = {
          command,
          cwd: '/',
          workspace: undefined,
          home: '/home/u',
          autoAllow,
          flags: { allow: ['Bash'] },
        };
        const { decision } = engine.decide(request);
        decisionSchema.parse(decision);
        assert.deepEqual(engine.explain(request).decision, decision);
        if (command.includes('\0') || !command.isWellFormed()) assert.notEqual(decision.effect, 'allow');
      }),
      settings,
    );
  });

  it('any text gets a decision, and a suggestion makes it allow', () => {
    const bytes = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(fc.oneof(script, bytes), rules, fc.boolean(), (command, policy, autoAllow) => {
        const decision = judge(command, policy, autoAllow);
        decisionSchema.parse(decision);
        for (const { rules: offered } of decision.suggestions) {
          const wider = { ...policy, allow: [...policy.allow, ...offered] };
          assert.equal(judge(command, wider, autoAllow).effect, 'allow', offered.join(' '));
        }
      }),
      settings,
    );
  });
});
