import assert from 'node:assert/strict';
import test from 'node:test';
import { statusOfCheck, statusOfExit, statusOfSignal } from '../../../client/cli/exit-status.ts';

const rows: readonly [Parameters<typeof statusOfExit>[0], number][] = [
  [{ reason: 'exited', code: 0 }, 0],
  [{ reason: 'exited', code: 7 }, 7],
  [{ reason: 'exited', code: 255 }, 255],
  [{ reason: 'exited', code: 143 }, 143],
  [{ reason: 'signalled', signal: 'SIGINT' }, 130],
  [{ reason: 'signalled', signal: 'SIGTERM', code: 0 }, 143],
  [{ reason: 'signalled', signal: 'SIGHUP' }, 129],
  [{ reason: 'signalled', signal: 'SIGKILL' }, 137],
  [{ reason: 'timeout', code: 143 }, 124],
  [{ reason: 'idle-timeout', code: 143 }, 124],
  [{ reason: 'output-limit', code: 141 }, 125],
  [{ reason: 'memory', code: 137 }, 137],
  [{ reason: 'denied' }, 126],
  [{ reason: 'cancelled' }, 130],
  [{ reason: 'sandbox-failed' }, 125],
  [{ reason: 'daemon-stopped', code: 143 }, 125],
  [{ reason: 'exited' }, 125],
];
for (const [exit, status] of rows) {
  test(`${JSON.stringify(exit)} is ${status}`, () => assert.equal(statusOfExit(exit), status));
}

test('a signal is 128 and its number', () => assert.equal(statusOfSignal('SIGQUIT'), 131));
test('check: allow, deny, ask', () =>
  assert.deepEqual((['allow', 'deny', 'ask'] as const).map(statusOfCheck), [0, 1, 2]));
