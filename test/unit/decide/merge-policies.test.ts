/** How layers become one policy: what unites, what the highest says, what any layer may forbid, and what locks take away. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Origin } from '../../../client/protocol/decision.ts';
import type { Mode } from '../../../client/protocol/messages.ts';
import { mergePolicies, withoutGrants } from '../../../daemon/decide/merge-policies.ts';
import { chooseAutoAllow, chooseMode } from '../../../daemon/decide/mode-choice.ts';
import type { ParsedPolicy } from '../../../daemon/decide/policy.ts';
import { parsePolicy } from '../../../daemon/decide/policy-text.ts';

type Layer = Origin['layer'];

/** A policy file of a layer, `permissions` alone where that is all there is. */
function layer(name: Layer, permissions: object, more: object = {}): ParsedPolicy {
  const text = JSON.stringify({ permissions, ...more });
  const parsed = parsePolicy(text, { layer: name, file: `/${name}.json`, anchor: '/', home: '/home/u' });
  assert.deepEqual(parsed.problems, []);
  return parsed;
}

const texts = (rules: readonly { text: string }[]): string[] => rules.map(({ text }) => text);

describe('rules', () => {
  it('unite in the order of the layers, and every one keeps its place', () => {
    const merged = mergePolicies([
      layer('managed', { deny: ['Bash(a)'] }),
      layer('project', { deny: ['Bash(b)'], allow: ['Bash(c)'] }),
      layer('user', { ask: ['Bash(d)'], allow: ['Bash(e)'] }),
    ]);
    assert.deepEqual(
      [texts(merged.deny), texts(merged.ask), texts(merged.allow)],
      [['Bash(a)', 'Bash(b)'], ['Bash(d)'], ['Bash(c)', 'Bash(e)']],
    );
    assert.deepEqual(merged.allow[1]?.origin, { layer: 'user', file: '/user.json', line: 1, column: 44 });
  });
});

describe('the mode', () => {
  const rows: readonly [name: string, layers: ParsedPolicy[], asked: Mode | undefined, mode: Mode][] = [
    ['is manual where nothing says', [], undefined, 'manual'],
    ['is what the client asks for', [], 'accept-edits', 'accept-edits'],
    [
      'comes from the highest layer',
      [layer('project', { defaultMode: 'accept-edits' }), layer('user', { defaultMode: 'dont-ask' })],
      undefined,
      'accept-edits',
    ],
    ['of a policy gives way to the client', [layer('user', { defaultMode: 'dont-ask' })], 'manual', 'manual'],
    ['of managed policy is a limit', [layer('managed', { defaultMode: 'manual' })], 'accept-edits', 'manual'],
    ['of managed policy leaves a tighter wish', [layer('managed', { defaultMode: 'manual' })], 'dont-ask', 'dont-ask'],
    [
      'dont-ask never asks, so plan does not take its place',
      [layer('managed', { defaultMode: 'dont-ask' })],
      'plan',
      'dont-ask',
    ],
    ['nor the other way round', [layer('managed', { defaultMode: 'plan' })], 'dont-ask', 'dont-ask'],
    ['bypass can be had', [], 'bypass', 'bypass'],
    ['bypass is disabled from any layer', [layer('project', { disableBypass: true })], 'bypass', 'manual'],
    [
      'bypass stays disabled though a higher layer says otherwise',
      [layer('managed', { disableBypass: false }), layer('built-in', { disableBypass: true })],
      'bypass',
      'manual',
    ],
    [
      'a limit that is looser than manual brings nothing of a disabled bypass back',
      [
        layer('managed', { disableBypass: true }),
        withoutGrants(layer('project', { defaultMode: 'accept-edits' })),
        layer('user', { defaultMode: 'bypass' }),
      ],
      undefined,
      'manual',
    ],
    ['bypass is nothing a project may choose', [layer('project', { defaultMode: 'bypass' })], undefined, 'manual'],
    ['bypass is something its user may choose', [layer('user', { defaultMode: 'bypass' })], undefined, 'bypass'],
    [
      'of a layer without grants only tightens',
      [withoutGrants(layer('project', { defaultMode: 'accept-edits' })), layer('user', { defaultMode: 'dont-ask' })],
      undefined,
      'dont-ask',
    ],
    [
      'of a layer without grants does tighten',
      [withoutGrants(layer('project', { defaultMode: 'dont-ask' })), layer('user', { defaultMode: 'accept-edits' })],
      undefined,
      'dont-ask',
    ],
  ];
  for (const [name, layers, asked, mode] of rows) {
    it(name, () => assert.equal(chooseMode(mergePolicies(layers), asked).mode, mode));
  }

  it('plan and dont-ask together neither ask nor auto-allow, in whichever order they meet', () => {
    const plan = layer('managed', { defaultMode: 'plan' });
    const refusing = withoutGrants(layer('project', { defaultMode: 'dont-ask' }));
    for (const [layers, asked] of [
      [[plan], 'dont-ask'],
      [[layer('managed', { defaultMode: 'dont-ask' })], 'plan'],
      [[plan, refusing], undefined],
      [[layer('user', { defaultMode: 'plan' }), refusing], undefined],
      [[withoutGrants(plan), refusing, layer('user', { defaultMode: 'manual' })], undefined],
    ] as const) {
      const { mode, planned } = chooseMode(mergePolicies([...layers]), asked);
      assert.deepEqual([mode, planned], ['dont-ask', true]);
    }
    assert.equal(chooseMode(mergePolicies([refusing]), undefined).planned, false);
  });

  it('bypass is not for root outside the sandbox', () => {
    const policy = mergePolicies([]);
    assert.equal(chooseMode(policy, 'bypass', false).mode, 'manual');
    assert.equal(chooseMode(policy, 'bypass', true).mode, 'bypass');
  });

  it('says whose limit it was', () => {
    const { notes } = chooseMode(mergePolicies([layer('managed', { defaultMode: 'manual' })]), 'accept-edits');
    assert.match(notes[0]?.message ?? '', /`manual` takes the place of `accept-edits`/);
    assert.equal(notes[0]?.origin.file, '/managed.json');
  });
});

describe('auto-allow', () => {
  const rows: readonly [name: string, layers: ParsedPolicy[], asked: boolean | undefined, on: boolean][] = [
    ['is on where nothing says', [], undefined, true],
    [
      'comes from the highest layer',
      [layer('project', { autoAllow: true }), layer('user', { autoAllow: false })],
      undefined,
      true,
    ],
    ['of a policy gives way to the client', [layer('user', { autoAllow: false })], true, true],
    ['of managed policy does not', [layer('managed', { autoAllow: false })], true, false],
    [
      'may be switched off by the client though managed policy has it on',
      [layer('managed', { autoAllow: true })],
      false,
      false,
    ],
    [
      'locked and not mentioned is off',
      [layer('managed', { lockAutoAllow: true }), layer('user', { autoAllow: true })],
      true,
      false,
    ],
    ['locked on stays available', [layer('managed', { lockAutoAllow: true, autoAllow: true })], true, true],
    ['cannot be locked by a lower layer', [layer('user', { lockAutoAllow: true })], true, true],
    [
      'is off for a layer without grants that says so',
      [withoutGrants(layer('project', { autoAllow: false }))],
      true,
      false,
    ],
    [
      'is not switched on by a layer without grants',
      [withoutGrants(layer('project', { autoAllow: true })), layer('user', { autoAllow: false })],
      undefined,
      false,
    ],
  ];
  for (const [name, layers, asked, on] of rows) {
    it(name, () => assert.equal(chooseAutoAllow(mergePolicies(layers), asked), on));
  }
});

describe('user namespaces', () => {
  const says = (name: Layer, userNamespaces: boolean): ParsedPolicy => layer(name, {}, { sandbox: { userNamespaces } });
  const rows: readonly [name: string, layers: ParsedPolicy[], open: boolean][] = [
    ['closed by default', [], false],
    ['a user may open them', [says('user', true)], true],
    ['a project may not', [says('project', true)], false],
    ['a project may close them', [says('user', true), says('project', false)], false],
    ['so may managed policy', [says('managed', false), says('user', true)], false],
  ];
  for (const [name, layers, open] of rows) it(name, () => assert.equal(mergePolicies(layers).userNamespaces, open));
});

describe('leaving the sandbox, and shells', () => {
  const sandbox = (name: Layer, allowUnsandboxed?: boolean, allowShell?: boolean): ParsedPolicy =>
    layer(
      name,
      {},
      {
        sandbox: {
          ...(allowUnsandboxed === undefined ? {} : { allowUnsandboxed }),
          ...(allowShell === undefined ? {} : { allowShell }),
        },
      },
    );
  const rows: readonly [name: string, layers: ParsedPolicy[], unsandboxed: boolean, shell: boolean][] = [
    ['by default', [], false, true],
    ['a user may grant it', [sandbox('user', true)], true, true],
    ['flags may grant it', [sandbox('flags', true)], true, true],
    ['a project may not', [sandbox('project', true)], false, true],
    ['nor a local file of a project', [sandbox('project-local', true)], false, true],
    ['one layer that forbids it is enough', [sandbox('managed', true), sandbox('project', false)], false, true],
    [
      'a project may forbid shells',
      [sandbox('user', undefined, true), sandbox('project', undefined, false)],
      false,
      false,
    ],
    [
      'a profile may forbid shells',
      [sandbox('user', undefined, true), sandbox('built-in', undefined, false)],
      false,
      false,
    ],
  ];
  for (const [name, layers, unsandboxed, shell] of rows) {
    it(name, () => {
      const merged = mergePolicies(layers);
      assert.deepEqual([merged.allowUnsandboxed, merged.allowShell], [unsandboxed, shell]);
    });
  }

  it('what a project may not set is named', () => {
    const merged = mergePolicies([
      layer('project', {}, { profile: 'default', import: false, sandbox: { allowUnsandboxed: true } }),
    ]);
    assert.equal(merged.notes.length, 3);
    assert.equal(merged.settings.profile, undefined);
    assert.equal(merged.settings.import, undefined);
  });
});

describe('locks of managed policy', () => {
  const granting = layer('user', {
    allow: ['Bash(a)', 'WebFetch(domain:x.com)'],
    ask: ['Bash(b)'],
    deny: ['Bash(c)'],
    additionalDirectories: ['/d'],
  });

  it('managedRulesOnly leaves its own grants, and everybody’s restrictions', () => {
    const merged = mergePolicies([layer('managed', { managedRulesOnly: true, allow: ['Bash(m)'] }), granting]);
    assert.deepEqual(
      [texts(merged.allow), texts(merged.ask), texts(merged.deny)],
      [['Bash(m)'], ['Bash(b)'], ['Bash(c)']],
    );
    assert.deepEqual(merged.additionalDirectories, []);
  });

  it('managedDomainsOnly takes hosts alone', () => {
    const merged = mergePolicies([layer('managed', { managedDomainsOnly: true }), granting]);
    assert.deepEqual([texts(merged.allow), merged.additionalDirectories], [['Bash(a)'], ['/d']]);
  });

  it('are nothing that another layer can set, and that is said', () => {
    const merged = mergePolicies([layer('flags', { managedRulesOnly: true }), granting]);
    assert.deepEqual(texts(merged.allow), ['Bash(a)', 'WebFetch(domain:x.com)']);
    assert.match(merged.notes[0]?.message ?? '', /managedRulesOnly.*managed policy only/);
  });

  it('lockFlags holds from any layer', () => {
    assert.equal(
      mergePolicies([layer('flags', { lockFlags: false }), layer('project', { lockFlags: true })]).settings.lockFlags
        ?.value,
      true,
    );
  });
});
