import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lintPolicy, type PolicyLint } from '../../../daemon/decide/lint-policy.ts';
import { loadCatalogue } from '../../../daemon/platform/catalogue-files.ts';
import { kindOfProgram } from '../../../daemon/policy/program-kind.ts';
import { makePolicy } from './analysis-builder.ts';

const catalogue = loadCatalogue();
type Rules = Parameters<typeof makePolicy>[0];

function runner(pattern: string): Row {
  return [{ allow: [`Bash(${pattern})`] }, [['runs-code', `Bash(${pattern})`]]];
}

/** Rules, and the lints they bring: id and rule. No lint at all where the list is empty. */
type Row = readonly [Rules, readonly (readonly [PolicyLint['id'], string])[]];
const rows: readonly Row[] = [
  [{ allow: ['Bash'] }, [['broad-grant', 'Bash']]],
  [{ allow: ['Bash(*)'] }, [['broad-grant', 'Bash(*)']]],
  [{ deny: ['Bash(*)'] }, []],
  [{ allow: ['Bash(python *)'] }, [['runs-code', 'Bash(python *)']]],
  [{ allow: ['Bash(python*)'] }, [['runs-code', 'Bash(python*)']]],
  [{ allow: ['Bash(python:*)'] }, [['runs-code', 'Bash(python:*)']]],
  [{ allow: ['Bash(python build.py *)', 'Bash(npm test *)', 'Bash(npm run *)', 'Bash(make test *)'] }, []],
  ...['Bash(**)', 'Bash(* *)'].map((rule): Row => [{ allow: [rule] }, [['broad-grant', rule]]]),
  ...['bash -c *', 'sh *', 'node -e *', 'python3 -m *', '/usr/bin/python3 *', 'py* *', 'p*', 'npx *', 'npm *'].map(
    runner,
  ),
  ...['docker exec *', 'docker run *', 'poetry run *', 'uv run *', 'kubectl exec *', 'pnpm dlx *', 'npm exec *'].map(
    runner,
  ),
  ...['devbox run *', 'sudo *', 'sudo -n *', 'env *', 'fakeroot *', 'eval *'].map(runner),
  [
    {
      allow: [
        'Bash(* --version)',
        'Bash(ls*)',
        'Bash(git *)',
        'Bash(find *)',
        'Bash(docker ps *)',
        'Bash(ssh *)',
        'Bash(git submodule foreach *)',
      ],
    },
    [],
  ],
  [{ allow: ['Edit'] }, [['broad-grant', 'Edit']]],
  [{ allow: ['Edit(//**)'] }, [['broad-grant', 'Edit(//**)']]],
  [{ allow: ['WebFetch(domain:*)'] }, [['broad-grant', 'WebFetch(domain:*)']]],
  [
    { allow: ['Edit(src/**)', 'Read', 'WebFetch(domain:*.a.com)'], deny: ['WebFetch'] },
    [['shadowed', 'WebFetch(domain:*.a.com)']],
  ],
  [{ deny: ['Bash(python *)'] }, []],
  [{ allow: ['Bash(timeout *)'] }, [['wrapper-only', 'Bash(timeout *)']]],
  [{ allow: ['Bash(watch *)'] }, [['wrapper-only', 'Bash(watch *)']]],
  [{ allow: ['Bash(timeout 5 npm test)'] }, []],
  [{ deny: ['Bash(git && rm *)'] }, [['never-matches', 'Bash(git && rm *)']]],
  [{ ask: ['Bash(a | b)'] }, [['never-matches', 'Bash(a | b)']]],
  [{ allow: ['Bash(echo x > f)'] }, [['never-matches', 'Bash(echo x > f)']]],
  [{ allow: ['Bash(grep "a | b" *)', 'Bash(find . -exec ls {} \\;)'] }, []],
  ...['Bash(ls; rm x)', 'Bash(ls&)', 'Bash(ls |wc)', 'Bash(echo x>f)', 'Bash(make 2>&1)'].map(
    (rule): Row => [{ allow: [rule] }, [['never-matches', rule]]],
  ),
  [{ deny: ['Bash(ls; rm x)'] }, [['never-matches', 'Bash(ls; rm x)']]],
  [{ deny: ['Bash(find * -exec rm {} ;)', 'Bash(curl *?a=1&b=2)'] }, []],
  [{ deny: ['Edit(src/**)'], allow: ['Edit(src/a/**)', 'Edit(lib/**)'] }, [['shadowed', 'Edit(src/a/**)']]],
  [{ deny: ['Read(src/**)'], allow: ['Edit(src/a)'] }, [['shadowed', 'Edit(src/a)']]],
  [
    { deny: ['WebFetch(domain:*.a.com)'], allow: ['WebFetch(domain:x.a.com)', 'WebFetch(domain:a.com)'] },
    [['shadowed', 'WebFetch(domain:x.a.com)']],
  ],
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
      const lints = lintPolicy(makePolicy(rules), (words) => kindOfProgram(catalogue, words));
      assert.deepEqual(
        lints.map(({ id, rule }) => [id, rule]),
        expected,
      );
      for (const lint of lints) assert.ok(lint.help !== '' && lint.message.includes('`'));
    });
  }
});
