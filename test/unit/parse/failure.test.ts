/** A crash of the WebAssembly costs one answer, not the daemon: a new instance, with a memory of its own, takes over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Parser } from 'web-tree-sitter';
import type { ParseResult } from '../../../daemon/parse/model.ts';
import { type BashParser, createParser } from '../../../daemon/parse/parser.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';

const text = 'a | b "$(c)"';

/** The answer when the parser has one again; every answer before it must be a question. */
async function parseWhenReady(parser: BashParser): Promise<ParseResult> {
  for (;;) {
    const result = parser.parse(text);
    if (result.kind === 'script') return result;
    assert.equal(result.code, 'parser-failure');
    await setImmediate();
  }
}

/** Damages what the WebAssembly is given, for one text. */
function crash(parser: BashParser, damage: (victim: Parser) => void): ParseResult {
  const { parse } = Parser.prototype;
  Parser.prototype.parse = function (this: Parser, ...args): ReturnType<typeof parse> {
    damage(this);
    return parse.apply(this, args);
  };
  try {
    return parser.parse(text);
  } finally {
    Parser.prototype.parse = parse;
  }
}

const damages: Readonly<Record<string, (victim: Parser) => void>> = {
  'a trap: an address outside of its memory': (victim) => {
    Object.assign(victim, { 0: 0x7fff_fff0 });
  },
  'a defect in the code around it': () => {
    throw new TypeError('nothing to read');
  },
};

for (const [name, damage] of Object.entries(damages))
  test(`${name} is an answer, and the parser is rebuilt`, { timeout: 60_000 }, async () => {
    const parser = await createParser(await loadGrammarFiles());
    const whole = parser.parse(text);
    assert.equal(whole.kind, 'script');
    const crashed = crash(parser, damage);
    assert.equal(crashed.kind === 'unparsable' && crashed.code, 'parser-failure');
    assert.deepEqual(await parseWhenReady(parser), whole);
  });

test('two parsers live side by side', async () => {
  const files = await loadGrammarFiles();
  const fresh = { ...files, importRuntime: () => files.importRuntime(true) };
  const [one, other] = await Promise.all([createParser(fresh), createParser(fresh)]);
  assert.equal(one.parse('a | b').kind, 'script');
  assert.deepEqual(one.parse('a | b'), other.parse('a | b'));
});
