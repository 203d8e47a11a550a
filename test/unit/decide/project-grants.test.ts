/** What a project grants and what trust in it covers: each grant as it read, and not what it becomes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import type { ParsedPolicy } from '../../../daemon/decide/policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';
import { keepTrusted, listGrants } from '../../../daemon/decide/project-grants.ts';

const read = (permissions: object): ParsedPolicy =>
  parsePolicy(JSON.stringify({ permissions }), {
    layer: 'project',
    file: '/ws/.sbx/policy.json',
    anchor: '/ws',
    home: '/h',
  });

/** Trust in everything that `before` grants, and what then waits in `after`. */
function waitingAfter(before: object, after: object): string[] {
  const trusted = new Set(listGrants(read(before)).map(({ identity }) => identity));
  return keepTrusted(read(after), ({ identity }) => trusted.has(identity)).ignored.map(({ what }) => what);
}

const rows: readonly [name: string, before: object, after: object, waiting: string[]][] = [
  ['the same', { allow: ['Bash(a *)'] }, { allow: ['Bash(a *)'] }, []],
  ['another order', { allow: ['Bash(a)', 'Bash(b)'] }, { allow: ['Bash(b)', 'Bash(a)'] }, []],
  ['one less', { allow: ['Bash(a)', 'Bash(b)'] }, { allow: ['Bash(b)'] }, []],
  ['one more', { allow: ['Bash(a)'] }, { allow: ['Bash(a)', 'Bash(b)'] }, ['allow `Bash(b)`']],
  ['a wider one', { allow: ['Bash(a b)'] }, { allow: ['Bash(a *)'] }, ['allow `Bash(a *)`']],
  [
    'an exemption less',
    { allow: [{ rule: 'Bash(a *)', unless: ['Bash(a b)'] }] },
    { allow: [{ rule: 'Bash(a *)' }] },
    ['allow `Bash(a *)`'],
  ],
  [
    'no longer in the sandbox only',
    { allow: [{ rule: 'Bash(a *)', sandbox: 'required' }] },
    { allow: ['Bash(a *)'] },
    ['allow `Bash(a *)`'],
  ],
  ['another reason', { allow: [{ rule: 'Bash(a)', reason: 'x' }] }, { allow: [{ rule: 'Bash(a)', reason: 'y' }] }, []],
  ['a folder more', {}, { additionalDirectories: ['/x'] }, ['work in `/x`']],
  ['auto-allow', {}, { autoAllow: true }, ['auto-allow on']],
  ['auto-allow off', {}, { autoAllow: false }, []],
  ['a loose mode', {}, { defaultMode: 'acceptEdits' }, ['the mode `accept-edits`']],
  ['the tightest mode', {}, { defaultMode: 'plan' }, []],
  ['restrictions', {}, { ask: ['Bash(a)'], deny: ['Bash(b)'], disableBypass: true }, []],
];

describe('what waits for trust after a change', () => {
  for (const [name, before, after, waiting] of rows) {
    it(name, () => assert.deepEqual(waitingAfter(before, after), waiting));
  }
});

describe('a project with some trust', () => {
  it('keeps the trusted grants and every restriction', () => {
    const parsed = read({
      allow: ['Bash(a)', 'Bash(b)'],
      deny: ['Bash(c)'],
      additionalDirectories: ['/x', '/y'],
      autoAllow: true,
    });
    const kept = keepTrusted(parsed, ({ what }) => ['allow `Bash(a)`', 'work in `/y`'].includes(what)).parsed;
    const merged = mergePolicies([kept]);
    assert.deepEqual(
      [merged.allow, merged.deny].map((rules) => rules.map(({ text }) => text)),
      [['Bash(a)'], ['Bash(c)']],
    );
    assert.deepEqual(merged.additionalDirectories, ['/y']);
    assert.equal(merged.settings.autoAllow, undefined);
  });
});
