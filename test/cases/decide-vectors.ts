/**
 * The conformance vectors of the rules (RULES §16) with what part 0 decides differently already applied. Mode manual and
 * auto-allow off unless the row says otherwise. `fault` is text of the simple command that the first reason must name.
 */
import type { DecisionEffect, Reason } from '../../client/protocol/decision.ts';
import type { Mode } from '../../client/protocol/messages.ts';

export interface DecideCase {
  readonly id: string;
  readonly allow?: readonly string[];
  readonly ask?: readonly string[];
  readonly deny?: readonly string[];
  readonly mode?: Mode;
  readonly autoAllow?: boolean;
  /** Folder below the workspace that the command starts in. */
  readonly cwd?: string;
  readonly command: string;
  readonly effect: DecisionEffect;
  /** Kind of the first reason. */
  readonly kind?: Reason['kind'];
  readonly fault?: string;
  /** A remark that must come with the decision. */
  readonly note?: string;
}

const long = `echo ${'x'.repeat(9_996)}`;

export const vectors: readonly DecideCase[] = [
  { id: '1', allow: ['Bash(npm run build)'], command: 'npm run build', effect: 'allow', kind: 'rule' },
  { id: '2', allow: ['Bash(npm run build)'], command: 'npm run build -- --x', effect: 'ask', kind: 'no-rule' },
  { id: '3', allow: ['Bash(npm run test *)'], command: 'npm run test', effect: 'allow' },
  { id: '4', allow: ['Bash(foo *)'], command: 'foobar', effect: 'ask' },
  { id: '5', allow: ['Bash(foo*)'], command: 'foobar', effect: 'allow' },
  { id: '6', allow: ['Bash(foo:*)'], command: 'foo -x', effect: 'allow' },
  { id: '7', allow: ['Bash(foo:*)'], command: 'foobar', effect: 'ask' },
  { id: '8', allow: ['Bash(git:* push)'], command: 'git push', effect: 'ask' },
  { id: '9', allow: ['Bash(git * main)'], command: 'git push origin main', effect: 'allow' },
  { id: '10', allow: ['Bash(* --version)'], command: 'node --version', effect: 'allow' },
  { id: '11', allow: ['Bash(foo *)'], command: 'foo && bar', effect: 'ask', fault: 'bar' },
  { id: '12', allow: ['Bash(foo *)', 'Bash(bar *)'], command: 'foo; bar | foo & bar', effect: 'allow' },
  {
    id: '13',
    allow: ['Bash(foo *)'],
    deny: ['Bash(bar *)'],
    command: 'foo && bar x',
    effect: 'deny',
    kind: 'rule',
    fault: 'bar x',
  },
  { id: '14', allow: ['Bash(foo *)'], command: 'foo\nbar', effect: 'ask', fault: 'bar' },
  { id: '15', deny: ['Bash(aws *)'], allow: ['Bash(aws s3 ls)'], command: 'aws s3 ls', effect: 'deny' },
  {
    id: '16',
    ask: ['Bash(git *)'],
    allow: ['Bash(git push origin x)'],
    command: 'git push origin x',
    effect: 'ask',
    kind: 'rule',
  },
  { id: '17', allow: ['Bash(npm test *)'], command: 'timeout 30 npm test', effect: 'allow' },
  { id: '18', allow: ['Bash(npm test *)'], command: 'nice nohup time npm test', effect: 'allow' },
  { id: '19', allow: ['Bash(npm test *)'], command: 'NODE_ENV=test npm test', effect: 'allow' },
  { id: '20', allow: ['Bash(npm test *)'], command: 'LD_PRELOAD=x npm test', effect: 'ask' },
  { id: '21', deny: ['Bash(rm *)'], command: 'FOO=bar rm -rf tmp/', effect: 'deny' },
  { id: '22', deny: ['Bash(rm *)'], command: 'sudo rm x', effect: 'deny' },
  { id: '23', deny: ['Bash(rm *)'], command: 'env A=1 setsid rm x', effect: 'deny' },
  { id: '24', deny: ['Bash(rm *)'], command: '/bin/rm x', effect: 'deny' },
  { id: '25', deny: ['Bash(rm *)'], command: 'echo $(rm x)', effect: 'deny', fault: 'rm x' },
  { id: '26', deny: ['Bash(rm *)'], command: 'for f in a; do rm $f; done', effect: 'deny', fault: 'rm $f' },
  { id: '27', allow: ['Bash(grep *)'], command: 'xargs grep p', effect: 'allow' },
  { id: '28', allow: ['Bash(mytool *)'], command: 'xargs -n1 mytool p', effect: 'ask' },
  { id: '29', allow: ['Bash(watch *)'], command: 'watch ls', effect: 'ask' },
  { id: '30', allow: ['Bash(watch ls)'], command: 'watch ls', effect: 'allow' },
  { id: '31', allow: ['Bash(find *)'], command: 'find . -delete', effect: 'ask' },
  { id: '32', allow: ['Bash(devbox run *)'], command: 'devbox run rm -rf .', effect: 'allow' },
  { id: '33', command: 'ls *.ts', effect: 'allow', kind: 'read-only' },
  { id: '34', command: 'find *.ts', effect: 'ask' },
  { id: '35', command: 'ls > out.txt', effect: 'ask', kind: 'redirect' },
  { id: '36', command: 'grep x . 2>/dev/null', effect: 'allow' },
  { id: '37', allow: ['Bash(git commit *)'], command: 'git commit -m x > ~/log', effect: 'ask', kind: 'redirect' },
  { id: '38', command: 'cd packages/api && ls', effect: 'allow' },
  // Rows 39 and 42 by O10: the folder belongs to the same repository, and the write is judged where it lands.
  { id: '39', command: 'cd packages/api && git status', effect: 'allow' },
  { id: '39 other repository', command: 'cd vendor/other && git status', effect: 'ask', fault: 'git status' },
  { id: '40', command: 'cd . && git status', effect: 'allow' },
  { id: '41', command: 'cd app; grep -r p . 2>/dev/null', effect: 'allow' },
  { id: '42', command: 'cd app && echo x > y', effect: 'ask', kind: 'redirect' },
  { id: '42 allowed there', allow: ['Edit(app/y)'], command: 'cd app && echo x > y', effect: 'allow' },
  { id: '42 not there', allow: ['Edit(./y)'], command: 'cd app && echo x > y', effect: 'ask' },
  { id: '43', allow: ['Bash'], command: 'rm -rf /', effect: 'ask', kind: 'critical-removal' },
  { id: '44', allow: ['Bash'], command: 'rm -rf "$D"/*', effect: 'ask', kind: 'critical-removal' },
  {
    id: '45',
    allow: ['Bash'],
    command: 'echo "$(rm -rf ~)"',
    effect: 'ask',
    kind: 'critical-removal',
    fault: 'rm -rf ~',
  },
  { id: '46', allow: ['Edit'], command: 'echo x > .git/config', effect: 'ask', kind: 'protected-path' },
  { id: '47', allow: ['Bash(awk *)'], command: "awk 'NR>=3 && NR<=4' f", effect: 'allow' },
  { id: '48', allow: ['Bash(grep *)'], command: 'grep -E "a|b" f', effect: 'allow' },
  { id: '49', allow: ['Bash(find *)'], command: 'find . -name "a;b"', effect: 'allow' },
  { id: '50', command: 'echo "---" && ls', effect: 'allow' },
  { id: '51', command: long, effect: 'ask', kind: 'unparsable' },
  { id: '51 neighbour', command: long.slice(0, 10_000), effect: 'allow' },
  { id: '52', command: 'echo "x', effect: 'ask', kind: 'unparsable' },
  { id: '53', command: 'docker -H h ps', effect: 'ask' },
  { id: '54', command: 'docker ps', effect: 'allow' },
  { id: '55', deny: ['Read(.env)'], command: 'cat sub/.env', effect: 'deny', kind: 'path-rule' },
  { id: '56', deny: ['Read(secrets/**)'], command: 'cat a/secrets/k', effect: 'deny', kind: 'path-rule' },
  { id: '57', allow: ['Edit(src/**)'], command: 'echo x > vendor/src/x', effect: 'ask', kind: 'redirect' },
  { id: '57 neighbour', allow: ['Edit(src/**)'], command: 'echo x > src/x', effect: 'allow' },
  { id: '58', deny: ['Read(~/.ssh/**)'], command: 'cat link', effect: 'deny', kind: 'path-rule' },
  { id: '59', deny: ['Read(.env)'], command: `python3 -c "open('.env')"`, effect: 'ask' },
  { id: '63', deny: ['Bash(command:rm *)'], command: 'rm x', effect: 'ask', note: 'is ignored' },
  {
    id: '64',
    allow: ['Write(src/**)'],
    command: 'echo x > src/x',
    effect: 'ask',
    kind: 'redirect',
    note: '`Edit(src/**)`',
  },
  { id: '65', ask: ['Bash(git push *)'], autoAllow: true, command: 'git push', effect: 'ask', kind: 'rule' },
  { id: '66', ask: ['Bash'], autoAllow: true, command: 'make', effect: 'allow', kind: 'auto-allow' },
  { id: '66 off', ask: ['Bash'], command: 'make', effect: 'ask', kind: 'rule' },
];
