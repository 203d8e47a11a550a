import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import '../../fixtures/seed.ts';
import { JsonLines } from '../../../client/cli/json-lines.ts';

interface Line {
  readonly type: string;
  readonly stream?: string;
  readonly offset?: number;
  readonly text?: string;
  readonly base64?: string;
}

function collect(chunks: readonly Buffer[]): Line[] {
  const lines: Line[] = [];
  const json = new JsonLines((line) => {
    assert.equal(line.at(-1), 0x0a);
    assert.equal(line.indexOf(0x0a), line.length - 1);
    lines.push(JSON.parse(line.toString('utf8')) as Line);
  });
  let offset = 0;
  chunks.forEach((payload, seq) => {
    json.output({ stream: 'stdout', run: 1, seq, offset, payload });
    offset += payload.length;
  });
  json.event(chunks.length, {
    type: 'exited',
    exit: { reason: 'exited', code: 0, durationMs: 1, outputBytes: offset, violations: 0 },
  });
  return lines;
}

const bytesOf = (line: Line) =>
  line.text === undefined ? Buffer.from(line.base64 ?? '', 'base64') : Buffer.from(line.text);

test('a character cut by a frame moves to the next', () => {
  const lines = collect([Buffer.from([0x61, 0xe2, 0x82]), Buffer.from([0xac, 0x62])]);
  assert.deepEqual(
    lines.slice(0, -1).map(({ text, offset }) => ({ text, offset })),
    [
      { text: 'a', offset: 0 },
      { text: '€b', offset: 1 },
    ],
  );
});

test('bytes that are not UTF-8 are base64', () => {
  assert.equal(collect([Buffer.from([0xff, 0x00])])[0]?.base64, '/wA=');
});

test('a character that never ends comes before the exit', () => {
  const lines = collect([Buffer.from([0x61, 0xe2])]);
  assert.deepEqual(
    lines.map(({ type }) => type),
    ['output', 'output', 'exited'],
  );
  assert.equal(lines[1]?.base64, '4g==');
});

test('a gap stands between what was before it and what comes after', () => {
  const lines: Line[] = [];
  const json = new JsonLines((line) => void lines.push(JSON.parse(line.toString('utf8')) as Line));
  const offsets = { stdout: 9, stderr: 0, pty: 0 };
  json.output({ stream: 'stdout', run: 1, seq: 0, offset: 0, payload: Buffer.from([0x61, 0xe2]) });
  json.gap({ runId: 'r', fromSeq: 1, toSeq: 4, bytes: 7, offsets });
  json.output({ stream: 'stdout', run: 1, seq: 4, offset: 9, payload: Buffer.from('b') });
  assert.deepEqual(lines, [
    { seq: 0, type: 'output', stream: 'stdout', offset: 0, text: 'a' },
    { seq: 0, type: 'output', stream: 'stdout', offset: 1, base64: '4g==' },
    { type: 'gap', fromSeq: 1, toSeq: 4, bytes: 7, offsets },
    { seq: 4, type: 'output', stream: 'stdout', offset: 9, text: 'b' },
  ]);
});

test('whatever the bytes and the frames, nothing is lost and offsets are true', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), fc.array(fc.nat(20), { maxLength: 12 }), (parts, cuts) => {
      const all = Buffer.concat(parts);
      const places = [...new Set(cuts.filter((cut) => cut < all.length))].sort((a, b) => a - b);
      const chunks = [0, ...places].map((from, index) => all.subarray(from, places[index] ?? all.length));
      const lines = collect(chunks.filter((chunk) => chunk.length > 0)).slice(0, -1);
      assert.deepEqual(Buffer.concat(lines.map(bytesOf)), all);
      let at = 0;
      for (const line of lines) {
        assert.equal(line.offset, at);
        at += bytesOf(line).length;
      }
    }),
  );
});
