import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts, PathTarget } from '../../../daemon/analyse/model.ts';
import { matchesPattern, parseCommandPattern } from '../../../daemon/decide/command-pattern.ts';
import { matchesHost, parseHostPattern } from '../../../daemon/decide/host-pattern.ts';
import { grantsPath, restrictsPath } from '../../../daemon/decide/path-match.ts';
import { literalPathPattern, parsePathPattern } from '../../../daemon/decide/path-pattern.ts';
import { commandPatternCases, hostPatternCases, pathPatternCases } from '../../cases/decide-patterns.ts';

const facts: Facts = {
  home: '/home/u',
  workspace: '/ws',
  cwd: '/ws/app',
  additionalDirectories: [],
  temporaryDirectories: ['/tmp'],
  paths: new Map(),
};

function target(path: string, resolved: string | undefined = path): PathTarget {
  return {
    span: { start: 0, end: 0 },
    source: path,
    path,
    resolved,
    prefix: undefined,
    confined: false,
    recursive: false,
    redirection: undefined,
  };
}

function parsePath(pattern: string) {
  const parsed = parsePathPattern(pattern, '/proj');
  assert.ok(typeof parsed !== 'string', String(parsed));
  return parsed;
}

describe('command patterns', () => {
  for (const { pattern, matches, not } of commandPatternCases) {
    it(pattern, () => {
      const parsed = parseCommandPattern(pattern);
      assert.ok(parsed !== undefined && !('message' in parsed));
      for (const text of matches) assert.equal(matchesPattern(parsed, text), true, text);
      for (const text of not) assert.equal(matchesPattern(parsed, text), false, text);
    });
  }

  it('refuses a `:*` beside another `*`', () => {
    const parsed = parseCommandPattern('git * x:*');
    assert.ok(parsed !== undefined && 'message' in parsed);
    assert.equal(parsed.offset, 4);
  });

  // A matcher that backtracks would not come back from this one.
  it('answers on a pattern made to backtrack', () => {
    const parsed = parseCommandPattern(`a${'*a'.repeat(200)}b`);
    assert.ok(parsed !== undefined && !('message' in parsed));
    assert.equal(matchesPattern(parsed, 'a'.repeat(100_000)), false);
  });
});

describe('path patterns', () => {
  for (const { pattern, grant, restrict, neither } of pathPatternCases) {
    it(pattern, () => {
      const parsed = parsePath(pattern);
      const grants = (path: string) =>
        grantsPath(parsed, { kind: 'write', target: target(path), shape: undefined }, facts);
      const restricts = (path: string) =>
        restrictsPath(parsed, { kind: 'write', target: target(path), shape: undefined }, facts);
      for (const path of grant) assert.equal(grants(path), true, `grant ${path}`);
      for (const path of grant) assert.equal(restricts(path), 'yes', `restrict ${path}`);
      for (const path of restrict) {
        assert.equal(restricts(path), 'yes', `restrict ${path}`);
        assert.equal(grants(path), false, `grant ${path}`);
      }
      for (const path of neither) {
        assert.equal(grants(path), false, `grant ${path}`);
        assert.equal(restricts(path), 'no', `restrict ${path}`);
      }
    });
  }

  it('needs link and target for a grant, either for a restriction', () => {
    const parsed = parsePath('src/**');
    const link = target('/ws/app/src/link', '/etc/passwd');
    const into = target('/ws/app/link', '/ws/app/src/x');
    for (const each of [link, into]) {
      assert.equal(grantsPath(parsed, { kind: 'write', target: each, shape: undefined }, facts), false);
      assert.equal(restrictsPath(parsed, { kind: 'write', target: each, shape: undefined }, facts), 'yes');
    }
  });

  it('a path written as a pattern matches itself only', () => {
    for (const path of ['/ws/a b', '/ws/[x]*?', '/ws/!x', '/ws/back\\slash']) {
      const parsed = parsePath(literalPathPattern(path));
      assert.equal(grantsPath(parsed, { kind: 'write', target: target(path), shape: undefined }, facts), true, path);
      assert.equal(
        grantsPath(parsed, { kind: 'write', target: target(`${path}x`), shape: undefined }, facts),
        false,
        path,
      );
    }
  });

  for (const [pattern, problem] of [
    ['', 'empty'],
    ['!x', 'negated'],
    ['a/../b', '..'],
    ['~root/x', 'home'],
  ] as const) {
    it(`refuses ${JSON.stringify(pattern)}`, () => {
      const parsed = parsePathPattern(pattern, '/proj');
      assert.ok(typeof parsed === 'string' && parsed.includes(problem), String(parsed));
    });
  }
});

describe('host patterns', () => {
  for (const { pattern, matches, not } of hostPatternCases) {
    it(pattern, () => {
      const parsed = parseHostPattern(pattern);
      assert.ok(typeof parsed !== 'string');
      for (const host of matches) assert.equal(matchesHost(parsed, host), true, host);
      for (const host of not) assert.equal(matchesHost(parsed, host), false, host);
    });
  }
});
