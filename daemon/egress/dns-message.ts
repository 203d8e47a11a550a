/**
 * The one question of a DNS message, and its answer (RFC 1035 §4, RFC 6891). Labels stay apart until each of them is known
 * to be plain letters, digits, `-` and `_`: a label may hold any byte, also a dot, and joined too early it would be another
 * name.
 */

export interface DnsQuestion {
  /** Lower case, no final dot, empty for the root; undefined when a label has a byte that no host name has. */
  readonly name: string | undefined;
  readonly type: number;
  readonly class: number;
}

export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly opcode: number;
  /** Undefined when it cannot be read. */
  readonly question: DnsQuestion | undefined;
  /** The question as it came, to be repeated in the answer. */
  readonly questionBytes: Buffer;
  /** The version of EDNS that is asked for. */
  readonly edns: number | undefined;
}

export const dnsTypes = { a: 1, ptr: 12, aaaa: 28, any: 255 } as const;
export const dnsClasses = { internet: 1, any: 255 } as const;
export const dnsCodes = {
  noError: 0,
  formatError: 1,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

export interface DnsRecord {
  readonly type: number;
  readonly data: Buffer;
}

const headerBytes = 12;
const maxNameBytes = 255;
const optType = 41;
const ourUdpBytes = 1232;

/** Undefined: not a query at all, so that there is nobody to answer. */
export function readDnsQuery(message: Buffer): DnsQuery | undefined {
  if (message.length < headerBytes || message.readUInt16BE(2) >= 0x8000) return undefined;
  const flags = message.readUInt16BE(2);
  const counts = [4, 6, 8].map((at) => message.readUInt16BE(at));
  const found = counts[0] === 1 && counts[1] === 0 && counts[2] === 0 ? readQuestion(message) : undefined;
  return {
    id: message.readUInt16BE(0),
    recursionDesired: (flags & 0x0100) !== 0,
    opcode: (flags >> 11) & 0xf,
    question: found?.question,
    questionBytes: found === undefined ? Buffer.alloc(0) : message.subarray(headerBytes, found.end),
    edns: found === undefined || message.readUInt16BE(10) === 0 ? undefined : readEdns(message.subarray(found.end)),
  };
}

export function writeDnsAnswer(
  query: DnsQuery,
  code: number,
  records: readonly DnsRecord[],
  ttlSeconds: number,
): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(query.id, 0);
  // It answers, for its own names, and would look further if there were anything further.
  const flags = 0x8480 | (query.opcode << 11) | (query.recursionDesired ? 0x0100 : 0) | (code & 0xf);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(query.questionBytes.length === 0 ? 0 : 1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10);
  const parts = [header, query.questionBytes];
  for (const { type, data } of records) {
    const record = Buffer.alloc(12);
    // The name is the question's.
    record.writeUInt16BE(0xc000 | headerBytes, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(dnsClasses.internet, 4);
    record.writeUInt32BE(ttlSeconds, 6);
    record.writeUInt16BE(data.length, 10);
    parts.push(record, data);
  }
  if (query.edns !== undefined) {
    const option = Buffer.alloc(11);
    option.writeUInt16BE(optType, 1);
    option.writeUInt16BE(ourUdpBytes, 3);
    option.writeUInt8(code >> 4, 5);
    parts.push(option);
  }
  return Buffer.concat(parts);
}

/** A name as a record's data; of a name that a question has had. */
export function encodeDnsName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}

function readQuestion(message: Buffer): { question: DnsQuestion; end: number } | undefined {
  const labels: Buffer[] = [];
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    // Also a pointer, which in a first question could only lead to the header or to itself.
    if (length === undefined || length > 63 || at + 1 + length > message.length) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(message.subarray(at, at + length));
    at += length;
    if (at - headerBytes >= maxNameBytes) return undefined;
  }
  if (at + 4 > message.length) return undefined;
  const question = { name: joinLabels(labels), type: message.readUInt16BE(at), class: message.readUInt16BE(at + 2) };
  return { question, end: at + 4 };
}

function joinLabels(labels: readonly Buffer[]): string | undefined {
  const texts = labels.map((label) => label.toString('latin1'));
  return texts.every((text) => /^[A-Za-z0-9_-]+$/.test(text)) ? texts.join('.').toLowerCase() : undefined;
}

/** Only the first additional record is looked at: clients send OPT alone, or before a signature that nobody checks. */
function readEdns(additional: Buffer): number | undefined {
  const isOption = additional.length >= 11 && additional[0] === 0 && additional.readUInt16BE(1) === optType;
  return isOption ? additional[6] : undefined;
}
