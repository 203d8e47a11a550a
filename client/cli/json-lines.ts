/** `--json`: the events of a run, one object a line, in their order. */
import { isUtf8 } from 'node:buffer';
import type { Gap, RunEvent } from '../protocol/events.ts';
import type { Frame, StreamName } from '../protocol/frames.ts';

/** How many bytes at the end are the beginning of a character that goes on in the next frame. Source: RFC 3629 */
function countUnfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xf5) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

export class JsonLines {
  readonly #write: (line: Buffer) => void;
  readonly #rest = new Map<StreamName, { readonly seq: number; readonly offset: number; readonly bytes: Buffer }>();

  constructor(write: (line: Buffer) => void) {
    this.#write = write;
  }

  event(seq: number, event: RunEvent): void {
    if (event.type === 'exited') this.#flush();
    this.line({ seq, ...event });
  }

  gap({ runId: _, ...gap }: Gap): void {
    this.#flush();
    this.line({ type: 'gap', ...gap });
  }

  /** Text where the bytes are UTF-8, base64 where they are not; a character cut by a frame's end moves to the next. */
  output({ stream, seq, offset, payload }: Frame): void {
    const rest = this.#rest.get(stream);
    const bytes = rest ? Buffer.concat([rest.bytes, payload]) : payload;
    const start = rest?.offset ?? offset;
    const unfinished = countUnfinished(bytes);
    const whole = bytes.subarray(0, bytes.length - unfinished);
    this.#rest.delete(stream);
    if (!isUtf8(whole)) {
      this.line({ seq, type: 'output', stream, offset: start, base64: bytes.toString('base64') });
      return;
    }
    if (unfinished > 0) {
      this.#rest.set(stream, { seq, offset: start + whole.length, bytes: Buffer.from(bytes.subarray(whole.length)) });
    }
    if (whole.length > 0) this.line({ seq, type: 'output', stream, offset: start, text: whole.toString('utf8') });
  }

  line(value: object): void {
    this.#write(Buffer.from(`${JSON.stringify(value)}\n`));
  }

  #flush(): void {
    for (const [stream, { seq, offset, bytes }] of this.#rest) {
      this.line({ seq, type: 'output', stream, offset, base64: bytes.toString('base64') });
    }
    this.#rest.clear();
  }
}
