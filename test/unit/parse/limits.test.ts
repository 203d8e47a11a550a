/** Sizes and shapes meant to exhaust a parser: each ends quickly and with the code that says why. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxCommands, maxCountedLength, maxTextLength } from '../../../daemon/parse/limits.ts';
import { createParser } from '../../../daemon/parse/parser.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';

const parser = await createParser(await loadGrammarFiles());

function codeOf(text: string): string {
  const result = parser.parse(text);
  return result.kind === 'unparsable' ? result.code : 'script';
}

test('the length that counts leaves out quoted here-documents only', () => {
  const word = (length: number): string => `echo ${'a'.repeat(length - 5)}`;
  assert.equal(codeOf(word(maxCountedLength)), 'script');
  assert.equal(codeOf(word(maxCountedLength + 1)), 'too-long');
  const body = 'line $(a) `b`\n'.repeat(2_000);
  assert.equal(codeOf(`cat <<'EOF' > f\n${body}EOF`), 'script');
  assert.equal(codeOf(`cat <<EOF > f\n${body}EOF`), 'too-long');
});

test('the number of commands is bounded', () => {
  assert.equal(codeOf('ls;'.repeat(maxCommands)), 'script');
  assert.equal(codeOf('ls;'.repeat(maxCommands + 1)), 'too-complex');
});

test('beyond the outer bound nothing is read', () => {
  assert.equal(codeOf(`cat <<'EOF'\n${'a\n'.repeat(maxTextLength / 2)}EOF`), 'too-long');
});

const nested: Record<string, string> = {
  substitutions: `echo ${'$('.repeat(3_000)}`,
  'quoted substitutions': `echo ${'"$('.repeat(2_000)}`,
  'parameter expansions': `echo ${'${x:-'.repeat(2_000)}`,
  subshells: '( '.repeat(4_000),
  groups: '{ '.repeat(4_000),
  conditions: `[[ ${'( '.repeat(4_000)}`,
  negations: `[[ ${'! '.repeat(4_000)} a ]]`,
  ifs: 'if a; then '.repeat(800),
  functions: 'f() { '.repeat(1_500),
  backticks: `echo ${'<(`'.repeat(2_000)}`,
  patterns: `echo ${'@('.repeat(4_000)}`,
  braces: `echo ${'{a,'.repeat(3_000)}`,
};

for (const [name, text] of Object.entries(nested)) {
  test(`deep nesting of ${name} is refused`, () => assert.notEqual(codeOf(text), 'script'));
}

test('nested arithmetic is read once, not once for each level above it', () => {
  const levels = 24;
  assert.equal(codeOf(`echo ${'$((1 + $(a '.repeat(levels)}${')))'.repeat(levels)}`), 'script');
  assert.equal(codeOf(`echo $((1 + ${'$(a '.repeat(80)}${')'.repeat(80)}))`), 'script');
});

test('nesting that people write is not refused', () => {
  assert.equal(codeOf(`echo ${'$(a '.repeat(20)}${')'.repeat(20)}`), 'script');
  assert.equal(codeOf(`${'if a; then '.repeat(15)}b; ${'fi; '.repeat(15)}`), 'script');
});

test('hundreds of substitutions side by side are read', () => {
  const result = parser.parse(`echo ${'$(a)'.repeat(400)}`);
  assert.equal(result.kind === 'script' && result.commands.length, 401);
});

test('a brace product that is too large has no known value', () => {
  const result = parser.parse(`echo ${'{a,b}'.repeat(40)} {1..100000}`);
  assert.ok(result.kind === 'script');
  assert.deepEqual(
    result.commands[0]?.words.slice(1).map(({ values }) => values),
    [undefined, undefined],
  );
});
