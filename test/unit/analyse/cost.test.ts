/**
 * The cost of a text grows with its length and not with its square: counted in reads of the model that analysis and
 * decision make, which are the same on every machine, and not in time. Attack: a small text that keeps the daemon busy.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyse } from '../../../daemon/analyse/analyse.ts';
import { collectPaths } from '../../../daemon/analyse/collect-paths.ts';
import { decide } from '../../../daemon/decide/decide.ts';
import { mergePolicies } from '../../../daemon/decide/merge-policies.ts';
import { catalogue, facts, parser } from './workbench.ts';

const policy = mergePolicies([]);

/** The same object, with every read of it and of what it holds counted. */
function counted<Type extends object>(root: Type, counter: { reads: number }): Type {
  const known = new WeakMap<object, object>();
  const made = new WeakSet<object>();
  const wrap = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || made.has(value)) return value;
    if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return value;
    const found = known.get(value);
    if (found !== undefined) return found;
    const proxy = new Proxy(value, {
      get(target, key, receiver) {
        counter.reads += 1;
        return wrap(Reflect.get(target, key, receiver));
      },
    });
    known.set(value, proxy);
    made.add(proxy);
    return proxy;
  };
  return wrap(root) as Type;
}

function readsFor(text: string): number {
  const parsed = parser.parse(text);
  assert.equal(parsed.kind, 'script', text.slice(0, 60));
  if (parsed.kind !== 'script') return 0;
  const counter = { reads: 0 };
  const script = counted(parsed, counter);
  collectPaths(script, facts);
  const analysis = analyse(script, facts, catalogue, (inner) => parser.parse(inner));
  decide(counted(analysis, counter), policy, { mode: undefined, autoAllow: false, facts });
  return counter.reads;
}

const numbered = (size: number, make: (at: number) => string): string =>
  Array.from({ length: size }, (_, at) => make(at)).join('');

const texts: Record<string, (size: number) => string> = {
  'commands one after the other': (size) => 'true; '.repeat(size),
  'substitutions in one word list': (size) => `echo ${'$(true) '.repeat(size)}`,
  'an unquoted here-document': (size) => `cat <<EOF\n${'a ${x} $(true) b\n'.repeat(size)}EOF`,
  'a list of `&&`': (size) => `${'ls && '.repeat(size)}ls`,
  'a pipeline': (size) => `${'ls | '.repeat(size)}ls`,
  'functions that are called': (size) =>
    Array.from({ length: size / 2 }, (_, at) => `f${at}() { ls; }; f${at}; `).join(''),
  'groups with redirections': (size) => '{ :; } >/dev/null; '.repeat(size),
  'commands that are asked about': (size) => 'git add src/a.ts; '.repeat(size),
  'names for xargs': (size) => 'ls | xargs rm; '.repeat(size / 2),
  'folders that are entered': (size) => 'cd a; rm -rf b; '.repeat(size / 2),
  loops: (size) => 'for i in a b; do ls $i; done; '.repeat(size / 2),
  conditions: (size) => 'if ls; then ls; fi; '.repeat(size / 2),
  'shell text': (size) => 'bash -c "ls; ls"; '.repeat(size / 2),
  variables: (size) => Array.from({ length: size }, (_, at) => `a${at}=x; `).join(''),
  'interpreters that are fed': (size) => 'ls | sh; '.repeat(size / 2),
  words: (size) => `ls ${'a '.repeat(size)}`,
  'words of an unknown value': (size) => `ls ${'$x '.repeat(size)}`,
  'unknown values in one word': (size) => `ls ${'$x'.repeat(size)}`,
  'quotes in one word': (size) => `ls ${`'a'"b"c`.repeat(size)}`,
  'wildcards in one word': (size) => `ls ${'a*'.repeat(size)}`,
  'words with wildcards': (size) => `rm ${'*/* '.repeat(size)}`,
  'sets of characters': (size) => `ls ${'[ab]'.repeat(size)}`,
  'extended patterns': (size) => `ls ${'!(a|b) '.repeat(size)}`,
  braces: (size) => `echo ${'{a,b} '.repeat(size)}`,
  'here-strings': (size) => 'cat <<< x; '.repeat(size),
  'here-documents': (size) => numbered(size, (at) => `cat <<'E'\nx${at}\nE\n`),
  'redirections of one command': (size) => `ls ${numbered(size, (at) => `> f${at} `)}`,
  'the same redirection again': (size) => `ls ${'> f '.repeat(size)}`,
  'process substitutions': (size) => `cat ${'<(ls) '.repeat(size)}`,
  'tests of strings': (size) => `${'[[ a == b ]] && '.repeat(size)}ls`,
  'one long test': (size) => `[[ ${'a == b && '.repeat(size)} a ]]`,
  'names that are declared': (size) => `declare ${numbered(size, (at) => `a${at}=1 `)}`,
  'names that are exported': (size) => numbered(size, (at) => `export A${at}=b; `),
  'the same variable again': (size) => `${'a=1; '.repeat(size)}ls $a`,
  'an array': (size) => `a=(${'x '.repeat(size)}); ls "\${a[@]}"`,
  'a value that doubles': (size) => `a=x; ${'a=$a$a; '.repeat(size)}ls $a`,
  'an unknown value that doubles': (size) => `${'a=$a$a; '.repeat(size)}ls $a`,
  'a list that doubles': (size) => `a=(x y); ${'a=("${a[@]}" "${a[@]}"); '.repeat(size)}ls "\${a[@]}"`,
  'words of a loop': (size) => `for x in ${'a '.repeat(size)}; do rm -rf $x; done`,
  'arms of a case': (size) => `case $x in ${numbered(size, (at) => `a${at}) ls ;; `)} esac`,
  'conditions in a row': (size) => `if a; then ls; ${'elif b; then ls; '.repeat(size / 2)} fi`,
  'a list of `||`': (size) => `${'ls || '.repeat(size)}ls`,
  subshells: (size) => '(ls); '.repeat(size),
  'commands in the background': (size) => 'ls & '.repeat(size),
  'unknown programs': (size) => numbered(size, (at) => `zz${at} x; `),
  'commands of find': (size) => `find . ${'-exec ls {} + '.repeat(size)}`,
  'options of git': (size) => `git ${'-c a.b=c '.repeat(size)} status`,
  'the same option again': (size) => `git log ${'--oneline '.repeat(size)}`,
  'a cluster of options': (size) => `ls -${'l'.repeat(size)}`,
  'wrappers around wrappers': (size) => `${'sudo '.repeat(size / 2)}ls`,
  'a script of sed': (size) => `sed '${'s/a/b/;'.repeat(size)}' f`,
  'a program of awk': (size) => `awk '${'{print $1} '.repeat(size)}' f`,
  'statements of SQL': (size) => `sqlite3 db '${'select 1;'.repeat(size)}'`,
  addresses: (size) => `curl ${'https://a.example/x '.repeat(size)}`,
  traps: (size) => "trap 'ls' EXIT; ".repeat(size / 2),
  aliases: (size) => numbered(size, (at) => `alias a${at}=ls; `),
  'files that are sourced': (size) => numbered(size, (at) => `. ./f${at}; `),
};

const small = 100;
/** Reads of a text of twice the size; exactly linear work gives 2. */
const mostGrowth = 2.4;
const mostReadsPerUnit = 4_000;

for (const [name, make] of Object.entries(texts)) {
  test(`${name}: twice the text costs twice the reads`, () => {
    const once = readsFor(make(small));
    const twice = readsFor(make(2 * small));
    assert.ok(twice <= once * mostGrowth, `${once} reads became ${twice}`);
    assert.ok(twice <= 2 * small * mostReadsPerUnit, `${twice} reads`);
  });
}
