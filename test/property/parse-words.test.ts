/**
 * The values of words, against real bash: wherever the parser says what a word will be, `printf '%s\0' WORD` must print
 * exactly that. Words are drawn from the characters that matter to quoting, escapes, braces and globs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import type { ParsedScript } from '../../daemon/parse/model.ts';
import { createParser } from '../../daemon/parse/parser.ts';
import { readScript } from '../../daemon/parse/reader.ts';
import { Stop } from '../../daemon/parse/stop.ts';
import { loadGrammarFiles } from '../../daemon/platform/grammar.ts';
import { evaluateAll } from './parse-bash.ts';

const parser = await createParser(await loadGrammarFiles());

const characters = fc.constantFrom(
  ...["'", '"', '\\', '$', '{', '}', ',', '.', '..', '-', 'a', 'b', 'Z', '0', '1', '9', ' ', '/', '~', '=', ':', '#'],
  ...['[', ']', '*', '?', '!', '@', '+', '^', '%', '\n', '\t', 'é', '✓', 'n', 'x', 'u', 'c'],
);
const escapes = fc.constantFrom(
  ...["$'\\n'", "$'\\x41'", "$'\\101'", "$'\\u00e9'", "$'\\cA'", "$'a\\'b'", "$'\\q'", "$'\\0x'", "$'\\xc3\\xa9'"],
  ...['{a,b}', '{1..3}', '{3..1}', '{a..e..2}', '{01..3}', '{,x}', '{a,{b,c}}', '{-1..1}', '\\\n', '""', "''", '$"a"'],
);
const word = fc.array(fc.oneof({ weight: 5, arbitrary: characters }, { weight: 2, arbitrary: escapes }), {
  minLength: 1,
  maxLength: 12,
});

/** A string inside one kind of quotes, where most random strings would not even be closed. */
const quotedWord = fc
  .tuple(fc.constantFrom(["'", "'"], ['"', '"'], ["$'", "'"], ['{', '}'], ['', ''] as const), word)
  .map(([[open, close], pieces]) => `${open}${pieces.join('')}${close}`);

interface Case {
  readonly text: string;
  readonly values: readonly string[];
}

/** Our own reading alone: what the other parsers would refuse is compared with bash too. */
function read(text: string): ParsedScript | undefined {
  try {
    return readScript(text);
  } catch (error) {
    assert.ok(error instanceof Stop, String(error));
    return undefined;
  }
}

/** The text with the values it should give, when the parser knows them all. */
function predict(words: readonly string[]): Case | undefined {
  const text = `printf '%s\\0' ${words.join(' ')}`;
  const result = read(text);
  if (result?.commands.length !== 1) return undefined;
  const [command] = result.commands;
  if (!command || command.redirections.length > 0) return undefined;
  const values = command.words.slice(2).map((each) => each.values);
  if (!values.every((each) => each !== undefined)) return undefined;
  return { text, values: values.flat() };
}

test('words of known value are what bash makes of them', () => {
  let compared = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(quotedWord, { minLength: 1, maxLength: 3 }), { minLength: 250, maxLength: 250 }),
      (batch) => {
        const cases = batch.map(predict).filter((each) => each !== undefined);
        const answers = evaluateAll(cases.map(({ text }) => text));
        for (const [index, { text, values }] of cases.entries()) {
          // printf prints once even without arguments.
          const expected = values.length === 0 ? '\0' : values.map((value) => `${value}\0`).join('');
          assert.equal(answers[index], expected, `text ${JSON.stringify(text)}`);
        }
        compared += cases.length;
      },
    ),
    { numRuns: 30, endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(compared > 1_000, `only ${compared} words were compared`);
});

test('a string that is quoted is one literal word', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.oneof(characters, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })) }),
      (value) => {
        const result = parser.parse(`printf '${value.replaceAll("'", "'\\''")}'`);
        if (result.kind === 'unparsable') return assert.equal(result.code, 'control-character');
        assert.deepEqual(result.commands[0]?.words[1]?.values, [value]);
      },
    ),
    { numRuns: 500 },
  );
});
