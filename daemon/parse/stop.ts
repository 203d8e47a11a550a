/**
 * How reading ends early: the one exception inside the parse stage. `parser.ts` turns it into `Unparsable`; it never
 * leaves the stage.
 */
import type { Unparsable, UnparsableCode } from './model.ts';

export class Stop extends Error {
  readonly code: UnparsableCode;
  readonly start: number;
  readonly end: number;

  constructor(code: UnparsableCode, message: string, start: number, end = start + 1) {
    super(message);
    this.name = 'Stop';
    this.code = code;
    this.start = start;
    this.end = end;
  }
}

/** The result for a text that has no model; the span is cut to the text. */
export function toUnparsable(text: string, stop: Stop): Unparsable {
  const start = Math.min(Math.max(stop.start, 0), text.length);
  const end = Math.min(Math.max(stop.end, start), text.length);
  return { kind: 'unparsable', text, code: stop.code, message: stop.message, span: { start, end } };
}
