/**
 * Reads the head of an HTTP/1.x message by the letter of RFC 9112 and RFC 9110. Where recipients are known to differ (bare
 * CR or LF, folded lines, a space before the colon, control characters) it refuses: two readers who see different
 * requests in the same bytes are how a request is smuggled past a rule.
 */

export interface Field {
  readonly name: string;
  readonly lowerName: string;
  readonly value: string;
}

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly Field[];
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minorVersion: 0 | 1;
  readonly fields: readonly Field[];
}

/** Why a message cannot be passed on, with the status that says so to a client. */
export interface Fault {
  readonly status: number;
  readonly fault: string;
}

// RFC 9110 §5.6.2 `token`; §5.5 field content: no control characters but the tab.
const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;
const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: (.*))?$/;
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

/** The end of the head in `bytes`, after its empty line; -1 when it is not there yet. */
export function findHeadEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1');
  return at < 0 ? -1 : at + 4;
}

/** @param head up to and with the empty line that ends it. */
export function parseRequestHead(head: Buffer): RequestHead | Fault {
  const lines = splitLines(head);
  if (!Array.isArray(lines)) return lines;
  const first = requestLine.exec(lines[0] ?? '');
  if (first === null) {
    return { status: 400, fault: 'the first line is not `METHOD target HTTP/1.1`' };
  }
  const fields = parseFields(lines);
  if (!Array.isArray(fields)) return fields as Fault;
  return {
    method: first[1] as string,
    target: first[2] as string,
    minorVersion: first[3] === '0' ? 0 : 1,
    fields,
  };
}

/** @param head up to and with the empty line that ends it. */
export function parseResponseHead(head: Buffer): ResponseHead | Fault {
  const lines = splitLines(head);
  if (!Array.isArray(lines)) return { ...lines, status: 502 };
  const first = statusLine.exec(lines[0] ?? '');
  if (first === null) return { status: 502, fault: 'the host does not answer in HTTP/1.1' };
  const fields = parseFields(lines);
  if (!Array.isArray(fields)) return { ...(fields as Fault), status: 502 };
  return {
    status: Number(first[2]),
    reason: first[3] ?? '',
    minorVersion: first[1] === '0' ? 0 : 1,
    fields,
  };
}

/** Of one line of a head or a trailer section, without its end. */
export function parseField(line: string): Field | Fault {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  if (!token.test(name)) return { status: 400, fault: 'a line of the head is not `name: value`' };
  return { name, lowerName: name.toLowerCase(), value: trimBlanks(line.slice(colon + 1)) };
}

export function isFault(value: object): value is Fault {
  return 'fault' in value;
}

function splitLines(head: Buffer): string[] | Fault {
  const text = head.toString('latin1', 0, head.length - 4);
  if (forbidden.test(text)) {
    return { status: 400, fault: 'the head has a control character, or a line that does not end in CR LF' };
  }
  return text.split('\r\n');
}

function parseFields(lines: readonly string[]): Field[] | Fault {
  const fields: Field[] = [];
  for (let at = 1; at < lines.length; at += 1) {
    const field = parseField(lines[at] as string);
    if (isFault(field)) return field;
    fields.push(field);
  }
  return fields;
}

/** `trim` would also take away the no-break space, which is part of a value. */
function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
