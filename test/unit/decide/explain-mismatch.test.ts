/** Why a rule does not meet a command: the phrase names the first difference. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type EngineFixture, openEngineFixture } from './engine-fixture.ts';

let fixture: EngineFixture;
before(async () => {
  fixture = await openEngineFixture();
});
after(() => fixture.remove());

const rows: readonly [rule: string, list: 'allow' | 'ask' | 'deny', command: string, because: RegExp][] = [
  ['Bash(npm run build)', 'allow', 'npm run test', /^it has `build`, the command `test`$/],
  ['Bash(npm run build)', 'allow', 'npm run build -- --x', /^the command goes on with `--`$/],
  ['Bash(npm run build)', 'allow', 'npm run', /^it goes on with `build`, the command ends$/],
  ['Bash(foo *)', 'allow', 'foobar', /^it has `foo`, the command `foobar`$/],
  ['Bash(git * main)', 'allow', 'git push origin dev', /^the command does not end in `main`$/],
  ['Bash(git * --x * main)', 'allow', 'git push main', /^`--x` does not follow in the command$/],
  ['Bash(rg *)', 'allow', 'rg --pre sh x', /^it does not name `--pre`/],
  ['Bash(* test)', 'allow', 'LD_PRELOAD=x npm test', /variables|stands for/],
  ['Bash(npm *)', 'allow', './npm x', /^it has `npm`, the command `\.\/npm`$/],
  ['Bash(rm *)', 'deny', 'sudo ls', /^it has `rm`, the command `(?:sudo|ls)`$/],
  ['Read(.env)', 'deny', 'cat src/x', /src\/x` is another path$/],
  ['Edit(src/**)', 'deny', 'cat src/x', /^the command writes no file that it names$/],
  ['Read(.env)', 'deny', 'pwd', /^the command names no file$/],
  ['WebFetch(domain:evil.com)', 'deny', 'curl https://example.com', /^the host is `example\.com`$/],
  ['WebFetch(domain:evil.com)', 'deny', 'ls', /^the command names no host$/],
];

describe('a rule that does not match', () => {
  for (const [rule, list, command, because] of rows) {
    it(`${list} ${rule} and ${command}`, () => {
      const { home, workspace, engine } = fixture;
      const request = { command, cwd: workspace, workspace, home, autoAllow: false, flags: { [list]: [rule] } };
      const considered = engine.explain(request).explanation.commands[0]?.rules[0];
      assert.equal(considered?.result, 'does-not-match');
      assert.match(considered?.because ?? '', because);
    });
  }
});

describe('the smallest change', () => {
  const changes: readonly [command: string, flags: object, more: object, what: RegExp | undefined, effect?: string][] =
    [
      ['make x', {}, {}, /^allow `Bash\(make x\)`/, 'allow'],
      ['make x', { deny: ['Bash(make *)'] }, {}, /^remove `Bash\(make \*\)` \(command line\)$/, 'ask'],
      [
        'make x',
        { ask: ['Bash(make *)', 'Bash(* x)'], allow: ['Bash'] },
        {},
        /^remove `Bash\(make \*\)`.* and `Bash\(\* x\)`/,
        'allow',
      ],
      [
        'make x',
        { ask: ['Bash(make *)'] },
        {},
        /^remove `Bash\(make \*\)` \(command line\) and allow `Bash\(make x\)`$/,
        'allow',
      ],
      ['make x', { allow: ['Bash(make *)'] }, {}, /^remove `Bash\(make \*\)`/, 'ask'],
      ['make x', {}, { autoAllow: true }, /^switch auto-allow off$/, 'ask'],
      ['ls', {}, {}, undefined],
      ['rm -rf ~', {}, {}, undefined],
    ];
  for (const [command, flags, more, what, effect] of changes) {
    it(`of ${command} with ${JSON.stringify(flags)}`, () => {
      const { home, workspace, engine } = fixture;
      const { change } = engine.explain({
        command,
        cwd: workspace,
        workspace,
        home,
        autoAllow: false,
        flags,
        ...more,
      }).explanation;
      if (what === undefined) assert.equal(change, undefined);
      else {
        assert.match(change?.what ?? '', what);
        assert.equal(change?.effect, effect);
      }
    });
  }
});
