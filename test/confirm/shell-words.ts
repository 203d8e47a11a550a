/**
 * Words for generated shell text: every style of quoting and every expansion, many of them around text that would run
 * `rec9 0` if its quoting were misread. `list` is whatever a substitution may hold.
 */
import fc from 'fast-check';

/** Text that cannot go between backticks or into another place of one line without being read differently. */
export const isPlain = (text: string): boolean => !/[`\\"'$\n]|<</.test(text);
export const isOneLine = (text: string): boolean => !text.includes('<<');

const literals = fc.constantFrom(
  ...['a', 'f', '-n', '--k=v', '1', 'a=b', 'a#b', '[z]', '{}', '!', '%s', '+', ',', ':', '^', '@', '-', '--', 'sub/x'],
  ...["'b c'", '"d e"', '""', "''", "'it'\\''s'", '"x\ny"', 'a\'b\'"c"d', "'a\\'", '"a\\\\"'],
  ...['\\;', '\\|', '\\$x', '\\`', '\\(', '\\ ', '\\~', '\\*', "\\'", '\\"', '\\#', "';'", '"|"', '"("', "'#'", '"&&"'],
  ...["$'x\\ty'", "$'it\\'s'", "$'\\x61'", "$'\\u00e9'", "$'a\\\\'", "$'\\''", '$"hi"', "$'\\101'", "$'\\cA'"],
  ...["'$(rec9 0)'", "'`rec9 0`'", '"a\\$(rec9 0)"', '"\\`rec9 0\\`"', "'<(rec9 0)'", '"<(rec9 0)"', "$'$(rec9 0)'"],
  ...[
    "'\n; rec9 0 #'",
    "\\$'(rec9 0)'",
    '"\'"\'$(rec9 0)\'"\'"',
    "'<<E'",
    '"${u:-\\$(rec9 0)}"',
    '"$\'a\'"',
    'é',
    '"日本"',
  ],
  ...['$', '"$"', 'a$', '"a$"', "a'$'", '{a', 'a}', 'b{', '{a,', '~', '~/x', 'a~', '"~"', '=', 'x=~'],
);

const braces = fc.constantFrom(
  ...['{p,q}', 'a{b,c}d', '{1..3}', '{a..c}', '{01..3}', '{1..5..2}', "{'a b',c}", '{a,{b,c}}', '{,x}', '{a,"b c"}'],
  ...['{-1..1}', "{a,$'b'}", '{a\\,b,c}', 'x{p,q}{r,s}', '{a}', '{a,b', '{$u,b}', '"{a,b}"', '{1..a}', '{a..$u}'],
);

const globs = fc.constantFrom('*', '?', 's*', '[a-f]', '*/', 'sub/*', './*', '[!a]', '**', 'no*', '"*"*', '*.ts');

const names = fc.constantFrom('u', 'v', 'w', 'i', 'HOME', 'PWD', 'E', 'L', '1', '#', '?', '@', '*', '!', '-', '$');
const variables = fc.constantFrom('u', 'v', 'w', 'i', 'E', 'L');

const parameters = fc.oneof(
  names.map((name) => `$${name}`),
  names.map((name) => `"$${name}"`),
  variables.map((name) => `"\${${name}}x"`),
  fc
    .tuple(
      variables,
      fc.constantFrom(
        ...[
          '#a',
          '##*/',
          '%b',
          '%%.*',
          '/a/b',
          '//a/b',
          '/#a/b',
          ':1',
          ':1:2',
          ': -1',
          '^',
          '^^',
          ',',
          ',,',
          '@Q',
          '@U',
          '@A',
        ],
        ...[
          '[0]',
          '[@]',
          '[*]',
          '[1]',
          ':-a',
          '-a',
          ':+a',
          '+"b c"',
          ":-'a b'",
          ':=d',
          '%"$u"',
          '#"${u}"',
          '[-1]',
          '/$u/$v',
        ],
        ...['@E', '@P', '@a', '[u]', ':u', ':$u:2'],
      ),
      fc.boolean(),
    )
    .map(([name, operator, quoted]) => (quoted ? `"\${${name}${operator}}"` : `\${${name}${operator}}`)),
  variables.map((name) => `\${#${name}}`),
  fc.constantFrom(
    '${#a[@]}',
    '"${a[@]}"',
    '${!a[@]}',
    '"${a[@]:1}"',
    '"${@:1}"',
    '${!u*}',
    '"${!L@}"',
    '"${a[*]}"',
    '${!u}',
  ),
);

const arithmetics = fc
  .oneof(
    fc.constantFrom(
      '1',
      '1+2',
      '2 - 1',
      '5 / 2',
      '(1 + 2) * 3',
      '2 ** 3',
      '1<<2',
      '1 ? 2 : 3',
      '0x1f',
      '16#ff',
      '-1',
      '!0',
      '1,2',
    ),
    fc.constantFrom('0', '1 + 1', '7 % 4', '${#u}', '$((1))', '$#', '$? + 1', '~1', '1 && 0 || 1', '2#11'),
    fc.constantFrom('1 + (2)', '3>2', '++1', 'i', 'i+1', 'i++', 'u', '$u', 'i=2', 'a[1]', '"1"', 'i<3'),
  )
  .map((expression) => `$((${expression}))`);

/** Words whose substitutions hold lists, which hold words. */
export function arbitraryWord(word: fc.Arbitrary<string>, list: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const inline = list.map((text) => (isOneLine(text) ? text : 'rec1 @N@'));
  const plain = list.map((text) => (isPlain(text) ? text : 'rec2 @N@'));
  const operand = word.map((text) => (/[{}<"]/.test(text) ? 'w' : text));
  return fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 12, arbitrary: literals },
    { weight: 2, arbitrary: braces },
    { weight: 1, arbitrary: globs },
    { weight: 4, arbitrary: parameters },
    { weight: 1, arbitrary: arithmetics },
    { weight: 1, arbitrary: inline.map((body) => `$(${body})`) },
    { weight: 1, arbitrary: list.map((body) => `"$( ${body}\n)"`) },
    { weight: 1, arbitrary: plain.map((body) => `\`${body}\``) },
    { weight: 1, arbitrary: plain.map((body) => `"\`${body}\`"`) },
    { weight: 1, arbitrary: plain.map((body) => `\`echo a $(${body})\``) },
    { weight: 1, arbitrary: inline.map((body) => `"\${u:-$(${body})}"`) },
    { weight: 1, arbitrary: inline.map((body) => `"\${u:-'$(${body})'}"`) },
    { weight: 1, arbitrary: operand.map((text) => `\${u:-${text}}`) },
    { weight: 1, arbitrary: operand.map((text) => `"\${v#${text}}"`) },
    { weight: 1, arbitrary: inline.map((body) => `$((1 + $(${body}) + 1))`) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('<', '>'), inline).map(([to, body]) => `${to}(${body})`) },
    { weight: 1, arbitrary: inline.map((body) => `--k=<(${body})`) },
    { weight: 1, arbitrary: fc.constant('"$(< f)"') },
    {
      weight: 2,
      arbitrary: fc.tuple(word, word).map(([one, other]) => (/^[<>#]/.test(other) ? one : `${one}${other}`)),
    },
  );
}
