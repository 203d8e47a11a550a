/** A policy file through the whole engine: its effect, its errors, its examples, and rules saved into it. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Decision } from '../../../client/protocol/decision.ts';
import { SbxError } from '../../../client/protocol/errors.ts';
import type { DecisionRequest } from '../../../daemon/evaluate.ts';
import { createEngine, type Engine } from '../../../daemon/offline.ts';
import { findPackageRoot } from '../../../daemon/platform/package-root.ts';
import { saveRules } from '../../../daemon/platform/policy-files.ts';

let home: string;
let file: string;
let engine: Engine;
beforeEach(async () => {
  const build = path.join(findPackageRoot(), '.build');
  mkdirSync(build, { recursive: true });
  home = mkdtempSync(path.join(build, 'policy-'));
  file = path.join(home, 'policy.json');
  mkdirSync(path.join(home, 'ws'));
  engine = await createEngine({ userPolicyFile: file, home });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function decide(command: string, more: Partial<DecisionRequest> = {}): Decision {
  const workspace = path.join(home, 'ws');
  return engine.decide({ command, cwd: workspace, workspace, home, autoAllow: false, ...more }).decision;
}

describe('a user policy', () => {
  it('decides, and every reason names file, line and column', () => {
    writeFileSync(
      file,
      '{\n  "permissions": {\n    "deny": [{ "rule": "Bash(curl *)", "reason": "use the mirror" }]\n  }\n}\n',
    );
    const [reason] = decide('ls && curl x').reasons;
    assert.deepEqual(reason?.origin, { layer: 'user', file, line: 3, column: 24 });
    assert.match(
      reason?.message ?? '',
      /`curl x` is denied by `Bash\(curl \*\)` \(.*policy\.json:3:24\): use the mirror/,
    );
  });

  it('is read again after a change', () => {
    assert.equal(decide('make').effect, 'ask');
    writeFileSync(file, '{"permissions": {"allow": ["Bash(make)"]}}');
    assert.equal(decide('make').effect, 'allow');
    rmSync(file);
    assert.equal(decide('make').effect, 'ask');
  });

  it('with an error grants nothing, switches auto-allow off, keeps its restrictions and says so', () => {
    writeFileSync(file, '{"permissions": {"allow": ["Bash(make)"], "deny": ["Bash(rm *)", "Bash(rm"]}}');
    const asked = decide('make', { autoAllow: true });
    assert.equal(asked.effect, 'ask');
    assert.ok(asked.reasons.some((reason) => reason.kind === 'policy-error' && reason.origin?.column === 74));
    assert.equal(decide('rm x').effect, 'deny');
    const reading = decide('ls');
    assert.equal(reading.effect, 'allow');
    assert.match(reading.notes.join(), /closing/);
  });

  it('holds against flags, and flags add restrictions', () => {
    writeFileSync(file, '{"permissions": {"allow": ["Bash(make *)"], "deny": ["Bash(rm *)"]}}');
    assert.equal(decide('rm x', { flags: { allow: ['Bash'] } }).effect, 'deny');
    assert.equal(decide('make x', { flags: { deny: ['Bash(make *)'] } }).effect, 'deny');
  });

  it('can lock flags that grant', () => {
    writeFileSync(file, '{"permissions": {"lockFlags": true}}');
    const locked = (error: unknown): boolean => error instanceof SbxError && error.code === 'locked-by-policy';
    assert.throws(() => decide('ls', { flags: { allow: ['Bash'] } }), locked);
    assert.equal(decide('make', { flags: { deny: ['Bash(make)'] } }).effect, 'deny');
  });

  it('gives the mode and further folders', () => {
    writeFileSync(
      file,
      JSON.stringify({ permissions: { defaultMode: 'accept-edits', additionalDirectories: ['~/more'] } }),
    );
    mkdirSync(path.join(home, 'more'));
    assert.equal(decide('touch a ../more/b').effect, 'allow');
    assert.equal(decide('touch ../other').effect, 'ask');
  });
});

describe('examples beside a rule', () => {
  const rows: readonly [name: string, rule: object, list: string, problem: string | undefined][] = [
    [
      'that hold',
      { rule: 'Bash(npm run *)', match: ['npm run test', 'CI=1 npm run x'], notMatch: ['npm runx', 'npm run x && y'] },
      'allow',
      undefined,
    ],
    ['not matched', { rule: 'Bash(npm run *)', match: ['npm test'] }, 'allow', 'does not match `npm test`'],
    ['matched', { rule: 'Bash(rm *)', notMatch: ['sudo rm x'] }, 'deny', 'matches `sudo rm x`'],
    [
      'of an unless',
      { rule: 'Bash(make *)', unless: ['Bash(make deploy *)'], match: ['make x'], notMatch: ['make deploy'] },
      'allow',
      undefined,
    ],
    ['of a path rule', { rule: 'Read(.env)', match: ['cat a/.env'], notMatch: ['cat a/env'] }, 'deny', undefined],
    ['that do not parse', { rule: 'Bash(rm *)', match: ['rm "'] }, 'deny', 'does not match'],
  ];
  for (const [name, rule, list, problem] of rows) {
    it(name, () => {
      writeFileSync(file, JSON.stringify({ permissions: { [list]: [rule] } }));
      const { notes } = decide('ls');
      if (problem === undefined) assert.deepEqual(notes, []);
      else assert.ok(notes.length === 1 && notes[0]?.includes(problem), notes.join('\n'));
    });
  }
});

describe('an answer of always', () => {
  for (const command of [
    'npm run build && touch ../x > "a b.log"',
    `tool 'it''s' "x y" --k=v`,
    'CI=1 timeout 5 make -j4',
    'curl -s https://example.com/a',
  ]) {
    it(`is saved and then covers: ${command}`, () => {
      const asked = decide(command);
      assert.equal(asked.effect, 'ask');
      assert.ok(asked.suggestions.length > 0, JSON.stringify(asked.reasons));
      for (const { rules } of asked.suggestions) {
        saveRules(file, rules);
        assert.equal(decide(command).effect, 'allow', rules.join('\n'));
        rmSync(file);
      }
    });
  }
});
