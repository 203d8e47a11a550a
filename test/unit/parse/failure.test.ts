/** A crash of the WebAssembly costs one answer, not the daemon: the next text gets a new parser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Parser } from 'web-tree-sitter';
import { createParser } from '../../../daemon/parse/parser.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';

test('a crash is an answer, and the parser is rebuilt', async () => {
  const parser = await createParser(await loadGrammarFiles());
  assert.equal(parser.parse('ls').kind, 'script');
  const { parse } = Parser.prototype;
  Parser.prototype.parse = () => {
    throw new Error('unreachable');
  };
  try {
    const crashed = parser.parse('ls');
    assert.equal(crashed.kind === 'unparsable' && crashed.code, 'parser-failure');
  } finally {
    Parser.prototype.parse = parse;
  }
  assert.equal(parser.parse('ls').kind, 'script');
});

test('two parsers live side by side', async () => {
  const [one, other] = await Promise.all([
    createParser(await loadGrammarFiles()),
    createParser(await loadGrammarFiles()),
  ]);
  assert.deepEqual(one.parse('a | b'), other.parse('a | b'));
});
