/** Settings of another agent: what counts, what only restricts, what is named and not taken (RULES O36, §10). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { importSettings } from '../../../daemon/decide/import-settings.ts';

const source = { layer: 'project', file: '/ws/.claude/settings.json', anchor: '/ws', home: '/home/u' } as const;
const read = (value: unknown) => importSettings(typeof value === 'string' ? value : JSON.stringify(value), source);
const list = (value: unknown, name: string): string[] =>
  read(value)
    .parsed.rules.filter((rule) => rule.list === name)
    .map((rule) => rule.text);

describe('imported permissions', () => {
  it('are read with their places, and keys that are not ours are no mistake', () => {
    const { parsed } = read(
      '{\n  "model": "x", "hooks": {},\n  "permissions": {\n    "allow": ["Bash(npm test:*)", "mcp__x__y"],\n    "deny": ["Read(.env)"],\n    "additionalDirectories": ["../docs", "~/n"],\n    "defaultMode": "acceptEdits"\n  }\n}',
    );
    assert.deepEqual(parsed.problems, []);
    assert.deepEqual(
      parsed.rules.map(({ text, list: name, origin }) => [text, name, origin.line, origin.column]),
      [
        ['Bash(npm test:*)', 'allow', 4, 15],
        ['Read(.env)', 'deny', 5, 14],
      ],
    );
    assert.deepEqual(
      parsed.directories.map(({ value }) => value),
      ['/docs', '/home/u/n'],
    );
    assert.equal(parsed.settings.defaultMode?.value, 'accept-edits');
    assert.equal(parsed.notes.length, 1);
  });

  it('a grant that cannot be read is left out, with a note', () => {
    assert.deepEqual(list({ permissions: { allow: ['Bash(a', 7, 'Bash(b)'] } }, 'allow'), ['Bash(b)']);
    assert.equal(read({ permissions: { allow: ['Bash(a', 7] } }).parsed.notes.length, 2);
  });

  const malformed: readonly [entry: unknown, tool: string][] = [
    ['Bash(rm', 'Bash'],
    ['Bsah(rm *)', 'Bash'],
    ['Raed(.env)', 'Read'],
    ['Edit(!x)', 'Edit'],
    ['WebFetch(x.com)', 'WebFetch'],
    [7, 'Bash'],
    [{ rule: 'Bash(x)' }, 'Bash'],
  ];
  for (const [entry, tool] of malformed) {
    it(`a restriction that cannot be read asks for its tool: ${JSON.stringify(entry)}`, () => {
      for (const name of ['deny', 'ask']) {
        const { parsed } = read({ permissions: { [name]: [entry] } });
        assert.deepEqual(
          parsed.rules.map((rule) => [rule.list, rule.tool]),
          [['ask', tool]],
        );
        assert.deepEqual(parsed.problems, []);
      }
    });
  }

  it('a whole tool that is denied stays a denial', () => {
    assert.deepEqual(list({ permissions: { deny: ['Bash', 'WebFetch'] } }, 'deny'), ['Bash', 'WebFetch']);
  });

  it('text that is no JSON keeps the restrictions that can be read', () => {
    const { parsed } = read('{"permissions": {"deny": ["Bash(rm *)"], "allow": ["Bash(a)"]');
    assert.ok(parsed.problems.length > 0);
    assert.ok(parsed.rules.some((rule) => rule.list === 'deny'));
  });

  it('bypass can be disabled from here', () => {
    assert.equal(
      read({ permissions: { disableBypassPermissionsMode: 'disable' } }).parsed.settings.disableBypass?.value,
      true,
    );
    assert.equal(
      read({ permissions: { disableBypassPermissionsMode: 'no' } }).parsed.settings.disableBypass,
      undefined,
    );
  });
});

describe('imported sandbox settings', () => {
  it('give their denials, absolute', () => {
    const { parsed, weakening } = read({
      sandbox: {
        enabled: true,
        filesystem: { denyRead: ['//etc/x', '~/s/', './k/**'], denyWrite: ['/a'] },
        network: { deniedDomains: ['evil.com'] },
      },
    });
    assert.deepEqual(
      parsed.sandboxDenials.map(({ what, value }) => [what, value]),
      [
        ['read', '/etc/x'],
        ['read', '/home/u/s'],
        ['read', '/ws/k'],
        ['write', '/a'],
        ['host', 'evil.com'],
      ],
    );
    assert.deepEqual(weakening, []);
  });

  const weak: readonly [object, string[]][] = [
    [{ enabled: false }, ['sandbox.enabled']],
    [{ excludedCommands: ['docker *'] }, ['sandbox.excludedCommands']],
    [
      { network: { allowedDomains: ['x'], allowUnixSockets: ['/s'] } },
      ['sandbox.network.allowedDomains', 'sandbox.network.allowUnixSockets'],
    ],
    [{ filesystem: { allowWrite: ['/'] } }, ['sandbox.filesystem.allowWrite']],
    [{ allowUnsandboxedCommands: true }, ['sandbox.allowUnsandboxedCommands']],
    [{ enableWeakerNestedSandbox: true }, ['sandbox.enableWeakerNestedSandbox']],
    [{ somethingNew: 1 }, ['sandbox.somethingNew']],
  ];
  for (const [sandbox, keys] of weak) {
    it(`name what would weaken it: ${JSON.stringify(sandbox)}`, () =>
      assert.deepEqual(read({ sandbox }).weakening, keys));
  }

  it('can switch auto-allow and leaving off, never on', () => {
    const off = read({ sandbox: { autoAllowBashIfSandboxed: false, allowUnsandboxedCommands: false } }).parsed.settings;
    assert.deepEqual([off.autoAllow?.value, off.allowUnsandboxed?.value], [false, false]);
    const on = read({ sandbox: { autoAllowBashIfSandboxed: true, allowUnsandboxedCommands: true } }).parsed.settings;
    assert.deepEqual([on.autoAllow, on.allowUnsandboxed], [undefined, undefined]);
  });
});
