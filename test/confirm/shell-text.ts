/**
 * A random grammar of whole shell texts. Commands carry a number of their own (`@N@` until the text is whole), so that what
 * ran can be told apart from its neighbours. All of it is harmless even where it is misread: programs do not exist.
 */
import fc from 'fast-check';
import { plainShell } from '../cases/plain-shell.ts';
import { arbitraryConstruct } from './shell-constructs.ts';
import { arbitraryWord, isOneLine, isPlain } from './shell-words.ts';

interface Pieces {
  readonly word: string;
  readonly command: string;
  readonly pipeline: string;
  readonly list: string;
}

const simple = 'rec1 @N@';
const program = fc.constantFrom(
  'rec1',
  'rec2',
  'rec3',
  'echo',
  'rec4',
  'ls',
  'cat',
  'grep',
  'head',
  'rec2',
  'rec5',
  'wc',
  'rec1',
  'echo',
  "'rec1'",
  '"rec2"',
  'rec3',
);
const builtins = fc.constantFrom(
  ...[':', 'true', 'false', 'test -f f', '[ -n "$u" ]', "printf '%s\\n' @N@", 'echo @N@', 'cd sub', 'cd ..', 'pwd'],
  ...[
    'read -r v',
    'read v w',
    'local l=1',
    'declare d=1',
    'export X=1',
    'shift',
    'set -- a b',
    'unset v',
    'wait',
    'type ls',
  ],
  ...["eval 'rec3 @N@'", 'let i=1', 'return 0', 'break', 'continue', 'exit 0', 'pushd sub', 'popd', 'command -v ls'],
  ...[
    'mapfile -t a',
    'getopts ab v',
    'IFS= read -r v',
    'printf -v v %s 1',
    'declare -i n=1',
    'hash -r',
    'times',
    'umask',
  ],
  ...["trap 'rec4 @N@' EXIT", 'set -e', 'set -f', 'shopt -s nullglob', 'exec 3>&1', 'builtin echo @N@', 'alias q=rec9'],
);
const wrappers = fc.constantFrom(
  ...[
    'timeout 5',
    'timeout -s KILL 5',
    'nice',
    'nice -n 5',
    'command',
    'env',
    'env A=1',
    'nohup',
    'xargs',
    'xargs -n 1',
  ],
  ...[
    'time',
    'exec',
    'builtin',
    'timeout -k 1 5 nice',
    'stdbuf -oL',
    'find . -exec',
    'xargs -I {}',
    'env -u A',
    'command -p',
  ],
);
const redirections = fc.constantFrom(
  ...[
    '> out',
    '>> out',
    '2>/dev/null',
    '2>&1',
    '< f',
    '&> out',
    '>| out',
    '> "sub/o p"',
    '>&2',
    '2> sub/log',
    '> /dev/null',
    '>&2',
    '2>&1',
    '2>&-',
    '< /dev/null',
  ],
  ...[
    '3> out 1>&3',
    '> $u',
    '> "$u"',
    '0< f',
    '<> f',
    '< f',
    '> out{1,2}',
    '&>> out',
    '{fd}> out',
    '> "o$(rec5 @N@)"',
    '> $(rec5 @N@)',
  ],
);
const assignments = fc.oneof(
  fc.constantFrom('v=1', 'v=', 'w=a b=c', 'CI=1', 'a[1]=x', 'v+=x', 'u=rec9', "v='a b'", 'NODE_ENV=test', 'a=(1 2)'),
  fc.constantFrom('a+=(x)', 'v=~', 'v=*', "v='$(rec9 0)'", "v='a[$(rec9 0)]'", 'i=0', 'a=([1]=x y)', 'v=$u', 'w="$v"'),
);
const conditions = (word: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      word,
      fc.constantFrom('-n', '-z', '-f', '!', '-d'),
      fc.constantFrom('==', '!=', '=~', '<', '-eq', '-nt'),
      word,
    )
    .chain(([one, unary, binary, other]) =>
      fc.constantFrom(
        `[[ ${unary === '!' ? '! -n' : unary} ${one} ]]`,
        `[[ ${one} ${binary} ${other} ]]`,
        `[[ -n ${one} && ( x == x || -z ${other} ) ]]`,
      ),
    );

function endLine(text: string, separator: string): string {
  return isOneLine(text) ? `${text}${separator}` : `${text}\n`;
}

const heredoc = (opening: string, body: string, ending = 'E'): string => `${opening}\n${body}\n${ending}`;

const { list } = fc.letrec<Pieces>((tie: fc.LetrecTypedTie<Pieces>): fc.LetrecValue<Pieces> => {
  const word = tie('word');
  const whole = tie('list');
  const inline = whole.map((text) => (isOneLine(text) ? text : simple));
  const tight = tie('pipeline').map((text) => (isOneLine(text) ? text : simple));
  const words = fc.array(word, { maxLength: 3 }).map((all) => all.join(' '));
  const call = fc.tuple(program, words).map(([name, rest]) => `${name} @N@ ${rest}`.trimEnd());
  return {
    word: arbitraryWord(word, whole),
    command: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      { weight: 14, arbitrary: call },
      { weight: 4, arbitrary: builtins },
      { weight: 4, arbitrary: arbitraryConstruct({ word, inline, tight }) },
      { weight: 2, arbitrary: fc.tuple(wrappers, call).map(([wrapper, rest]) => `${wrapper} ${rest}`) },
      { weight: 2, arbitrary: fc.tuple(call, redirections).map(([rest, redirection]) => `${rest} ${redirection}`) },
      { weight: 1, arbitrary: fc.tuple(redirections, call).map(([redirection, rest]) => `${redirection} ${rest}`) },
      { weight: 2, arbitrary: assignments },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom('u', 'v', 'i', 'a'), word).map(([name, value]) => `${name}=${value}`),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(
            fc.constantFrom(
              'CI=1',
              'NODE_ENV=test',
              'LANG=C',
              'CI=1 LC_ALL=C',
              'v=1',
              'v=$u',
              'PATH=x',
              'CI="$(rec5 @N@)"',
            ),
            call,
          )
          .map((both) => both.join(' ')),
      },
      { weight: 1, arbitrary: words.map((all) => `a=(${all})`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom('declare', 'export', 'readonly', 'declare -a'), words)
          .map(([name, all]) => `${name} d=(${all})`),
      },
      { weight: 1, arbitrary: fc.tuple(call, word).map(([rest, text]) => `${rest} <<< ${text}`) },
      { weight: 1, arbitrary: inline.map((body) => heredoc(`cat @N@ <<E`, `'$(${body})' "\n\\$(rec9 0) $u`)) },
      {
        weight: 1,
        arbitrary: word.map((text) => heredoc('rec1 @N@ <<E', isPlain(text) ? text : `a\${u:-b}\\\`rec9 0\\\``)),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          heredoc("cat @N@ <<'E' > out", '$(rec9 0) `rec9 0`'),
          heredoc('cat @N@ <<\\E', '$(rec9 0)\n E'),
          heredoc("rec1 @N@ <<-'E'", '\t$(rec9 0)', '\tE'),
          heredoc('rec2 @N@ <<E | rec3 @N@', '`rec4 @N@`'),
          heredoc('cat <<A <<B', "$(rec1 @N@)\nA\n$(rec2 @N@) '$(rec3 @N@)'", 'B'),
          heredoc('cat @N@ <<"E" && rec1 @N@', '$u'),
        ),
      },
      { weight: 1, arbitrary: whole.map((body) => `( ${body}\n)`) },
      { weight: 1, arbitrary: inline.map((body) => `(${body})`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(whole, fc.constantFrom('', ' > out', ' < f', ' 2>&1'))
          .map(([body, to]) => `{ ${body}\n}${to}`),
      },
      { weight: 1, arbitrary: fc.tuple(tight, whole, whole).map(([a, b, c]) => `if ${a}; then ${b}\nelse ${c}\nfi`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(tight, tight, tight)
          .map(([a, b, c]) => `if ${a}; then ${b}; elif ${c}; then ${simple}; fi`),
      },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.constantFrom('i', 'v', 'u'), words, whole)
          .map(([name, all, body]) => `for ${name} in ${all} 2; do ${body}\ndone`),
      },
      { weight: 1, arbitrary: whole.map((body) => `for ((k = 0; k < 2; k++)); do ${body}\ndone`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom('while', 'until'), tight, whole)
          .map(([kind, a, b]) => `${kind} ${a}; do ${b}\nbreak; done`),
      },
      { weight: 1, arbitrary: whole.map((body) => `while read -r v; do ${body}\ndone < f`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(word, whole, whole, fc.constantFrom(';;', ';&', ';;&'))
          .map(([subject, a, b, end]) => `case ${subject} in\n(b|c*) ${a}\n${end}\n*) ${b}\n;;\nesac`),
      },
      { weight: 1, arbitrary: fc.tuple(tight, tight).map(([a, b]) => `case a in a) ${a};; [b-d]|"e f") ${b};; esac`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom('g', 'h'), whole, words)
          .map(([name, body, all]) => `${name}() { ${body}\n}\n${name} @N@ ${all}`),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(whole, words).map(([body, all]) => `function g { rec2 "$@" $1; ${body}\n}\ng ${all}`),
      },
      { weight: 1, arbitrary: conditions(word.map((text) => (/[<>\n]|^[!(=-]/.test(text) ? 'y' : text))) },
      { weight: 1, arbitrary: inline.map((body) => `(( $(${body}) + 1 ))`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '((1 < 2))',
          '(( 3 > 2 && 1 ))',
          '((k = 1, 2))',
          '((u))',
          '(( a[0] = 1 ))',
          '((i++))',
          '[[ $u -eq 1 ]]',
          '[[ 1 -lt 2 ]]',
        ),
      },
      { weight: 1, arbitrary: tight.map((body) => `eval ${isPlain(body) ? `'${body}'` : "'rec1 @N@'"}`) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(word, tight)
          .map(
            ([text, body]) => `${text === '' || /^[<>#]/.test(text) ? 'v=a' : `v=${text}`}; ${body}; rec2 @N@ $v "$v"`,
          ),
      },
    ),
    pipeline: fc
      .tuple(
        fc.array(
          tie('command').map((text) => (isOneLine(text) ? text : simple)),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom('', '', '', '', '! ', 'time ', 'time -p '),
        fc.constantFrom(' | ', ' | ', '|', ' |& ', ' |\n'),
      )
      .map(([stages, prefix, pipe]) => prefix + stages.join(pipe)),
    list: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      { weight: 4, arbitrary: tie('command') },
      { weight: 2, arbitrary: tie('pipeline') },
      {
        weight: 2,
        arbitrary: fc
          .tuple(tie('pipeline'), fc.constantFrom(' && ', ' || ', '&&', ' &&\n'), tie('pipeline'))
          .map((parts) => parts.join('')),
      },
      {
        weight: 3,
        arbitrary: fc
          .tuple(tie('command'), fc.constantFrom('; ', '\n', ' & ', '; # rec9 0\n', ';', ' # \\\n', '&'), tie('list'))
          .map(([one, separator, other]) => endLine(one, separator) + other),
      },
    ),
  };
});

function numberCommands(template: string): string {
  let last = 0;
  return template.replaceAll('@N@', () => String(++last));
}

const scripts = fc
  .array(list, { minLength: 1, maxLength: 2 })
  .map((lists) => lists.join('\n'))
  .filter((template) => template.length < 320)
  .map(numberCommands);

/** A text with a few characters added, removed or doubled: where parsers and bash part ways. */
const spoil = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      texts,
      fc.array(
        fc.tuple(
          fc.nat(),
          fc.constantFrom('insert', 'insert', 'delete', 'double'),
          fc.constantFrom(
            ...'\'"`$(){}[]<>|&;\\\n #!=:-~*?,@^%+ 1'.split(''),
            '\\\n',
            '$(',
            '${',
            '<<E',
            "$'",
            '))',
            '`rec9 9`',
            ';;',
            '\\\\',
          ),
        ),
        { minLength: 1, maxLength: 2 },
      ),
    )
    .map(([text, edits]) => edits.reduce((current, edit) => applyEdit(current, ...edit), text));

function applyEdit(text: string, seed: number, kind: string, piece: string): string {
  const at = seed % (text.length + 1);
  if (kind === 'insert') return text.slice(0, at) + piece + text.slice(at);
  if (kind === 'delete') return text.slice(0, at) + text.slice(at + 1);
  return text.slice(0, at) + text.slice(at, at + 1) + text.slice(at);
}

/** What people write, except what would not end by itself. */
const written = fc.constantFrom(...plainShell.filter((text) => !/while|until|;;\)\)|yes/.test(text)));

export const shellText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: scripts },
  { weight: 1, arbitrary: spoil(scripts) },
  { weight: 1, arbitrary: spoil(written) },
);
