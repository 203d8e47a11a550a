import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import '../../fixtures/seed.ts';
import { Tail } from '../../../client/cli/tail.ts';
import type { Gap } from '../../../client/protocol/events.ts';
import type { Frame } from '../../../client/protocol/frames.ts';

type Shown = { readonly text: string; readonly stream: string; readonly offset: number } | { readonly gap: number };

function collect(lines: number, until: number) {
  const shown: Shown[] = [];
  const skipped: number[] = [];
  const tail = new Tail(
    { lines, until },
    {
      showFrame: ({ payload, stream, offset }) => void shown.push({ text: payload.toString(), stream, offset }),
      showGap: ({ fromSeq }) => void shown.push({ gap: fromSeq }),
      skip: ({ seq }) => void skipped.push(seq),
    },
  );
  return { tail, shown, skipped };
}

function frames(...texts: readonly string[]): Frame[] {
  let offset = 0;
  return texts.map((text, seq) => {
    const payload = Buffer.from(text);
    offset += payload.length;
    return { stream: 'stdout', run: 1, seq, offset: offset - payload.length, payload };
  });
}

const gap = (fromSeq: number, toSeq: number): Gap => ({
  runId: 'r',
  fromSeq,
  toSeq,
  bytes: 1,
  offsets: { stdout: 0, stderr: 0, pty: 0 },
});

const rows: readonly [string, string[], number, string][] = [
  ['the last lines', ['a\nb\nc\n'], 2, 'b\nc\n'],
  ['a line that is not finished counts', ['a\nb\nc'], 2, 'b\nc'],
  ['fewer than wanted', ['a\nb\n'], 5, 'a\nb\n'],
  ['none', ['a\nb'], 0, ''],
  ['across frames', ['a\nb', 'b\nc', 'c\n'], 2, 'bb\ncc\n'],
  ['empty lines are lines', ['a\n\n\n'], 2, '\n\n'],
  ['a frame of line ends', ['x', '\n\n\n\n', 'y\n'], 3, '\n\ny\n'],
];
for (const [name, texts, lines, expected] of rows) {
  test(name, () => {
    const { tail, shown, skipped } = collect(lines, texts.length);
    for (const frame of frames(...texts)) tail.showFrame(frame);
    assert.equal(shown.map((piece) => ('text' in piece ? piece.text : '')).join(''), expected);
    assert.deepEqual(
      skipped,
      texts.map((_, seq) => seq),
      'all of it was acknowledged',
    );
  });
}

test('whatever the lines and the frames, exactly the last lines come, with true offsets', () => {
  const text = fc.array(fc.constantFrom('\n', 'a', 'bc', 'ü'), { maxLength: 30 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.nat(40), { maxLength: 8 }), fc.nat(8), (all, cuts, lines) => {
      const bytes = Buffer.from(all);
      const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length)])].sort((a, b) => a - b);
      const payloads = places.map((from, index) => bytes.subarray(from, places[index + 1] ?? bytes.length));
      const shown: Frame[] = [];
      const showFrame = (frame: Frame) => void shown.push(frame);
      const tail = new Tail(
        { lines, until: payloads.length },
        { showFrame, showGap: () => assert.fail(), skip: () => undefined },
      );
      payloads.forEach((payload, seq) => {
        tail.showFrame({ stream: 'stdout', run: 1, seq, offset: places[seq] ?? 0, payload });
      });
      const whole = all.split(/(?<=\n)/).filter((line) => line !== '');
      const expected = lines === 0 ? '' : whole.slice(-lines).join('');
      assert.equal(Buffer.concat(shown.map(({ payload }) => payload)).toString(), expected);
      for (const { offset, payload } of shown) {
        assert.deepEqual(payload, bytes.subarray(offset, offset + payload.length));
      }
    }),
  );
});

test('what comes after is let through at once', () => {
  const { tail, shown } = collect(1, 2);
  const [first, second, third] = frames('a\nb\n', 'c\n', 'd\n');
  for (const frame of [first, second]) if (frame) tail.showFrame(frame);
  assert.deepEqual(shown, [{ text: 'c\n', stream: 'stdout', offset: 4 }]);
  if (third) tail.showFrame({ ...third, stream: 'stderr' });
  assert.deepEqual(shown.at(-1), { text: 'd\n', stream: 'stderr', offset: 6 });
});

test('an event at the end of the past shows what was held', () => {
  const { tail, shown } = collect(5, 2);
  for (const frame of frames('a\n')) tail.showFrame(frame);
  assert.deepEqual(shown, []);
  tail.skipEvent(1);
  assert.equal(shown.length, 1);
});

test('a gap is told where it is among the last lines, and not where it is before them', () => {
  const late = collect(2, 3);
  const [first, , third] = frames('a\nb\n', '', 'c\n');
  if (first && third) {
    late.tail.showFrame(first);
    late.tail.showGap(gap(1, 2));
    late.tail.showFrame(third);
  }
  assert.deepEqual(
    late.shown.map((piece) => ('gap' in piece ? 'gap' : piece.text)),
    ['b\n', 'gap', 'c\n'],
  );
  const early = collect(1, 2);
  early.tail.showGap(gap(0, 1));
  early.tail.showFrame({ ...(frames('a\nb\n')[0] as Frame), seq: 1 });
  assert.deepEqual(
    early.shown.map((piece) => ('gap' in piece ? 'gap' : piece.text)),
    ['b\n'],
  );
});
