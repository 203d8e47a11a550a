import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import '../../fixtures/seed.ts';
import { decodeFrame, encodeFrame, frameHeaderBytes } from '../../../client/protocol/frames.ts';
import { limits } from '../../../client/protocol/limits.ts';

const frame = fc.record(
  {
    stream: fc.constantFrom('stdin' as const, 'stdout' as const, 'stderr' as const, 'pty' as const),
    run: fc.nat({ max: 0xffffffff }),
    seq: fc.maxSafeNat(),
    offset: fc.maxSafeNat(),
    payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  },
  { noNullPrototype: true },
);

test('frames round-trip', () => {
  fc.assert(fc.property(frame, (given) => assert.deepEqual(decodeFrame(encodeFrame(given)), given)));
});

test('any bytes decode to a frame or to nothing, never to an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const decoded = decodeFrame(Buffer.from(bytes));
      if (decoded) assert.deepEqual(encodeFrame(decoded), Buffer.from(bytes));
    }),
  );
});

test('short, oversize, unknown and too large numbers are nothing', () => {
  const good = encodeFrame({ stream: 'stdout', run: 1, seq: 2, offset: 3, payload: Buffer.from('x') });
  assert.ok(decodeFrame(good));
  assert.equal(decodeFrame(good.subarray(0, frameHeaderBytes - 1)), undefined);
  assert.equal(decodeFrame(Buffer.concat([Buffer.from([9]), good.subarray(1)])), undefined);
  assert.equal(decodeFrame(Buffer.alloc(frameHeaderBytes + limits.maxPayloadBytes + 1)), undefined);
  const far = Buffer.from(good);
  far.writeBigUInt64BE(2n ** 60n, 5);
  assert.equal(decodeFrame(far), undefined);
});
