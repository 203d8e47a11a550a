/** No false prompts for want of a reading: what people write has a model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createParser } from '../../../daemon/parse/parser.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';
import { plainShell } from '../../cases/plain-shell.ts';

const parser = await createParser(await loadGrammarFiles());

test('every row has a model', () => {
  const refused = plainShell.flatMap((text) => {
    const result = parser.parse(text);
    return result.kind === 'unparsable' ? [`${JSON.stringify(text)}: ${result.code}: ${result.message}`] : [];
  });
  assert.deepEqual(refused, []);
  assert.ok(plainShell.length > 700);
});
