import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from '../../../daemon/parse/parser.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';
import { parseCases } from '../../cases/parse.ts';
import { isAcceptedByBash } from '../../property/parse-bash.ts';
import { renderResult } from './render.ts';

const parser = await createParser(await loadGrammarFiles());

for (const row of parseCases) {
  test(`parses ${JSON.stringify(row.text)}`, () => {
    const result = parser.parse(row.text);
    const detail = result.kind === 'unparsable' ? `${result.code}: ${result.message}` : '';
    assert.deepEqual(renderResult(result), 'commands' in row ? row.commands : row.code, detail);
  });
}

test('bash accepts every row that has a model', () => {
  for (const row of parseCases) {
    if ('commands' in row) assert.ok(isAcceptedByBash(row.text), JSON.stringify(row.text));
  }
});

test('an unparsable text says where and why', () => {
  const text = 'echo a; echo "b';
  const result = parser.parse(text);
  assert.ok(result.kind === 'unparsable');
  assert.equal(result.text.slice(result.span.start), '"b'.slice(0, result.text.length - result.span.start));
  assert.equal(result.span.start, 13);
  assert.match(result.message, /^[a-z].*[^.]$/);
});

test('words carry the place they were written at', () => {
  const text = "if a; then b 'c d' $(e f) <<E > g\n$(h)\nE\nfi";
  const result = parser.parse(text);
  assert.ok(result.kind === 'script', JSON.stringify(result));
  for (const command of result.commands) {
    for (const word of command.words) assert.equal(text.slice(word.start, word.end), word.source);
  }
  const body = result.commands.find(({ words }) => words[0]?.source === 'b')?.redirections[0]?.heredoc;
  assert.equal(text.slice(body?.start, body?.end), '$(h)\n');
});
