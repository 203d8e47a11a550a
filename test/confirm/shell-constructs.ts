/**
 * The rarer forms of commands for generated shell text: several here-documents on a line, coprocesses, traps, associative
 * arrays, words that become commands by expansion, shells inside of shells. Most hold text that would run `rec9 0` if it
 * were read in another way than bash does.
 */
import fc from 'fast-check';
import { isPlain } from './shell-words.ts';

interface Parts {
  readonly word: fc.Arbitrary<string>;
  /** A list without here-documents. */
  readonly inline: fc.Arbitrary<string>;
  /** A pipeline without here-documents. */
  readonly tight: fc.Arbitrary<string>;
}

const lines = (...all: string[]): string => all.join('\n');

/** Here-documents that do not end the line, or share it. */
function heredocs({ inline, tight }: Parts): fc.Arbitrary<string> {
  const body = fc.constantFrom(
    '$u',
    '$(rec3 @N@)',
    "'$(rec4 @N@)'",
    '\\$(rec9 0)',
    '`rec5 @N@`',
    '$((1 + 1)) \\`rec9 0\\`',
  );
  const rest = fc.constantFrom(
    ...['; rec1 @N@', ' && rec2 @N@', ' | rec3 @N@', ' 2>&1 | rec4 @N@', ' & wait', ' > out', ' || { rec1 @N@; }'],
    ...[' # rec9 0', ' @N@ "$u"', ' >&2 2>/dev/null', '; exit'],
  );
  return fc.oneof(
    fc.tuple(body, body).map(([a, b]) => lines('cat @N@ <<A; rec1 @N@ <<B', a, 'A', b, 'B')),
    fc.tuple(body, body).map(([a, b]) => lines("cat @N@ <<'A' && rec1 @N@ <<-B", a, 'A', `\t${b}`, '\tB')),
    fc.tuple(body, body).map(([a, b]) => lines('paste @N@ <<A 3<<B', a, 'A', b, 'B')),
    fc.tuple(body, rest).map(([a, behind]) => lines(`cat @N@ <<E${behind}`, a, 'E')),
    fc.tuple(body, tight).map(([a, other]) => lines(`{ cat @N@ <<E; ${other}; }`, a, 'E')),
    fc.tuple(body, tight).map(([a, other]) => lines(`if rec1 @N@ <<E; then ${other}; fi`, a, 'E')),
    fc.tuple(body, tight).map(([a, other]) => lines('cat @N@ <<E |', a, 'E', other)),
    fc.tuple(body, tight).map(([a, other]) => lines('cat @N@ <<E &&', a, 'E', other)),
    body.map((a) => lines('while read -r v; do rec2 @N@ "$v"; done <<E', a, 'E')),
    body.map((a) => lines('v="$(cat @N@ <<E', a, 'E', ')"; rec1 @N@ "$v"')),
    body.map((a) => lines('f() { cat @N@ <<E', a, 'E', '}; f')),
    inline.map((a) => lines('cat @N@ <<E; rec1 @N@', `"$(${a})" \${u:-$(${a})}`, 'E')),
  );
}

/** Text for another shell or for later, between single quotes. */
function deferred({ tight, word }: Parts): fc.Arbitrary<string> {
  const quoted = tight.map((text) => (isPlain(text) ? text : 'rec1 @N@'));
  return fc.oneof(
    fc
      .tuple(quoted, fc.constantFrom('EXIT', 'ERR', 'DEBUG', 'RETURN', '0', 'INT EXIT'))
      .map(([a, name]) => `trap '${a}' ${name}; false`),
    fc
      .tuple(
        fc.constantFrom('bash -c', 'sh -c', 'env bash -c', 'timeout 5 bash -c', 'bash -ec', 'command bash -c'),
        quoted,
      )
      .map(([name, a]) => `${name} '${a}'`),
    fc.tuple(quoted, word).map(([a, b]) => `bash -c '${a}; rec2 "$1" "$0"' name ${b}`),
    quoted.map((a) => `find f -exec sh -c '${a}' _ {} \\;`),
    quoted.map((a) => `echo 1 | xargs -I% sh -c '${a}'`),
    quoted.map((a) => `bash -c "bash -c '${a}'"`),
    quoted.map((a) => `bash <<'E'\n${a}\nE`),
  );
}

/** Commands whose words come from expansions. */
const expanded = fc.constantFrom(
  ...[
    '{rec1,@N@}',
    'rec{1,2} @N@',
    '{rec1,@N@} *',
    'IFS=,; v=a,b; rec1 @N@ $v',
    'v="a  b"; rec1 @N@ $v "$v"',
    'v="*"; rec1 @N@ $v',
  ],
  ...[
    'shopt -s dotglob nullglob; rec1 @N@ * no*',
    'set -f; rec1 @N@ *',
    'cd sub; rec1 @N@ *; cd -',
    "IFS=$'\\n'; rec1 @N@ $u",
  ],
  ...[
    'v=u; rec1 @N@ "${!v}"',
    'set -- rec9 0; rec1 @N@ "$@" "${@:2}" $#',
    'rec1 @N@ "${a[@]}" ${a[*]}',
    'IFS=; rec1 @N@ $u$u',
  ],
  ...[
    'shopt -s expand_aliases\nalias rec1=rec9\nrec1 @N@',
    'alias q="rec9 0"; q',
    'exec rec1 @N@',
    'exec -a n rec1 @N@',
  ],
  ...[
    'command rec1 @N@',
    'command -v rec1',
    'builtin echo @N@',
    'builtin cd sub',
    '(exec rec2 @N@)',
    'exec > out; rec1 @N@',
  ],
  ...[
    'rec1 @N@ ~+ ~- ~/f',
    'rec1 @N@ sub/[a-z] s?b [[:lower:]]',
    'hash -p /bin/x rec1; rec1 @N@',
    'enable -n echo; echo @N@',
  ],
);

/** Forms that readers of bash find hard, in short. */
function forms({ word, tight, inline }: Parts): fc.Arbitrary<string> {
  return fc.oneof(
    tight.map((a) => `{ (${a}) }`),
    tight.map((a) => `if { ${a}; } then ( ${a} ) fi`),
    tight.map((a) => `while (${a}) do { break; } done`),
    tight.map((a) => `for i do ${a}; done`),
    tight.map((a) => `for i in; do ${a}; done; rec1 @N@`),
    tight.map((a) => `select v in a b; do ${a}; break; done`),
    tight.map((a) => `coproc { ${a}; }; wait`),
    tight.map((a) => `coproc N { ${a}; }; wait`),
    fc.constant('coproc rec1 @N@; wait'),
    fc.tuple(word, tight, tight).map(([w, a, b]) => `case ${w} in ?*' '?*|"a b") ${a};& x) ${b};;& *) rec1 @N@; esac`),
    inline.map((a) => `v=$(${a}) 2>/dev/null && rec1 @N@ "$v"`),
    inline.map((a) => `declare -A m=([k]="$(${a})" ["a b"]=$u); rec1 @N@ "\${m[k]}" "\${m[a b]}" "\${!m[@]}"`),
    inline.map((a) => `a[1]=$(${a}) a[i]=x; rec1 @N@ "\${a[@]/#/-}" "\${a[@]:1}"`),
    inline.map((a) => `[[ $u =~ ^("$(${a})"|[^a-z]+)(\\.[0-9]+)?$ ]]; rec1 @N@ "\${BASH_REMATCH[0]}"`),
    inline.map((a) => `rec1 @N@ "\${v//$'\\n'/$(${a})}" "\${u#*$'\\t'}" \${u:-$'x\\ny'}`),
    inline.map((a) => `v=$u/$i.c; rec1 @N@ $v/"$(${a})"/$1.x "\${u:$i:1}" "\${u:\${#i}}"`),
    word.map((w) => (/[<>]/.test(w) ? 'rec2 @N@' : `[ ${w} \\< b ] || [ ! -f f -a a == -1 ] || test ${w} = ~`)),
    fc.constantFrom(
      ...[
        "rec1 @N@ `printf '%s\\n' $(rec2 @N@)` \"`rec3 @N@ 'a\\c'`\"",
        'rec1 @N@\\\n  && rec2 @N@',
        "rec1 @N@ `echo '\\`rec9 0\\`'`",
      ],
      ...[
        'rec1 @N@ - 2>/dev/null | rec2 @N@ -',
        'for ((k = 0; k < $((1 + 1)); k++)) do rec1 @N@; done',
        'a=() b= > out; rec1 @N@',
      ],
      ...[
        '! { rec1 @N@; } || rec2 @N@',
        'time { rec1 @N@; } 2>&1',
        'f() { g() { rec1 @N@; }; g; }; f',
        'f() (rec1 @N@); f | f',
      ],
      ...[
        'unset -f f; f() { rec1 "$@"; }; f @N@ "$u" b',
        'function f() if rec1 @N@; then rec2 @N@; fi; f',
        'f() { rec1 @N@; } > out; f',
      ],
      ...['((1)) && ( (rec1 @N@) )', '[[ a ]] && { [[ b ]] }', 'v=1; while ((v-- > 0)); do rec1 @N@; done'],
    ),
  );
}

export function arbitraryConstruct(parts: Parts): fc.Arbitrary<string> {
  return fc.oneof(heredocs(parts), deferred(parts), expanded, forms(parts));
}
