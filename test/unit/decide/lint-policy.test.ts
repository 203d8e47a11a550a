import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lintPolicy, type PolicyLint } from '../../../daemon/decide/lint-policy.ts';
import { makePolicy } from './analysis-builder.ts';

const kinds = new Map([
  ['timeout', 'wrapper'],
  ['python', 'runs-code'],
] as const);
type Rules = Parameters<typeof makePolicy>[0];

/** Rules, and the lints they bring: id and rule. No lint at all where the list is empty. */
const rows: readonly [Rules, (readonly [PolicyLint['id'], string])[]][] = [
  [{ allow: ['Bash'] }, [['broad-grant', 'Bash']]],
  [{ allow: ['Bash(*)'] }, [['broad-grant', 'Bash(*)']]],
  [{ deny: ['Bash(*)'] }, []],
  [{ allow: ['Bash(python *)'] }, [['runs-code', 'Bash(python *)']]],
  [{ allow: ['Bash(python*)'] }, [['runs-code', 'Bash(python*)']]],
  [{ allow: ['Bash(python:*)'] }, [['runs-code', 'Bash(python:*)']]],
  [{ allow: ['Bash(python build.py *)', 'Bash(npm *)'] }, []],
  [{ deny: ['Bash(python *)'] }, []],
  [{ allow: ['Bash(timeout *)'] }, [['wrapper-only', 'Bash(timeout *)']]],
  [{ allow: ['Bash(timeout 5 npm test)'] }, []],
  [{ deny: ['Bash(git && rm *)'] }, [['never-matches', 'Bash(git && rm *)']]],
  [{ ask: ['Bash(a | b)'] }, [['never-matches', 'Bash(a | b)']]],
  [{ allow: ['Bash(echo x > f)'] }, [['never-matches', 'Bash(echo x > f)']]],
  [{ allow: ['Bash(grep "a | b" *)'] }, []],
  [{ allow: ['Bash(git:* push)'] }, [['never-matches', 'Bash(git:* push)']]],
  [{ deny: ['Bash(aws *)'], allow: ['Bash(aws s3 ls)'] }, [['shadowed', 'Bash(aws s3 ls)']]],
  [{ deny: ['Bash(aws s3 *)'], allow: ['Bash(aws *)'] }, []],
  [{ ask: ['Bash(git *)'], allow: ['Bash(git push *)'] }, [['shadowed', 'Bash(git push *)']]],
  [{ deny: ['Bash(a *)', 'Bash(a b)'] }, [['repeated', 'Bash(a b)']]],
  [{ deny: ['Bash(a)', 'Bash(a)'] }, [['repeated', 'Bash(a)']]],
  [{ allow: ['Bash(a *)', 'Bash(a b)'] }, []],
  [{ deny: ['Read(/etc/passwd)'] }, [['looks-absolute', 'Read(/etc/passwd)']]],
  [{ deny: ['Read(//etc/passwd)', 'Edit(/src/**)'] }, []],
];

describe('lints', () => {
  for (const [rules, expected] of rows) {
    it(`${JSON.stringify(rules)}: ${expected.map(([id]) => id).join() || 'nothing'}`, () => {
      const lints = lintPolicy(makePolicy(rules), (program) => kinds.get(program as 'timeout'));
      assert.deepEqual(
        lints.map(({ id, rule }) => [id, rule]),
        expected,
      );
      for (const lint of lints) assert.ok(lint.help !== '' && lint.message.includes('`'));
    });
  }
});
