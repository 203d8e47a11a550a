import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SbxError } from '../../../client/protocol/errors.ts';
import { parseFlags } from '../../../daemon/decide/flags.ts';
import type { RuleList } from '../../../daemon/decide/rule.ts';
import { parseRule } from '../../../daemon/decide/rule-text.ts';

const read = (text: string, list: RuleList = 'deny') =>
  parseRule(text, { list, origin: { layer: 'user' }, anchor: '/p' });

describe('well-formed rules', () => {
  const rows: readonly [text: string, tools: readonly string[], scoped: boolean][] = [
    ['Bash', ['Bash'], false],
    ['Bash(*)', ['Bash'], false],
    ['Bash( * )', ['Bash'], false],
    ['Bash(npm:*)', ['Bash'], true],
    ['Bash(echo (a) b)', ['Bash'], true],
    ['Read(.env)', ['Read'], true],
    ['Edit', ['Edit'], false],
    ['WebFetch(domain:example.com)', ['WebFetch'], true],
    ['WebFetch(domain: *.example.com )', ['WebFetch'], true],
    ['WebFetch', ['WebFetch'], false],
    ['*', ['Bash', 'Read', 'Edit', 'WebFetch'], false],
    ['*e*', ['Read', 'WebFetch'], false],
    ['Bash(timeout:*)', ['Bash'], true],
    ['Bash(constructor *)', ['Bash'], true],
  ];
  for (const [text, tools, scoped] of rows) {
    it(text, () => {
      const parsed = read(text);
      assert.ok(parsed.kind === 'rules', JSON.stringify(parsed));
      assert.deepEqual(
        parsed.rules.map((rule) => rule.tool),
        tools,
      );
      for (const rule of parsed.rules) {
        assert.equal(rule.pattern !== undefined, scoped);
        assert.equal(rule.text, text);
      }
    });
  }
});

describe('ignored rules', () => {
  const rows: readonly [text: string, list: RuleList, says: string][] = [
    ['Bash(command:rm *)', 'deny', 'without `command:`'],
    ['Bash( command : rm *)', 'deny', 'without `command:`'],
    ['Bash(run_in_background:true)', 'deny', 'no parameter run_in_background'],
    ['Bash(run_in_background:true)', 'allow', 'cannot match'],
    ['Write(src/**)', 'allow', '`Edit(src/**)`'],
    ['Glob(x)', 'deny', 'no tool `Glob`'],
    ['mcp__server__tool', 'deny', 'no tool'],
    ['mcp__server__*', 'deny', 'no such tool'],
    ['*', 'allow', 'in full'],
    ['B*', 'allow', 'in full'],
    ['hasOwnProperty', 'deny', ''],
    ['Frobnicate', 'deny', 'unknown tool `Frobnicate`'],
  ];
  for (const [text, list, says] of rows) {
    it(`${list} ${text}`, () => {
      const parsed = read(text, list);
      if (text === 'hasOwnProperty') {
        assert.notEqual(parsed.kind, 'rules');
        return;
      }
      assert.ok(parsed.kind === 'ignored', JSON.stringify(parsed));
      assert.ok(parsed.note.includes(says), parsed.note);
    });
  }
});

describe('errors in rules', () => {
  const rows: readonly [text: string, offset: number, message: string, help: string | undefined][] = [
    ['', 0, 'names no tool', undefined],
    ['(x)', 0, 'names no tool', undefined],
    ['Bash(npm test', 13, 'closing', '`Bash(npm test)`'],
    ['Bash npm)', 8, 'without a `(`', undefined],
    ['Bash()', 5, 'empty', '`Bash`'],
    ['Bash(a * b:*)', 7, 'no other `*`', undefined],
    ['Bsah(rm *)', 0, 'unknown tool', 'did you mean `Bash(rm *)`?'],
    ['bash(rm *)', 0, 'unknown tool', 'did you mean `Bash(rm *)`?'],
    ['npm test', 0, 'begins with the name of a tool', 'did you mean `Bash(npm test)`?'],
    ['WebFetch(example.com)', 9, 'expected `domain:`', '`WebFetch(domain:example.com)`'],
    ['WebFetch(domain:a..b)', 16, 'empty label', undefined],
    ['Read(!x)', 5, 'negated', undefined],
    ['*(x)', 0, 'no specifier', undefined],
  ];
  for (const [text, offset, message, help] of rows) {
    it(text, () => {
      const parsed = read(text);
      assert.ok(parsed.kind === 'error', JSON.stringify(parsed));
      assert.equal(parsed.offset, offset);
      assert.ok(parsed.message.includes(message), parsed.message);
      if (help !== undefined) assert.ok(parsed.help?.includes(help), parsed.help);
    });
  }
});

describe('rules of a command line', () => {
  it('are refused with the place of the mistake', () => {
    assert.throws(
      () => parseFlags({ deny: ['Bash(ok)', 'Bash(a * b:*)'] }, '/p'),
      (error) => {
        assert.ok(error instanceof SbxError);
        assert.equal(error.code, 'bad-rule');
        assert.deepEqual(error.details, { rule: 'Bash(a * b:*)', list: 'deny', column: 8 });
        return true;
      },
    );
  });

  it('come with the layer they belong to', () => {
    const parsed = parseFlags({ allow: ['Bash(a)'], ask: ['Glob'] }, '/p', 'session');
    assert.deepEqual(
      parsed.rules.map((rule) => [rule.list, rule.origin.layer]),
      [['allow', 'session']],
    );
    assert.equal(parsed.notes.length, 1);
  });
});
