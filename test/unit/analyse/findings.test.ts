/** Every finding of every family hits its examples and no near miss. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { families } from '../../../daemon/analyse/findings/find-all.ts';
import { analyseText } from './workbench.ts';

for (const family of families) {
  for (const [id, definition] of Object.entries(family.definitions)) {
    test(`${id} hits`, () => {
      assert.ok(definition.hits.length > 0);
      for (const text of definition.hits) {
        const analysis = analyseText(text);
        assert.equal(analysis.script.kind, 'script', `\`${text}\` must be readable`);
        assert.ok(
          analysis.findings.some((finding) => finding.id === id),
          `\`${text}\` must be found; found: ${analysis.findings.map((one) => one.id).join(' ')}`,
        );
      }
    });
    test(`${id} misses`, () => {
      assert.ok(definition.misses.length > 0);
      for (const text of definition.misses) {
        const analysis = analyseText(text);
        assert.equal(analysis.script.kind, 'script', `\`${text}\` must be readable`);
        assert.deepEqual(
          analysis.findings.filter((finding) => finding.id === id),
          [],
          `\`${text}\` must not be found`,
        );
      }
    });
  }
}
