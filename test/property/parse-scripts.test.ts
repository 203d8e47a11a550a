/**
 * The first form of the oracle: what real bash runs from a text must be what the model says it can run. One execution
 * that was not predicted is a defect that could let a command past the rules.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../fixtures/seed.ts';
import type { ParsedScript, SimpleCommand } from '../../daemon/parse/model.ts';
import { createParser } from '../../daemon/parse/parser.ts';
import { readScript } from '../../daemon/parse/reader.ts';
import { Stop } from '../../daemon/parse/stop.ts';
import { loadGrammarFiles } from '../../daemon/platform/grammar.ts';
import { evaluateAll, isAcceptedByBash } from './parse-bash.ts';
import { generatedScript, mutatedText } from './parse-grammar.ts';

const parser = await createParser(await loadGrammarFiles());

/**
 * Records every command by its words, in one write each, which takes one line; ends a text that calls too often. Descriptor 57 is the record,
 * held open by whatever a text leaves running, so that the end of the record is the end of all of it.
 */
const prelude = `
FUNCNEST=20
calls=0
record() { builtin local line; builtin printf -v line '%s\\x1f' "$@"; builtin printf '%s\\x1e' "\${line//$'\\n'/$'\\x1d'}" >&57; }
r() { record r "$@"; (( ++calls > 60 )) && builtin exit; return $(( calls % 3 == 0 )); }
command_not_found_handle() { record "$@"; }
`;

/** Runs each text in a subshell with little processor time and gives the commands it ran. */
function recordAll(texts: readonly string[]): string[][][] {
  const wrapped = texts.map(
    (text) =>
      `kept=$( ulimit -t 1 -f 64; builtin eval ${quote(text)} 57>&1 </dev/null >/dev/null 2>&1 ); builtin printf '%s' "$kept"`,
  );
  return evaluateAll(wrapped, prelude).map((record) =>
    record
      .split('\x1e')
      .filter((line) => line !== '')
      .map((line) => line.replaceAll('\x1d', '\n').split('\x1f').slice(0, -1)),
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Whether a recorded argument list can come from a command; a word of unknown value may become any number of words. */
function isPredictedBy(argv: readonly string[], command: SimpleCommand): boolean {
  const match = (arg: number, word: number): boolean => {
    const next = command.words[word];
    if (next === undefined) return arg === argv.length;
    if (next.values === undefined) {
      for (let taken = arg; taken <= argv.length; taken++) if (match(taken, word + 1)) return true;
      return false;
    }
    return (
      next.values.every((value, index) => argv[arg + index] === value) && match(arg + next.values.length, word + 1)
    );
  };
  return match(0, 0);
}

function read(text: string): ParsedScript | undefined {
  try {
    return readScript(text);
  } catch (error) {
    assert.ok(error instanceof Stop, String(error));
    return undefined;
  }
}

function assertPredicted(texts: readonly string[]): number {
  const scripts = texts.map(read).filter((script) => script !== undefined);
  const records = recordAll(scripts.map(({ text }) => text));
  assert.equal(records.length, scripts.length);
  let executed = 0;
  for (const [index, script] of scripts.entries()) {
    for (const argv of records[index] ?? []) {
      executed++;
      const predicted = script.commands.some((command) => isPredictedBy(argv, command));
      assert.ok(predicted, `ran ${JSON.stringify(argv)} which was not predicted for ${JSON.stringify(script.text)}`);
    }
  }
  return executed;
}

test('a generated text has exactly the commands that were put into it, and bash runs no other', () => {
  let executed = 0;
  fc.assert(
    fc.property(fc.array(generatedScript, { minLength: 40, maxLength: 40 }), (batch) => {
      for (const { text, numbers } of batch) {
        const script = read(text);
        if (script === undefined) continue;
        const found = script.commands
          .filter(({ words }) => words[0]?.source === 'r')
          .map(({ words }) => Number(words[1]?.source));
        assert.deepEqual(
          found.sort((one, other) => one - other),
          numbers,
          JSON.stringify(text),
        );
      }
      executed += assertPredicted(batch.map(({ text }) => text));
    }),
    { numRuns: 20, endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(executed > 500, `only ${executed} executions were compared`);
});

test('a spoilt text runs nothing that was not predicted', () => {
  let executed = 0;
  fc.assert(
    fc.property(fc.array(mutatedText, { minLength: 80, maxLength: 80 }), (batch) => {
      executed += assertPredicted(batch);
    }),
    { numRuns: 20, endOnFailure: true, includeErrorInReport: true },
  );
  assert.ok(executed > 300, `only ${executed} executions were compared`);
});

test('bash accepts what the parser accepts', () => {
  fc.assert(
    fc.property(mutatedText, (text) => {
      // After `time` in a substitution bash 5.2 refuses some text that the manual allows: it then runs nothing.
      if (/[(`](?:.|\n)*time/.test(text)) return;
      if (parser.parse(text).kind === 'script') assert.ok(isAcceptedByBash(text), JSON.stringify(text));
    }),
    { numRuns: 300, endOnFailure: true, includeErrorInReport: true },
  );
});
