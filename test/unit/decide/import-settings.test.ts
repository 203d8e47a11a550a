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
    const { parsed, foreign } = read(
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
    assert.deepEqual([parsed.notes, foreign], [[], ['mcp__x__y']]);
  });

  it('a grant that cannot be read is left out, with a note', () => {
    assert.deepEqual(list({ permissions: { allow: ['Bash(a', 7, 'Bash(b)'] } }, 'allow'), ['Bash(b)']);
    assert.equal(read({ permissions: { allow: ['Bash(a', 7] } }).parsed.notes.length, 2);
  });

  const malformed: readonly [entry: unknown, tool: string][] = [
    ['Bash(rm', 'Bash'],
    ['Bsah(rm *)', 'Bash'],
    ['rm -rf *', 'Bash'],
    ['rm my_file', 'Bash'],
    ['rm*', 'Bash'],
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

describe('rules for tools that sbx does not have', () => {
  const others = [
    'mcp__github__get_issue',
    'mcp__*',
    'WebSearch',
    'Task',
    'NotebookEdit',
    'NotebookEdit(a.ipynb)',
    'Write',
  ];
  for (const name of ['allow', 'ask', 'deny']) {
    it(`in ${name}: they say nothing, and there is no remark on them`, () => {
      const { parsed, foreign } = read({ permissions: { [name]: [...others, 'SomethingNew(x)', 'Bash(ls)'] } });
      assert.deepEqual(
        parsed.rules.map(({ text }) => text),
        ['Bash(ls)'],
      );
      assert.deepEqual(parsed.notes, []);
      assert.deepEqual(foreign, [...others, 'SomethingNew(x)']);
    });
  }

  it('a slip in the name of a tool of ours is told from them, and what was meant', () => {
    const { parsed, foreign } = read({ permissions: { allow: ['Bsh(ls *)', 'Raed(x)'], deny: ['Edti(x)'] } });
    assert.deepEqual(foreign, []);
    assert.deepEqual(
      parsed.notes.map(({ help }) => help),
      ['did you mean `Bash(ls *)`?', 'did you mean `Read(x)`?', 'did you mean `Edit(x)`?'],
    );
    assert.deepEqual(
      parsed.rules.map(({ list: own, tool, unread }) => [own, tool, unread]),
      [['ask', 'Edit', true]],
    );
  });

  it('a path on a tool that writes has no effect in its first home either, and that is told', () => {
    const { parsed, foreign } = read({ permissions: { allow: ['Write(src/**)'], deny: ['MultiEdit(.env)'] } });
    assert.deepEqual(foreign, []);
    assert.deepEqual(
      parsed.notes.map(({ help }) => help),
      ['write `Edit(src/**)`', 'write `Edit(.env)`'],
    );
  });

  it('no remark on a file of another agent is worth a line of every decision', () => {
    const { notes } = read({ permissions: { allow: ['Write(x)', 7], defaultMode: 'auto' } }).parsed;
    assert.deepEqual(
      notes.map(({ quiet, help }) => [quiet, typeof help]),
      [
        [true, 'string'],
        [true, 'string'],
        [true, 'string'],
      ],
    );
  });
});

describe('imported sandbox settings', () => {
  it('deny as rules do, paths absolute, each with its place', () => {
    const { parsed, weakening } = read(
      `{"sandbox": {
  "enabled": true,
  "filesystem": {"denyRead": ["//etc/x", "~/s/", "./k/**", "~/*.key", "/", "a [b]"], "denyWrite": ["/a", "../up"]},
  "network": {"deniedDomains": ["evil.com", "*.ads.org:443", "*"]}}}`,
    );
    assert.deepEqual(
      parsed.rules.map(({ list: own, text, origin }) => [own, text, origin.line]),
      [
        ['deny', 'Read(//etc/x)', 3],
        ['deny', 'Read(//home/u/s)', 3],
        ['deny', 'Read(//ws/k)', 3],
        ['deny', 'Read(~/*.key)', 3],
        ['deny', 'Read(//**)', 3],
        ['deny', 'Read(/a [b])', 3],
        ['deny', 'Edit(//a)', 3],
        ['deny', 'Edit(//up)', 3],
        ['deny', 'WebFetch(domain:evil.com)', 4],
        ['deny', 'WebFetch(domain:*.ads.org)', 4],
        ['deny', 'WebFetch(domain:*)', 4],
      ],
    );
    assert.equal(parsed.rules[0]?.reason, '`denyRead` of the sandbox');
    assert.deepEqual(weakening, []);
    assert.deepEqual([parsed.problems, parsed.notes], [[], []]);
  });

  const unreadable: readonly [sandbox: object, tool: string][] = [
    [{ filesystem: { denyRead: '~/.ssh' } }, 'Read'],
    [{ filesystem: { denyRead: [7] } }, 'Read'],
    [{ filesystem: { denyWrite: [''] } }, 'Edit'],
    [{ filesystem: { denyWrite: { a: 1 } } }, 'Edit'],
    [{ network: { deniedDomains: ['a b'] } }, 'WebFetch'],
    [{ network: { deniedDomains: [null] } }, 'WebFetch'],
  ];
  for (const [sandbox, tool] of unreadable) {
    it(`what cannot be read asks for its tool: ${JSON.stringify(sandbox)}`, () => {
      const { parsed } = read({ sandbox });
      assert.deepEqual(
        parsed.rules.map((rule) => [rule.list, rule.tool, rule.unread]),
        [['ask', tool, true]],
      );
      assert.equal(parsed.notes.length, 1);
    });
  }

  it('what a denied folder leaves readable is an exception of that denial, not of a deeper one', () => {
    const { parsed, weakening } = read({
      sandbox: { filesystem: { denyRead: ['~/', '/ws/secret', '/ws', '~/*.key'], allowRead: ['.', '/srv', '~/p'] } },
    });
    assert.deepEqual(
      parsed.rules.map(({ text, unless }) => [text, unless.map((each) => each.text)]),
      [
        ['Read(//home/u)', ['Read(//home/u/p)']],
        ['Read(//ws/secret)', []],
        ['Read(//ws)', []],
        ['Read(~/*.key)', []],
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
