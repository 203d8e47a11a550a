import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Decision, type DecisionEffect, decisionSchema } from '../../../client/protocol/decision.ts';
import type { Mode } from '../../../client/protocol/messages.ts';
import type { Analysis, Effect, Finding } from '../../../daemon/analyse/model.ts';
import { decide as decideStage } from '../../../daemon/decide/decide.ts';
import { emptyPolicy } from '../../../daemon/decide/merge-policies.ts';
import type { Policy } from '../../../daemon/decide/policy.ts';
import {
  facts,
  makeAnalysis,
  makeCommand,
  makeFinding,
  makeLayer,
  makePolicy,
  makeTarget,
  makeWords,
} from './analysis-builder.ts';

function decide(analysis: Analysis, policy: Policy, more: { mode?: Mode; autoAllow?: boolean } = {}): Decision {
  const decision = decideStage(analysis, policy, { mode: more.mode, autoAllow: more.autoAllow ?? false, facts });
  decisionSchema.parse(decision);
  return decision;
}

const bare = makeAnalysis([makeCommand('tool x')]);

describe('findings', () => {
  const rows: readonly [Partial<Finding>, allow: string[], autoAllow: boolean, DecisionEffect][] = [
    [{}, ['Bash(tool *)'], false, 'ask'],
    [{}, ['Bash'], false, 'ask'],
    [{}, ['Bash(tool x)'], false, 'allow'],
    [{}, [], true, 'allow'],
    [{ class: 'deception' }, ['Bash(tool x)'], false, 'ask'],
    [{ class: 'deception' }, [], true, 'ask'],
    [{ class: 'escape' }, ['Bash(tool *)'], true, 'ask'],
    [{ class: 'escape' }, [], true, 'ask'],
    [{ class: 'escape' }, ['Bash(tool x)'], true, 'allow'],
    [{ class: 'environment' }, [], true, 'allow'],
    [{ class: 'undecidable' }, [], true, 'allow'],
    [{ class: 'network' }, [], true, 'allow'],
    [{ class: 'destructive', neverAutoApproved: true }, ['Bash(tool x)'], false, 'ask'],
    [{ class: 'destructive', neverAutoApproved: true }, ['Bash(tool x)'], true, 'ask'],
    [{ command: undefined }, ['Bash(tool *)'], false, 'ask'],
    [{ command: undefined }, ['Bash(tool x)'], false, 'allow'],
    [{ command: undefined, class: 'escape' }, [], true, 'ask'],
    [{ command: 77 }, ['Bash(tool *)'], false, 'ask'],
  ];
  for (const [finding, allow, autoAllow, effect] of rows) {
    it(`${JSON.stringify(finding)} under ${allow.join() || 'no rule'}${autoAllow ? ' and auto-allow' : ''}: ${effect}`, () => {
      const analysis = makeAnalysis([makeCommand('tool x')], [makeFinding(finding)]);
      const decision = decide(analysis, makePolicy({ allow }), { autoAllow });
      assert.equal(decision.effect, effect, JSON.stringify(decision.reasons));
      if (effect === 'ask') assert.equal(decision.reasons[0]?.finding, 'inner-code');
    });
  }

  it('of one command hold for that command only', () => {
    const analysis = makeAnalysis([makeCommand('a'), makeCommand('b', 1, 4)], [makeFinding({ command: 1 })]);
    const decision = decide(analysis, makePolicy({ allow: ['Bash(a *)', 'Bash(b *)'] }));
    assert.deepEqual(
      decision.commands.map(({ effect }) => effect),
      ['allow', 'ask'],
    );
    assert.equal(decision.reasons[0]?.command, 1);
  });
});

describe('order of evaluation', () => {
  const policy = { allow: ['Bash(tool x)'], ask: ['Bash(tool *)'], deny: ['Bash(* x)'] };
  it('deny, then ask, then allow', () => {
    assert.equal(decide(bare, makePolicy(policy)).effect, 'deny');
    assert.equal(decide(bare, makePolicy({ ...policy, deny: [] })).effect, 'ask');
    assert.equal(decide(bare, makePolicy({ ...policy, deny: [], ask: [] })).effect, 'allow');
    assert.equal(decide(bare, emptyPolicy).effect, 'ask');
  });

  it('a denial is not hidden by what is never approved by itself', () => {
    const analysis = makeAnalysis([makeCommand('tool x')], [makeFinding({ neverAutoApproved: true })]);
    const decision = decide(analysis, makePolicy(policy));
    assert.equal(decision.effect, 'deny');
    assert.equal(decision.reasons[0]?.rule, 'Bash(* x)');
  });

  it('the worst command decides and is named first', () => {
    const analysis = makeAnalysis([makeCommand('a'), makeCommand('b', 1, 4), makeCommand('c', 2, 8)]);
    const decision = decide(analysis, makePolicy({ allow: ['Bash(a)'], deny: ['Bash(c)'] }));
    assert.equal(decision.effect, 'deny');
    assert.equal(decision.reasons[0]?.command, 2);
    assert.deepEqual(
      decision.commands.map(({ effect }) => effect),
      ['allow', 'ask', 'deny'],
    );
  });
});

describe('modes', () => {
  it('dont-ask turns every ask into a denial that still says why', () => {
    const decision = decide(bare, emptyPolicy, { mode: 'dont-ask' });
    assert.equal(decision.effect, 'deny');
    assert.deepEqual(
      decision.reasons.map(({ kind }) => kind),
      ['no-rule', 'mode'],
    );
    assert.equal(decision.commands[0]?.effect, 'deny');
    assert.deepEqual(decision.suggestions[0]?.rules, ['Bash(tool x)']);
  });

  it('the requested mode beats the policy, which beats manual', () => {
    const policy = makePolicy({}, { settings: { defaultMode: { value: 'dont-ask', origin: { layer: 'user' } } } });
    assert.equal(decide(bare, policy).effect, 'deny');
    assert.equal(decide(bare, policy, { mode: 'manual' }).effect, 'ask');
  });

  const write = (path: string, more = {}): Effect => ({ kind: 'write', target: makeTarget(path, more) });
  const edits: readonly [string, Effect[], DecisionEffect][] = [
    ['touch a', [write('/home/u/ws/a')], 'allow'],
    ['touch a', [write('/srv/shared/a')], 'allow'],
    ['touch a', [write('/home/u/a')], 'ask'],
    ['touch a', [write('/tmp/a')], 'ask'],
    ['touch a', [write('/home/u/ws/a', { resolved: '/etc/a' })], 'ask'],
    ['touch a', [write('/home/u/wsx')], 'ask'],
    ['rm a', [{ kind: 'remove', target: makeTarget('/home/u/ws/a') }], 'allow'],
    ['install a', [write('/home/u/ws/a')], 'ask'],
    ['cp a b', [{ kind: 'execute', what: 'x', span: { start: 0, end: 1 } }], 'ask'],
    ['touch', [], 'ask'],
  ];
  for (const [text, effects, effect] of edits) {
    it(`accept-edits: ${text} ${JSON.stringify(effects.map((each) => ('target' in each ? each.target.path : each.kind)))}`, () => {
      const analysis = makeAnalysis([makeCommand(text, 0, 0, { effects })]);
      assert.equal(decide(analysis, emptyPolicy, { mode: 'accept-edits' }).effect, effect);
      assert.equal(decide(analysis, emptyPolicy).effect, 'ask');
    });
  }
});

describe('auto-allow', () => {
  const rows: readonly [name: string, rules: Parameters<typeof makePolicy>[0], DecisionEffect][] = [
    ['nothing restricts', {}, 'allow'],
    ['a bare ask is no restriction', { ask: ['Bash', 'Bash(*)'] }, 'allow'],
    ['an ask rule', { ask: ['Bash(tool *)'] }, 'ask'],
    ['a deny rule', { deny: ['Bash(tool *)'] }, 'deny'],
    ['a bare deny', { deny: ['Bash'] }, 'deny'],
    ['another rule', { ask: ['Bash(other *)'] }, 'allow'],
  ];
  for (const [name, rules, effect] of rows) {
    it(name, () => assert.equal(decide(bare, makePolicy(rules), { autoAllow: true }).effect, effect));
  }

  it('asks about an unknown program only when commands are restricted', () => {
    const analysis = makeAnalysis([makeCommand('$x y', 0, 0, { program: undefined, known: false })]);
    assert.equal(decide(analysis, emptyPolicy, { autoAllow: true }).effect, 'allow');
    assert.equal(decide(analysis, makePolicy({ deny: ['Bash(exactly this)'] }), { autoAllow: true }).effect, 'ask');
    assert.equal(
      decide(analysis, makePolicy({ deny: ['Read(x)'], ask: ['Bash'] }), { autoAllow: true }).effect,
      'allow',
    );
  });

  it('is off while a policy file has errors, and the answer says so', () => {
    const problem = {
      message: 'wrong',
      help: undefined,
      origin: { layer: 'user', file: '/p', line: 2, column: 3 },
    } as const;
    const policy = makePolicy({ allow: ['Bash(tool *)'], deny: ['Bash(rm *)'] }, { problems: [problem] });
    const decision = decide(bare, policy, { autoAllow: true });
    assert.equal(decision.effect, 'ask');
    assert.equal(decision.reasons.at(-1)?.kind, 'policy-error');
    assert.match(decision.notes[0] ?? '', /^\/p:2:3: wrong/);
    assert.equal(decide(makeAnalysis([makeCommand('rm x')]), policy).effect, 'deny');
  });
});

describe('what a grant covers', () => {
  const write = (path: string | undefined, more = {}): Effect => ({ kind: 'write', target: makeTarget(path, more) });
  const rows: readonly [name: string, allow: string[], Effect[], DecisionEffect][] = [
    ['writing in the workspace', ['Bash(tool *)'], [write('/home/u/ws/a')], 'allow'],
    ['writing in a temporary folder', ['Bash(tool *)'], [write('/tmp/a')], 'allow'],
    ['not writing elsewhere', ['Bash(tool *)'], [write('/home/u/a')], 'ask'],
    ['not writing elsewhere, under Bash', ['Bash'], [write('/home/u/a')], 'ask'],
    ['writing elsewhere with an Edit rule', ['Bash(tool *)', 'Edit(~/a)'], [write('/home/u/a')], 'allow'],
    ['writing elsewhere by an exact rule', ['Bash(tool x)'], [write('/home/u/a')], 'allow'],
    ['not writing through a link', ['Bash(tool *)'], [write('/home/u/ws/a', { resolved: '/etc/a' })], 'ask'],
    [
      'not writing where links are not known',
      ['Bash(tool *)'],
      [write('/home/u/ws/a', { resolved: undefined })],
      'ask',
    ],
    ['not writing nobody knows where', ['Bash(tool *)'], [write(undefined)], 'ask'],
    [
      'writing files of one folder',
      ['Bash(tool *)'],
      [write(undefined, { prefix: '/home/u/ws/b/', confined: true })],
      'allow',
    ],
    ['not removing elsewhere', ['Bash(tool *)'], [{ kind: 'remove', target: makeTarget('/etc') }], 'ask'],
  ];
  for (const [name, allow, effects, effect] of rows) {
    it(name, () => {
      const analysis = makeAnalysis([makeCommand('tool x', 0, 0, { effects })]);
      assert.equal(decide(analysis, makePolicy({ allow })).effect, effect);
    });
  }

  const dangers: readonly [text: string, word: number, name: string, allow: string, DecisionEffect][] = [
    ['rg --pre evil x', 1, '--pre', 'Bash(rg *)', 'ask'],
    ['rg --pre evil x', 1, '--pre', 'Bash(rg --pre *)', 'allow'],
    ['rg --pre evil x', 1, '--pre', 'Bash(rg * x)', 'ask'],
    ['rg --pre evil x', 1, '--pre', 'Bash(* --pre *)', 'allow'],
    ['rg --pre evil x', 1, '--pre', 'Bash', 'allow'],
    ['rg --pre=evil x', 1, '--pre', 'Bash(rg --pre=*)', 'allow'],
    ['rg --pre=evil x', 1, '--pre', 'Bash(rg --p*)', 'ask'],
    ['git -c a=1 -c b=2 log', 3, '-c', 'Bash(git -c a=1 *)', 'ask'],
    ['git -c a=1 -c b=2 log', 3, '-c', 'Bash(git -c a=1 -c *)', 'allow'],
    ['git -c a=1 -c b=2 log', 3, '-c', 'Bash(git * -c b=2 *)', 'allow'],
    ['sed 1e f', 1, 'the command `e`', 'Bash(sed 1e *)', 'allow'],
    ['sed 1e f', 1, 'the command `e`', 'Bash(sed 1*)', 'ask'],
  ];
  for (const [text, index, name, allow, effect] of dangers) {
    it(`${text} under ${allow}: ${effect}`, () => {
      const word = makeWords(text, 0)[index];
      assert.ok(word !== undefined);
      const unnamed = [{ word, name, because: 'it runs a program' }];
      const analysis = makeAnalysis([makeCommand(text, 0, 0, { unnamed })]);
      const decision = decide(analysis, makePolicy({ allow: [allow] }));
      assert.equal(decision.effect, effect);
      if (effect === 'ask') assert.equal(decision.reasons[0]?.rule, allow);
    });
  }

  it('a danger that stands nowhere in the words is covered by the whole tool or an exact rule', () => {
    const [elsewhere] = makeWords('other', 100);
    assert.ok(elsewhere !== undefined);
    const unnamed = [{ word: elsewhere, name: 'other', because: 'it is hidden' }];
    const analysis = makeAnalysis([makeCommand('tool x', 0, 0, { unnamed })]);
    assert.equal(decide(analysis, makePolicy({ allow: ['Bash(tool *)'] })).effect, 'ask');
    assert.equal(decide(analysis, makePolicy({ allow: ['Bash(tool x)'] })).effect, 'allow');
    assert.equal(decide(analysis, makePolicy({ allow: ['Bash'] })).effect, 'allow');
  });

  const wrapped = (() => {
    const words = makeWords('timeout 30 npm test', 0);
    return makeCommand('timeout 30 npm test', 0, 0, {
      layers: [makeLayer(words), makeLayer(words.slice(2), 'wrapper')],
      program: 'npm',
    });
  })();
  const wrappers: readonly [string, DecisionEffect][] = [
    ['Bash(npm *)', 'allow'],
    ['Bash(npm test)', 'allow'],
    ['Bash(timeout 30 npm *)', 'allow'],
    ['Bash(timeout 30 npm test)', 'allow'],
    ['Bash(timeout *)', 'ask'],
    ['Bash(timeout 30 *)', 'ask'],
    ['Bash(timeout 30 np*)', 'ask'],
    ['Bash(* test)', 'allow'],
    ['Bash(timeout * test)', 'ask'],
  ];
  for (const [allow, effect] of wrappers) {
    it(`timeout 30 npm test under ${allow}: ${effect}`, () => {
      assert.equal(decide(makeAnalysis([wrapped]), makePolicy({ allow: [allow] })).effect, effect);
    });
  }

  it('an unless narrows an allow even where it only could match', () => {
    const [rule] = makePolicy({ allow: ['Bash(make *)'] }).allow;
    const [exception] = makePolicy({ allow: ['Bash(make deploy *)'] }).allow;
    assert.ok(rule !== undefined && exception !== undefined);
    const policy: Policy = { ...emptyPolicy, allow: [{ ...rule, unless: [exception] }] };
    assert.equal(decide(makeAnalysis([makeCommand('make test')]), policy).effect, 'allow');
    assert.equal(decide(makeAnalysis([makeCommand('make deploy now')]), policy).effect, 'ask');
    assert.equal(decide(makeAnalysis([makeCommand('make $x')]), policy).effect, 'ask');
  });

  it('an unless exempts from an ask only where it is certain', () => {
    const [rule] = makePolicy({ ask: ['Bash(make *)'] }).ask;
    const [exception] = makePolicy({ ask: ['Bash(make test *)'] }).ask;
    assert.ok(rule !== undefined && exception !== undefined);
    const policy: Policy = { ...emptyPolicy, ask: [{ ...rule, unless: [exception] }] };
    assert.equal(decide(makeAnalysis([makeCommand('make test')]), policy, { autoAllow: true }).effect, 'allow');
    assert.equal(decide(makeAnalysis([makeCommand('make x')]), policy, { autoAllow: true }).effect, 'ask');
    assert.equal(decide(makeAnalysis([makeCommand('make $x')]), policy, { autoAllow: true }).effect, 'ask');
  });
});

describe('what a restriction sees', () => {
  const rows: readonly [text: string, deny: string, DecisionEffect][] = [
    ['git push $x', 'Bash(git push *)', 'deny'],
    ['git $x', 'Bash(git push *)', 'ask'],
    ['git $x origin', 'Bash(git push *)', 'ask'],
    ['$x push', 'Bash(git push *)', 'ask'],
    ['echo $x', 'Bash(git push *)', 'allow'],
    ['echo $x', 'Bash(* --force)', 'ask'],
    ['rm $x', 'Bash(rm)', 'ask'],
    ['rm x', 'Bash(/bin/rm *)', 'deny'],
    ['/usr/bin/rm x', 'Bash(rm *)', 'deny'],
    ['deploy.sh x', 'Bash(./deploy.sh *)', 'deny'],
    ['m x', 'Bash(/bin/rm *)', 'allow'],
    ['cat ./secrets/../secrets/k', 'Bash(cat ./secrets/*)', 'deny'],
    ['cat secrets//k', 'Bash(cat secrets/*)', 'deny'],
    ['cat other/k', 'Bash(cat ./secrets/*)', 'allow'],
    ['rm -rf $x', 'Bash(rm -r *)', 'allow'],
  ];
  for (const [text, deny, effect] of rows) {
    it(`${text} under deny ${deny}: ${effect}`, () => {
      const policy = makePolicy({ allow: ['Bash'], deny: [deny] });
      assert.equal(decide(makeAnalysis([makeCommand(text)]), policy).effect, effect);
    });
  }

  it('inner commands, however deep', () => {
    const inner = makeCommand('sh -c x', 0, 0, { inner: [makeCommand('rm x')] });
    const analysis = makeAnalysis([makeCommand('sudo y', 0, 0, { inner: [inner] })]);
    assert.equal(decide(analysis, makePolicy({ allow: ['Bash'], deny: ['Bash(rm *)'] })).effect, 'deny');
    assert.equal(decide(analysis, makePolicy({ allow: ['Bash'], deny: ['Bash(cp *)'] })).effect, 'allow');
  });

  const reads: readonly [
    target: Parameters<typeof makeTarget>,
    kind: 'read' | 'write' | 'remove',
    deny: string,
    DecisionEffect,
  ][] = [
    [['/home/u/ws/a/.env'], 'read', 'Read(.env)', 'deny'],
    [['/home/u/ws/a/.env'], 'write', 'Read(.env)', 'deny'],
    [['/home/u/ws/a/.env'], 'read', 'Edit(.env)', 'allow'],
    [['/home/u/ws/a/.env'], 'write', 'Edit(.env)', 'deny'],
    [['/home/u/ws/x', { resolved: '/home/u/.ssh/id' }], 'read', 'Read(~/.ssh/**)', 'deny'],
    [['/home/u/ws/secrets', { recursive: true }], 'read', 'Read(secrets/**)', 'deny'],
    [['/home/u/ws/secrets'], 'read', 'Read(secrets/**)', 'allow'],
    [['/home/u', { recursive: true }], 'read', 'Read(~/.ssh/**)', 'ask'],
    [['/home/u/ws', { recursive: true }], 'read', 'Read(./secrets/**)', 'allow'],
    [['/home/u/ws/conf', { recursive: true }], 'write', 'Edit(./conf/prod/**)', 'deny'],
    [['/home/u/ws', { recursive: true }], 'write', 'Edit(./conf/prod/**)', 'ask'],
    [['/home/u/ws', { recursive: true }], 'write', 'Read(./conf/prod/**)', 'allow'],
    [['/home/u/ws', { recursive: true }], 'remove', 'Read(./conf/prod/**)', 'deny'],
    [[undefined], 'read', 'Read(.env)', 'ask'],
    [[undefined, { prefix: '/home/u/ws/src/' }], 'read', 'Read(~/.ssh/**)', 'allow'],
    [[undefined, { prefix: '/home/u/.ss' }], 'read', 'Read(~/.ssh/**)', 'ask'],
  ];
  for (const [target, kind, deny, effect] of reads) {
    it(`${kind} ${JSON.stringify(target)} under deny ${deny}: ${effect}`, () => {
      const analysis = makeAnalysis([
        makeCommand('tool x', 0, 0, { effects: [{ kind, target: makeTarget(...target) }] }),
      ]);
      const policy = makePolicy({ deny: [deny] });
      assert.equal(decide(analysis, policy, { autoAllow: true }).effect, effect);
    });
  }

  it('hosts', () => {
    const connect = (host: string | undefined) =>
      makeAnalysis([
        makeCommand('curl x', 0, 0, {
          effects: [{ kind: 'connect', host, url: undefined, span: { start: 0, end: 1 } }],
        }),
      ]);
    const policy = makePolicy({ deny: ['WebFetch(domain:*.evil.com)'] });
    assert.equal(decide(connect('a.evil.com'), policy, { autoAllow: true }).effect, 'deny');
    assert.equal(decide(connect('evil.com'), policy, { autoAllow: true }).effect, 'allow');
    assert.equal(decide(connect(undefined), policy, { autoAllow: true }).effect, 'allow');
    assert.equal(decide(connect('a.b'), makePolicy({ deny: ['WebFetch'] }), { autoAllow: true }).effect, 'deny');
  });
});

describe('suggestions', () => {
  it('are exact first, then program and subcommand', () => {
    const decision = decide(makeAnalysis([makeCommand('git commit -m x')]), emptyPolicy);
    assert.deepEqual(
      decision.suggestions.map(({ rules }) => rules),
      [['Bash(git commit -m x)'], ['Bash(git commit *)']],
    );
    assert.equal(decision.reasons[0]?.help, 'allow `Bash(git commit -m x)`');
  });

  it('cover every part that needs one, and nothing that does not', () => {
    const redirection = makeTarget('/home/u/ws/out', { redirection: {} as never });
    const analysis = makeAnalysis([
      makeCommand('a', 0, 0, { readOnly: true }),
      makeCommand('b x', 1, 4),
      makeCommand('c', 2, 8, { readOnly: true, effects: [{ kind: 'write', target: redirection }] }),
    ]);
    assert.deepEqual(decide(analysis, emptyPolicy).suggestions[0]?.rules, ['Bash(b x)', 'Edit(//home/u/ws/out)']);
  });

  it('are absent where no rule helps', () => {
    const never = makeAnalysis([makeCommand('tool x')], [makeFinding({ neverAutoApproved: true })]);
    assert.deepEqual(decide(never, emptyPolicy).suggestions, []);
    assert.deepEqual(decide(bare, makePolicy({ ask: ['Bash(tool *)'] })).suggestions, []);
    const six = makeAnalysis([0, 1, 2, 3, 4, 5].map((id) => makeCommand(`tool${id} x`, id, id * 10)));
    assert.deepEqual(decide(six, emptyPolicy).suggestions, []);
    assert.deepEqual(decide(makeAnalysis([makeCommand('tool *')]), emptyPolicy).suggestions, []);
  });

  it('never offer a program that takes its orders from standard input', () => {
    assert.deepEqual(decide(makeAnalysis([makeCommand('python3')]), emptyPolicy).suggestions, []);
    assert.deepEqual(decide(makeAnalysis([makeCommand('bash -s')]), emptyPolicy).suggestions, []);
    const told = makeCommand('python3 x.py');
    assert.deepEqual(decide(makeAnalysis([told]), emptyPolicy).suggestions[0]?.rules, ['Bash(python3 x.py)']);
  });

  it('never offer a program that runs or removes without its arguments', () => {
    const effects: Effect[] = [{ kind: 'execute', what: 'x', span: { start: 0, end: 1 } }];
    const decision = decide(makeAnalysis([makeCommand('npx tool', 0, 0, { effects })]), emptyPolicy);
    assert.deepEqual(
      decision.suggestions.map(({ rules }) => rules),
      [['Bash(npx tool)']],
    );
  });
});

describe('totality', () => {
  it('a defect is an ask, in dont-ask a denial, and never an allow', () => {
    const broken = { ...bare, commands: [{ ...makeCommand('tool x'), layers: undefined as never }] };
    const policy = makePolicy({ allow: ['Bash'] });
    assert.equal(decide(broken, policy, { autoAllow: true }).effect, 'ask');
    assert.equal(decide(broken, policy, { mode: 'dont-ask' }).effect, 'deny');
  });

  it('loose redirections are judged', () => {
    const redirection = makeTarget('/home/u/ws/out', { redirection: {} as never });
    const analysis = makeAnalysis([], [], [{ kind: 'write', target: redirection }]);
    assert.equal(decide(analysis, emptyPolicy).effect, 'ask');
    assert.equal(decide(analysis, makePolicy({ allow: ['Edit(out)'] })).effect, 'allow');
    assert.equal(decide(analysis, makePolicy({ deny: ['Edit(out)'] })).effect, 'deny');
  });

  it('an unparsable text is denied when some part of it meets a deny rule', () => {
    const script = {
      kind: 'unparsable',
      code: 'syntax-error',
      message: 'is broken',
      span: { start: 0, end: 1 },
    } as const;
    const unparsable = (text: string): Analysis => ({ ...makeAnalysis([]), script: { ...script, text } });
    const policy = makePolicy({ allow: ['Bash'], deny: ['Bash(rm *)'] });
    assert.equal(decide(unparsable('echo "; rm -rf x'), policy).effect, 'deny');
    assert.equal(decide(unparsable('A=1 /bin/r\\m x "'), policy).effect, 'deny');
    assert.equal(decide(unparsable('echo "'), policy, { autoAllow: true }).effect, 'ask');
    assert.equal(decide(unparsable('echo "'), makePolicy({ deny: ['Bash'] })).effect, 'deny');
  });
});
