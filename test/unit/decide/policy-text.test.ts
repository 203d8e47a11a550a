import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { emptyLayer, type ParsedPolicy } from '../../../daemon/decide/policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';

const source = { layer: 'user', file: '/p/policy.json', anchor: '/p', home: '/home/u' } as const;
const read = (text: string): ParsedPolicy => parsePolicy(text, source);
const places = (parsed: ParsedPolicy) => parsed.problems.map(({ origin }) => `${origin.line}:${origin.column}`);

describe('a sound policy file', () => {
  it('gives its rules with file, line and column, and its settings', () => {
    const parsed = read(`// mine
{
  "permissions": {
    "allow": ["Bash(npm test *)", { "rule": "Bash(make *)", "reason": "we build", "unless": ["Bash(make deploy *)"] }],
    "deny": [
      "Read(.env)", // secrets
    ],
    "defaultMode": "acceptEdits",
    "additionalDirectories": ["../lib", "~/x", "/abs/./y"],
    "autoAllow": false,
    "lockFlags": true,
  },
  "daemon": { "idleMinutes": 3 },
}`);
    assert.deepEqual(parsed.problems, []);
    assert.deepEqual(
      parsed.rules.map(({ text, list, origin }) => [text, list, origin.file, origin.line, origin.column]),
      [
        ['Bash(npm test *)', 'allow', '/p/policy.json', 4, 15],
        ['Bash(make *)', 'allow', '/p/policy.json', 4, 45],
        ['Read(.env)', 'deny', '/p/policy.json', 6, 7],
      ],
    );
    assert.equal(parsed.rules[1]?.reason, 'we build');
    assert.equal(parsed.rules[1]?.unless[0]?.text, 'Bash(make deploy *)');
    assert.equal(parsed.settings.defaultMode?.value, 'accept-edits');
    assert.deepEqual(
      parsed.directories.map(({ value, origin }) => [value, origin.line]),
      [
        ['/lib', 9],
        ['/home/u/x', 9],
        ['/abs/y', 9],
      ],
    );
    assert.deepEqual(parsed.settings.autoAllow, {
      value: false,
      origin: { layer: 'user', file: '/p/policy.json', line: 10, column: 5 },
    });
    assert.equal(parsed.settings.lockFlags?.value, true);
    assert.equal(parsed.settings.idleMinutes?.value, 3);
  });

  it('may be empty, or hold comments only', () => {
    for (const text of ['', '  \n', '// nothing yet\n', '{}', '\ufeff{}']) {
      assert.deepEqual(read(text).problems, [], JSON.stringify(text));
    }
  });

  it('reads the other spellings of modes, and one that sbx does not have as manual, with a note', () => {
    const modes = [
      ['default', 'manual'],
      ['acceptEdits', 'accept-edits'],
      ['plan', 'plan'],
      ['dontAsk', 'dont-ask'],
      ['bypassPermissions', 'bypass'],
      ['auto', 'manual'],
    ];
    for (const [name, mode] of modes) {
      const parsed = read(`{"permissions":{"defaultMode":"${name}"}}`);
      assert.deepEqual(parsed.problems, []);
      assert.equal(parsed.settings.defaultMode?.value, mode);
      assert.equal(parsed.notes.length, name === 'auto' ? 1 : 0);
    }
  });
});

describe('errors of a policy file', () => {
  const rows: readonly [name: string, text: string, place: string, message: RegExp, help?: RegExp][] = [
    ['unknown key', '{\n  "permisions": {}\n}', '2:3', /unknown key `permisions`/, /did you mean `permissions`/],
    ['unknown inner key', '{"permissions": {"alow": []}}', '1:18', /unknown key `alow`/, /did you mean `allow`/],
    ['unknown key of a rule', '{"permissions":{"ask":[{"rule":"Bash","raeson":"x"}]}}', '1:39', /`raeson`/, /`reason`/],
    [
      'wrong type',
      '{"permissions": {"autoAllow": "yes"}}',
      '1:31',
      /permissions.autoAllow: expected boolean, found `yes`/,
    ],
    ['wrong list', '{"permissions": {"deny": "Bash(rm *)"}}', '1:26', /permissions.deny: expected array/],
    [
      'wrong mode',
      '{"permissions": {"defaultMode": "dontask"}}',
      '1:33',
      /expected one of .*found `dontask`/,
      /did you mean `dontAsk`/,
    ],
    ['a number as a rule', '{"permissions": {"deny": [7]}}', '1:27', /a rule is a text, or an object/],
    ['a rule with a mistake', '{"permissions": {"deny": ["Bash(rm"]}}', '1:35', /closing/, /`Bash\(rm\)`/],
    ['a mistake after an escape', '{"permissions": {"deny": ["Bash(\\u0061 * b:*)"]}}', '1:40', /no other `\*`/],
    ['a missing comma', '{"permissions": {"deny": []} "daemon": {}}', '1:30', /not valid JSON: expected a comma/],
    ['a missing brace', '{"permissions": {"deny": []}', '1:29', /expected a close brace/],
    ['an array', '[]', '1:1', /the file: expected object, found array/],
    ['a repeated key', '{"permissions": {"deny": ["Bash(a)"], "deny": []}}', '1:39', /`deny` stands twice/],
    [
      'an unless of a deny',
      '{"permissions":{"deny":[{"rule":"Bash(a *)","unless":["Bash(a b)"]}]}}',
      '1:54',
      /cannot weaken/,
    ],
    ['bad minutes', '{"daemon": {"idleMinutes": 0}}', '1:28', /daemon.idleMinutes/],
  ];
  for (const [name, text, place, message, help] of rows) {
    it(name, () => {
      const parsed = read(text);
      assert.deepEqual(places(parsed), [place], JSON.stringify(parsed.problems));
      assert.match(parsed.problems[0]?.message ?? '', message);
      if (help !== undefined) assert.match(parsed.problems[0]?.help ?? '', help);
    });
  }

  it('take every grant away and leave every restriction that can be read', () => {
    const broken = [
      '{"permissions": {"allow": ["Bash(a)"], "deny": ["Bash(rm *)", "Bash(rm"], "autoAllow": true, "lockFlags": true}}',
      '{"permissions": {"allow": ["Bash(a)"], "deny": ["Bash(rm *)"], "x": 1, "lockFlags": true}}',
      '{"permissions": {"allow": ["Bash(a)"], "deny": ["Bash(rm *)"], "lockFlags": true',
      '{"permissions": {"deny": ["Bash(rm *)"], "deny": [], "allow": ["Bash(a)"], "lockFlags": true}}',
    ];
    for (const text of broken) {
      const merged = mergePolicies([
        { ...emptyLayer('flags'), settings: { autoAllow: { value: true, origin: { layer: 'flags' } } } },
        read(text),
      ]);
      assert.deepEqual(merged.allow, [], text);
      assert.deepEqual(
        merged.deny.map((rule) => rule.text),
        ['Bash(rm *)'],
        text,
      );
      assert.notEqual(merged.autoAllowOff, undefined, text);
      assert.equal(merged.settings.lockFlags?.value, true, text);
      assert.ok(merged.problems.length > 0);
    }
  });
});

describe('layers', () => {
  it('unite rules and take scalars from the highest', () => {
    const merged = mergePolicies([
      { ...emptyLayer('flags'), settings: { defaultMode: { value: 'dont-ask', origin: { layer: 'flags' } } } },
      read('{"permissions":{"deny":["Bash(a)"],"defaultMode":"manual","lockFlags":true},"daemon":{"idleMinutes":2}}'),
      read('{"permissions":{"deny":["Bash(b)"]},"daemon":{"idleMinutes":9}}'),
    ]);
    assert.deepEqual(
      merged.deny.map((rule) => rule.text),
      ['Bash(a)', 'Bash(b)'],
    );
    assert.equal(merged.settings.defaultMode?.value, 'dont-ask');
    assert.equal(merged.settings.idleMinutes?.value, 2);
    assert.equal(merged.settings.lockFlags?.value, true);
  });
});
