/** Patterns of rules against texts: command patterns (RULES B1–B9), path patterns (P1–P5, P12), host patterns (W1–W3). */

export interface CommandPatternCase {
  readonly pattern: string;
  readonly matches: readonly string[];
  readonly not: readonly string[];
}

export const commandPatternCases: readonly CommandPatternCase[] = [
  { pattern: 'npm run build', matches: ['npm run build'], not: ['npm run build --x', 'npm run', 'xnpm run build'] },
  { pattern: 'ls *', matches: ['ls', 'ls -la', 'ls  x'], not: ['lsof', 'ls-x', 'l', ' ls'] },
  { pattern: 'ls*', matches: ['ls', 'ls -la', 'lsof'], not: ['als'] },
  { pattern: 'ls:*', matches: ['ls', 'ls -la'], not: ['lsof'] },
  { pattern: 'git:* push', matches: ['git: push', 'git:x push'], not: ['git push', 'git x push'] },
  {
    pattern: 'git * main',
    matches: ['git push origin main', 'git x main'],
    not: ['git main', 'git push origin main2'],
  },
  { pattern: '* install', matches: ['npm install', 'a b install'], not: ['install', 'npm install x'] },
  { pattern: '* --help *', matches: ['npm --help', 'npm --help x', 'a b --help'], not: ['--help', 'npm --helper'] },
  { pattern: 'cat *', matches: ['cat <<EOF\nbody\nEOF'], not: [] },
  { pattern: 'git  commit   *', matches: ['git commit', 'git commit -m x'], not: ['gitcommit'] },
  { pattern: 'echo "a  b"', matches: ['echo "a  b"'], not: ['echo "a b"'] },
  { pattern: 'a*b*c', matches: ['abc', 'aXbYc', 'abbcc'], not: ['acb', 'ab', 'bc'] },
  { pattern: 'a*a', matches: ['aa', 'aba'], not: ['a'] },
  { pattern: 'x *y* z', matches: ['x y z', 'x yy z', 'x ayb z'], not: ['x z', 'x y'] },
  { pattern: 'a.c [x] (y)', matches: ['a.c [x] (y)'], not: ['abc [x] (y)', 'a.c x (y)'] },
  { pattern: './scripts/../bin/tool *', matches: ['./bin/tool x'], not: ['./scripts/../bin/tool x', 'bin/tool x'] },
  { pattern: 'toString *', matches: ['toString x'], not: ['valueOf x'] },
];

export interface PathPatternCase {
  readonly pattern: string;
  /** Met by a grant and by a restriction. */
  readonly grant: readonly string[];
  /** Met by a restriction only. */
  readonly restrict: readonly string[];
  readonly neither: readonly string[];
}

/** Working directory `/ws/app`, workspace `/ws`, home `/home/u`, rule written for `/proj`. */
export const pathPatternCases: readonly PathPatternCase[] = [
  {
    pattern: '//etc/passwd',
    grant: ['/etc/passwd'],
    restrict: [],
    neither: ['/ws/app/etc/passwd', '/proj/etc/passwd'],
  },
  { pattern: '/etc/passwd', grant: ['/proj/etc/passwd'], restrict: [], neither: ['/etc/passwd'] },
  {
    pattern: '~/.ssh/**',
    grant: ['/home/u/.ssh/id', '/home/u/.ssh/a/b'],
    restrict: [],
    neither: ['/home/u/.sshx', '/home/u/.ssh', '/home/v/.ssh/id'],
  },
  {
    pattern: '.env',
    grant: ['/ws/app/.env', '/ws/app/a/b/.env'],
    restrict: ['/ws/.env'],
    neither: ['/etc/.env', '/ws/app/.envrc', '/ws/app/x.env'],
  },
  { pattern: './.env', grant: ['/ws/app/.env'], restrict: ['/ws/.env'], neither: ['/ws/app/a/.env'] },
  {
    pattern: '*.ts',
    grant: ['/ws/app/a.ts', '/ws/app/.ts'],
    restrict: ['/ws/app/src/a.ts', '/ws/b.ts'],
    neither: ['/ws/app/a.tsx', '/x.ts'],
  },
  {
    pattern: 'src/**',
    grant: ['/ws/app/src/x', '/ws/app/src/a/b'],
    restrict: ['/ws/app/vendor/src/x', '/ws/src/x'],
    neither: ['/ws/app/src', '/ws/app/srcx/y'],
  },
  {
    pattern: 'src/',
    grant: ['/ws/app/src/x', '/ws/app/src'],
    restrict: ['/ws/app/vendor/src/x'],
    neither: ['/ws/app/srcx'],
  },
  {
    pattern: 'a/b/*.md',
    grant: ['/ws/app/a/b/x.md'],
    restrict: ['/ws/a/b/x.md'],
    neither: ['/ws/app/a/b/c/x.md', '/ws/app/z/a/b/x.md'],
  },
  {
    pattern: 'a/**/z',
    grant: ['/ws/app/a/z', '/ws/app/a/b/c/z'],
    restrict: ['/ws/a/z'],
    neither: ['/ws/app/az', '/ws/app/a/bz'],
  },
  { pattern: '**', grant: ['/ws/app/x', '/ws/app/a/b'], restrict: ['/ws/x'], neither: ['/etc/x'] },
  { pattern: '**/.env', grant: ['/ws/app/.env', '/ws/app/a/.env'], restrict: ['/ws/.env'], neither: ['/.env'] },
  { pattern: '//**/.env', grant: ['/.env', '/a/b/.env', '/ws/.env'], restrict: [], neither: ['/a/.envx'] },
  {
    pattern: 'secrets',
    grant: ['/ws/app/secrets', '/ws/app/secrets/k', '/ws/app/a/secrets/k'],
    restrict: ['/ws/secrets'],
    neither: ['/ws/app/secretsx'],
  },
  { pattern: 'a?c', grant: ['/ws/app/abc'], restrict: ['/ws/app/x/abc'], neither: ['/ws/app/ac', '/ws/app/a/c'] },
  {
    pattern: 'x[0-9].log',
    grant: ['/ws/app/x1.log'],
    restrict: ['/ws/app/b/x1.log'],
    neither: ['/ws/app/xa.log', '/ws/app/x.log'],
  },
  { pattern: 'x[!0-9]', grant: ['/ws/app/xa'], restrict: ['/ws/xa'], neither: ['/ws/app/x1', '/ws/app/x/'] },
  {
    pattern: 'lit\\*eral',
    grant: ['/ws/app/lit*eral'],
    restrict: ['/ws/lit*eral'],
    neither: ['/ws/app/literal', '/ws/app/litXeral'],
  },
  { pattern: '../shared/**', grant: ['/ws/shared/x'], restrict: ['/shared/x'], neither: ['/ws/app/shared/x'] },
];

export interface HostPatternCase {
  readonly pattern: string;
  readonly matches: readonly string[];
  readonly not: readonly string[];
}

export const hostPatternCases: readonly HostPatternCase[] = [
  {
    pattern: 'example.com',
    matches: ['example.com', 'EXAMPLE.com.', 'Example.COM'],
    not: ['x.example.com', 'example.com.evil.org', 'example.co'],
  },
  { pattern: '*.example.com', matches: ['a.example.com', 'a.b.example.com'], not: ['example.com', 'notexample.com'] },
  { pattern: 'example.*', matches: ['example.org', 'example.com'], not: ['example.evil.com', 'example'] },
  { pattern: 'a*z.com', matches: ['az.com', 'abcz.com'], not: ['a.z.com', 'az.com.evil.com'] },
  { pattern: '*', matches: ['x', 'a.b.c'], not: [] },
];
