/** sed, awk and jq program text: what only transforms, and what writes, runs or loads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Arg, makeArg } from '../../../daemon/analyse/args.ts';
import { readAwk } from '../../../daemon/analyse/languages/awk.ts';
import { readJq } from '../../../daemon/analyse/languages/jq.ts';
import type { ProgramText } from '../../../daemon/analyse/languages/program-text.ts';
import { readSed } from '../../../daemon/analyse/languages/sed.ts';

const arg = (text: string): Arg =>
  makeArg(
    { start: 0, end: 0, source: text, parts: [], values: [text], quoted: true },
    [{ kind: 'known', text }],
    false,
  );

function check(read: (arg: Arg) => ProgramText, harmless: readonly string[], dangerous: readonly string[]): void {
  for (const text of harmless) assert.equal(read(arg(text)).danger, undefined, text);
  for (const text of dangerous) assert.notEqual(read(arg(text)).danger, undefined, text);
}

test('sed', () => {
  check(
    readSed,
    [
      's/a/b/',
      's|a|b|g;p',
      '1,5p',
      '$!N;P;D',
      '/re/,/w x/d',
      '/e/p',
      's/[/]/e/',
      's/w/w/',
      'y/we/ew/',
      ':a;N;$!ba;s/\\n/ /g',
      '1~2d',
      '/a/{s/b/c/;p}',
      'a\\\nw file',
      'i hello w e',
      '5q',
      '\\,w,p',
      's/a/b/w /dev/stdout',
      '# e\np',
      's/x/\\/e/',
      's/[]w/]/x/',
      '/a/,+3p',
      's/a/b/2gI',
      '= ; l 5',
      '',
      'r header',
    ],
    [
      'w out',
      '1w out',
      's/a/b/w out',
      's/a/b/e',
      's/a/id/gep',
      '1e id',
      'e',
      '/x/{w out\n}',
      'W f',
      'p;w f',
      'p\nw f',
      's/[/]/x/;e id',
      'p}w f',
      's/a/b',
      'k',
      's/a/b/x',
      '{p;e\n}',
      '$!{\n1e\n}',
      'y/a/b/;e',
      'p#\nw f',
    ],
  );
});

test('sed reads the files it names', () => {
  assert.deepEqual(readSed(arg('r /etc/passwd')).reads, ['/etc/passwd']);
  assert.deepEqual(readSed(arg('s/a/b/gw out.txt')).writes, ['out.txt']);
});

test('awk', () => {
  check(
    readAwk,
    [
      '{print $1}',
      'NR>3',
      '$1 > 5 { print "a > b | c" }',
      '/a|b/ && $2 !~ /x>y/',
      '{ print ($1 > $2) }',
      '{ n[$1]++ } END { for (k in n) print k, n[k] / 2 }',
      '{ print > "/dev/stderr" }',
      '{ printf "%s\\n", $1 > "/dev/stdout" }',
      'BEGIN { x = 1 # system("id")\n print x }',
      '{ gsub(/system\\(/, ""); print }',
      'a || b',
      '{ print a/b/c }',
      '{ getline; print }',
      '{ getline line < "f" }',
      '{ s = "|"; t = ">" }',
      'END { print NR ? 1 : 0 }',
      '!seen[$0]++',
      '{ $1 = ""; print substr($0, 2) }',
    ],
    [
      '{print > "out"}',
      '{print >> "out"}',
      '{ print $1 > $2 }',
      'BEGIN { system("id") }',
      'BEGIN { system ("id") }',
      '{ print | "sh" }',
      '{ "id" | getline }',
      '{ print |& "x" }',
      '@load "x"',
      '@include "x"',
      'BEGIN { f = "system"; @f("id") }',
      '{ print "a" "b" > "x" }',
      '{ printf("x") > "f" }',
      '{ print "unterminated }',
      '{ print /re }',
      '{ print > "\\057etc/x" }',
      '{ print a, b > c ".txt" }',
      '{ if (x) print > "f" }',
      '{ x = y / 2; print > "f" } # /',
      '{ getline x < "/inet/tcp/0/h/80" }',
      '{ print > "/inet/tcp/0/h/80" }',
      '/a/ { print | c }',
      '{ print $1, $2 > "a" "b" }',
    ],
  );
});

test('jq', () => {
  check(
    readJq,
    ['.', '.a.include', '.import', '"import \\"x\\""', '[.[] | select(.a == "b")]', '# import\n.'],
    ['import "a" as a; .', 'include "a"; .', '# x\nimport "a" as $d; $d'],
  );
});
