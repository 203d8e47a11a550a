import assert from 'node:assert/strict';
import test from 'node:test';
import { createRefusalLog } from '../../../daemon/request/refusal-log.ts';

test('the first of a kind is told at once, the others as a number, each kind for itself', () => {
  const lines: string[] = [];
  const due: (() => void)[] = [];
  const note = createRefusalLog(
    (line) => lines.push(line),
    (act) => due.push(act),
  );
  note('no token', '192.0.2.1');
  for (let count = 0; count < 1000; count++) note('no token', `192.0.2.${count % 256}`);
  note('an origin');
  assert.deepEqual(lines, ['no token (192.0.2.1)', 'an origin']);
  for (const act of due.splice(0)) act();
  assert.deepEqual(lines.slice(2), ['no token (1000 more within 10 seconds)']);
  note('no token', '192.0.2.9');
  assert.equal(lines.at(-1), 'no token (192.0.2.9)', 'after a while it is told again');
});
