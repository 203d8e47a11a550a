import assert from 'node:assert/strict';
import os from 'node:os';
import test from 'node:test';
import { parseSignal } from '../../../client/cli/signal-names.ts';

const rows: readonly [string, string][] = [
  ['TERM', 'SIGTERM'],
  ['SIGTERM', 'SIGTERM'],
  ['term', 'SIGTERM'],
  ['sigHup', 'SIGHUP'],
  ['9', 'SIGKILL'],
];
for (const [text, signal] of rows) test(text, () => assert.equal(parseSignal(text), signal));
for (const text of ['', 'SIG', 'STOP', '0', '-9', '09', 'SIGSIGTERM']) {
  test(`refused: ${text}`, () => assert.throws(() => parseSignal(text), { code: 'bad-usage', help: /TERM/ }));
}

test('the numbers are those of this system', { skip: process.platform !== 'linux' }, () => {
  for (const [name, number] of Object.entries(os.constants.signals)) {
    const known = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGWINCH'];
    if (known.includes(name)) assert.equal(parseSignal(String(number)), name);
  }
});
