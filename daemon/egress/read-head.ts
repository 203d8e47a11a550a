/** Takes the bytes of one HTTP head from a connection, however slowly they come, within bounds of time and size. */
import type { Fault } from './http-head.ts';
import { findHeadEnd } from './http-head.ts';
import type { Intake } from './intake.ts';

export interface HeadBounds {
  readonly maxHeadBytes: number;
  /** Until its first byte. */
  readonly idleTimeoutMs?: number;
  /** From its first byte to its last. */
  readonly headTimeoutMs?: number;
}

/** `over`: the peer has nothing more to say. A fault without a fit message is one of time, size or a half head. */
export type HeadAnswer = Buffer | 'over' | Fault;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

export function readHead(intake: Intake, bounds: HeadBounds): Promise<HeadAnswer> {
  return new Promise((resolve) => {
    let bytes: Buffer | undefined;
    let timer: NodeJS.Timeout | undefined;
    const settle = (answer: HeadAnswer): void => {
      clearTimeout(timer);
      intake.stop();
      resolve(answer);
    };
    const wait = (ms: number | undefined, then: () => void): void => {
      clearTimeout(timer);
      if (ms !== undefined) timer = setTimeout(then, ms);
    };
    wait(bounds.idleTimeoutMs, () => settle('over'));
    intake.read({
      take(more) {
        const seen = bytes?.length ?? 0;
        if (bytes === undefined) {
          // RFC 9112 §2.2: empty lines before a request are to be ignored; old clients send one behind a body.
          const start = skipLineEnds(more);
          if (start === more.length) return undefined;
          bytes = start === 0 ? more : more.subarray(start);
        } else bytes = Buffer.concat([bytes, more]);
        const end = findHeadEnd(bytes, seen);
        if (end >= 0 && end <= bounds.maxHeadBytes) {
          const rest = bytes.subarray(end);
          clearTimeout(timer);
          resolve(bytes.subarray(0, end));
          return rest;
        }
        if (end >= 0 || bytes.length > bounds.maxHeadBytes) {
          settle({ status: 431, fault: `the head is longer than ${bounds.maxHeadBytes} bytes` });
        } else if (bytes.includes('\n\n', Math.max(0, seen - 1), 'latin1')) {
          settle({ status: 400, fault: 'a line of the head does not end in CR LF' });
        } else {
          if (seen === 0) {
            wait(bounds.headTimeoutMs, () => settle({ status: 408, fault: 'the head took too long' }));
          }
          return undefined;
        }
        return Buffer.alloc(0);
      },
      end(broken) {
        const isCut = bytes !== undefined && !broken;
        settle(isCut ? { status: 400, fault: 'the connection ended within a head' } : 'over');
      },
    });
  });
}

function skipLineEnds(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === carriageReturn || bytes[at] === lineFeed) at += 1;
  return at;
}
