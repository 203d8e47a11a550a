/**
 * Follows a body to its end while it is passed on byte by byte. Chunks (RFC 9112 §7.1) are checked as they go by: a size
 * that recipients read differently breaks the message off, so it never counts as whole on either side.
 */

import type { Framing } from './http-framing.ts';
import { type Fault, isFault, parseField } from './http-head.ts';

export interface Scanned {
  /** How many of the bytes belong to this body. */
  readonly used: number;
  readonly isDone: boolean;
}

export interface Body {
  readonly scan: (bytes: Buffer) => Scanned | Fault;
  /** Whether it may end where the sender closes. */
  readonly endsByClose: boolean;
}

export interface BodyRules {
  readonly maxTrailerBytes: number;
  /** Of chunks. Nobody sends them, but recipients differ in where a strange one ends; so a request must not have any. */
  readonly allowExtensions: boolean;
}

/** Undefined: there is none, also of length 0. */
export function openBody(framing: Framing, rules: BodyRules): Body | undefined {
  if (framing.kind === 'none') return undefined;
  if (framing.kind === 'length') return framing.bytes === 0 ? undefined : countedBody(framing.bytes);
  if (framing.kind === 'close') {
    return { endsByClose: true, scan: (bytes) => ({ used: bytes.length, isDone: false }) };
  }
  return new ChunkedBody(rules);
}

function countedBody(length: number): Body {
  let left = length;
  return {
    endsByClose: false,
    scan(bytes) {
      const used = Math.min(left, bytes.length);
      left -= used;
      return { used, isDone: left === 0 };
    },
  };
}

/** Fields that would change how the message before them is understood (RFC 9110 §6.5.1). */
const notInTrailers = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'upgrade',
  'trailer',
  'te',
]);

// The size has at most 13 digits, which a number holds exactly.
const plainSize = /^([0-9A-Fa-f]{1,13})$/;
const extendedSize = /^([0-9A-Fa-f]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const control = /[\0-\x08\x0a-\x1f\x7f]/;

const lineFeed = 0x0a;
const maxSizeLineBytes = 256;

class ChunkedBody implements Body {
  readonly endsByClose = false;
  readonly #rules: BodyRules;
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  /** What is there of a line that has not ended. */
  #line = '';
  #left = 0;
  #trailerBytes = 0;

  constructor(rules: BodyRules) {
    this.#rules = rules;
  }

  scan(bytes: Buffer): Scanned | Fault {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'data') {
        const used = Math.min(this.#left, bytes.length - at);
        this.#left -= used;
        at += used;
        if (this.#left === 0) this.#state = 'data-end';
        continue;
      }
      const end = bytes.indexOf(lineFeed, at);
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1);
      at = end < 0 ? bytes.length : end + 1;
      if (this.#line.length > this.#maxLineBytes()) return broken('a line between chunks is too long');
      if (end < 0) break;
      const line = this.#line;
      this.#line = '';
      if (!line.endsWith('\r\n')) return broken('a line between chunks does not end in CR LF');
      const answer = this.#takeLine(line.slice(0, -2));
      if (answer === 'done') return { used: at, isDone: true };
      if (answer !== undefined) return answer;
    }
    return { used: at, isDone: false };
  }

  #maxLineBytes(): number {
    if (this.#state === 'data-end') return 2;
    return this.#state === 'size' ? maxSizeLineBytes : this.#rules.maxTrailerBytes;
  }

  #takeLine(line: string): 'done' | Fault | undefined {
    if (this.#state === 'data-end') {
      this.#state = 'size';
      return line === '' ? undefined : broken('a chunk is longer than its size');
    }
    if (this.#state === 'size') {
      const size = (this.#rules.allowExtensions ? extendedSize : plainSize).exec(line)?.[1];
      if (size === undefined) return broken('the size of a chunk is not a plain hexadecimal number');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
      return undefined;
    }
    if (line === '') return 'done';
    this.#trailerBytes += line.length + 2;
    if (this.#trailerBytes > this.#rules.maxTrailerBytes) return broken('the fields behind the body are too long');
    const field = parseField(line);
    if (isFault(field) || control.test(line)) return broken('a line behind the body is not `name: value`');
    return notInTrailers.has(field.lowerName) ? broken(`${field.lowerName} may not follow a body`) : undefined;
  }
}

function broken(fault: string): Fault {
  return { status: 400, fault };
}
