/** Every command of the case tables against real bash: under the rules of its row where it has some, and under a rule for all programs. */
import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { adversaryCases } from '../cases/adversary.ts';
import { agentCommands } from '../cases/agent-commands.ts';
import { layers } from '../cases/analyse-layers.ts';
import { places } from '../cases/analyse-places.ts';
import { effectful, harmless } from '../cases/analyse-read-only.ts';
import { grantCases, modeCases } from '../cases/decide-grants.ts';
import { autoAllowCases, restrictionCases } from '../cases/decide-restrictions.ts';
import { type DecideCase, vectors } from '../cases/decide-vectors.ts';
import { parseCases } from '../cases/parse.ts';
import { plainShell } from '../cases/plain-shell.ts';
import { type Oracle, type OracleText, openOracle } from './oracle.ts';

const broad = { allow: ['Bash', 'Edit(**)'] };

function withOwnRules(row: DecideCase): OracleText {
  const { allow = [], ask = [], deny = [], command, mode, autoAllow, cwd } = row;
  return { text: command, flags: { allow: [...allow], ask: [...ask], deny: [...deny] }, mode, autoAllow, cwd };
}

const rows = [vectors, grantCases, modeCases, restrictionCases, autoAllowCases, adversaryCases].flat();
const plain = [
  ...[layers, places].flatMap((table) => Object.keys(table)),
  ...harmless,
  ...effectful,
  ...parseCases.map(({ text }) => text),
  ...plainShell,
];
const texts: readonly OracleText[] = [
  ...[...rows, ...agentCommands].map(withOwnRules),
  ...[...rows.map(({ command }) => command), ...plain].map((text) => ({ text, flags: broad })),
].filter(({ text }) => !text.includes('\0'));

/** The names that the tables speak of. */
const tree = [
  ...['sub/', 'src/', 'app/', 'build/', 'node_modules/', 'packages/', 'packages/api/', 'a/', 'a/secrets/', 'vendor/'],
  ...['vendor/src/', 'vendor/other/', 'vendor/other/.git/', '.git/', '.git/hooks/'],
  ...['f', 'package.json', 'index.ts', 'Makefile', 'list.txt', 'sub/x', 'src/x', '.env', 'sub/.env', '.git/HEAD'],
  ...['vendor/other/.git/HEAD', 'a/secrets/k'],
];

let oracle: Oracle;
before(async () => {
  oracle = await openOracle(tree);
});
after(() => oracle.close());

test('what the tables let through runs as predicted', async (t) => {
  const results = await oracle.judge(texts);
  const allowed = results.filter((result) => result.allowed);
  const executions = allowed.reduce((sum, { ran }) => sum + ran.length, 0);
  const stopped = texts.filter((_, index) => results[index]?.stopped === true);
  t.diagnostic(
    `${texts.length} texts, ${allowed.length} allowed, ${executions} executions compared, ${stopped.length} stopped`,
  );
  const faults = results.flatMap(({ unpredicted }, index) =>
    unpredicted.length > 0
      ? [`${JSON.stringify(texts[index]?.text)}: ran ${JSON.stringify(unpredicted.slice(0, 3))}`]
      : [],
  );
  const refused = results.flatMap(({ acceptedByBash }, index) =>
    acceptedByBash === false ? [JSON.stringify(texts[index]?.text)] : [],
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(refused, [], 'bash refuses texts that have a model');
  assert.ok(allowed.length > texts.length * 0.3, `only ${allowed.length} of ${texts.length} were allowed`);
  assert.ok(executions > allowed.length, `only ${executions} executions`);
});

/** Texts and every argv that each runs. A deaf or confused recorder would make every other test here worthless. */
const heard: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'rec1 "a  b" $(echo "x y")': [
    ['echo', 'x y'],
    ['rec1', 'a  b', 'x', 'y'],
  ],
  'f() { local l=1; command echo "$1"; }; f "q\'q"': [
    ['f', "q'q"],
    ['local', 'l=1'],
    ['command', 'echo', "q'q"],
  ],
  "timeout 5 nice rec1 'x\ny'; (cd sub && rec2 *) | cat": [
    ['timeout', '5', 'nice', 'rec1', 'x\ny'],
    ['nice', 'rec1', 'x\ny'],
    ['rec1', 'x\ny'],
    ['cd', 'sub'],
    ['rec2', 'x'],
    ['cat'],
  ],
  'for i in 1 "" é; do [ "$i" ]; done': [
    ['[', '1', ']'],
    ['[', '', ']'],
    ['[', 'é', ']'],
  ],
  "\\for a $'\\t\\x01'; [[ -n a ]]; v=1 rec1 & wait": [['for', 'a', '\t\x01'], ['rec1'], ['wait']],
  'cat <(rec1) <<E\n$(rec2 a)\nE': [['cat', '/dev/fd/63'], ['rec1'], ['rec2', 'a']],
  'find f -exec rec1 {} +; xargs -n 9 rec2 < f': [
    ['find', 'f', '-exec', 'rec1', '{}', '+'],
    ['rec1', 'f'],
    ['xargs', '-n', '9', 'rec2'],
    ['rec2', 'x=1'],
  ],
};

describe('the recorder hears', () => {
  for (const [text, expected] of Object.entries(heard))
    it(text, async () => {
      const [ran] = await oracle.hear([text]);
      const show = (argv: readonly string[]): string => JSON.stringify(argv);
      assert.deepEqual([...new Set(ran?.map(show))].sort(), expected.map(show).sort());
    });
});

describe('a prediction', () => {
  const predicted: readonly (readonly [string, readonly string[], boolean])[] = [
    ['rec1 a "$u" b', ['rec1', 'a', 'x y', 'b'], true],
    ['rec1 a "$u" b', ['rec1', 'a', 'x', 'y', 'b'], false],
    ['rec1 a $u b', ['rec1', 'a', 'x', 'y', 'b'], true],
    ['rec1 a $u b', ['rec1', 'a', 'b'], true],
    ['rec1 a $u b', ['rec1', 'a', 'x'], false],
    ['rec1 "p$u.q"', ['rec1', 'p1.q'], true],
    ['rec1 "p$u.q"', ['rec1', 'p1.r'], false],
    ["rec1 \"$u\"$'\\''a", ['rec1', "'1''a"], true],
    ['rec1 "$u"a"$v"', ['rec1', 'b'], false],
    ['rec1 a', ['rec2', 'a'], false],
    ['rec1 a', ['rec1', 'a', ''], false],
    ['$u a', ['rec1', 'a'], false],
    ['u=rec1; $u a', ['rec1', 'a'], true],
    ["rec1 '$(rec9 0)'", ['rec9', '0'], false],
    ['timeout 5 rec1 a', ['rec1', 'a'], true],
    ['declare -a v=(x y)', ['declare', '-a', 'v'], true],
  ];
  for (const [text, argv, expected] of predicted)
    it(`${expected ? 'covers' : 'does not cover'} ${argv.join(' ')} for ${text}`, () =>
      assert.equal(oracle.predicts(text, argv), expected));
});
