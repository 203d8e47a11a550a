/** How a refusal looks in each protocol, so that the program in between shows it to the person who reads its error. */
import type { Refusal } from './model.ts';

/** `bad-request`: the front's own, of a message that no rule was asked about. */
export type HttpRefusal = Pick<Refusal, 'message' | 'rule' | 'howToAllow'> & {
  readonly code: Refusal['code'] | 'bad-request';
};

const statuses: Readonly<Record<Refusal['code'], number>> = {
  denied: 403,
  'not-approved': 403,
  'bad-host': 400,
  'forbidden-address': 403,
  unresolved: 502,
  unreachable: 502,
  mismatch: 403,
  'too-many': 503,
};

const maxReasonChars = 160;

export interface ResponseWishes {
  /** Of a refusal that no rule made, such as a malformed request. */
  readonly status?: number;
  /** Whether the connection may serve another request. */
  readonly keepAlive?: boolean;
  readonly isHead?: boolean;
}

/** A whole HTTP response. Its first line says the reason too: pip, wget and Java show only that. */
export function httpRefusal(refusal: HttpRefusal, wishes: ResponseWishes = {}): Buffer {
  const status = wishes.status ?? (refusal.code === 'bad-request' ? 400 : statuses[refusal.code]);
  const { code, message, rule, howToAllow } = refusal;
  const body = Buffer.from(`${JSON.stringify({ error: { code, message, rule, howToAllow } })}\n`);
  const reason = `refused by sbx: ${message}`.replace(/[^\x20-\x7e]/g, '?').slice(0, maxReasonChars);
  const head =
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
    `X-Sbx-Refused: ${code}\r\nCache-Control: no-store\r\n${wishes.keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
  return wishes.isHead ? Buffer.from(head) : Buffer.concat([Buffer.from(head), body]);
}

/** RFC 1928 §6. */
const socksReplies: Readonly<Record<Refusal['code'], number>> = {
  denied: 2,
  'not-approved': 2,
  'bad-host': 8,
  'forbidden-address': 2,
  unresolved: 4,
  unreachable: 5,
  mismatch: 2,
  'too-many': 1,
};

export function socksReplyCode(refusal: Refusal): number {
  return socksReplies[refusal.code];
}

/** RFC 8446 §6.2: access_denied, unrecognized_name, internal_error. */
const alerts: Readonly<Record<Refusal['code'], number>> = {
  denied: 49,
  'not-approved': 49,
  'bad-host': 112,
  'forbidden-address': 49,
  unresolved: 80,
  unreachable: 80,
  mismatch: 112,
  'too-many': 80,
};

/** A fatal alert in the clear, as a server sends it that has not answered yet. */
export function tlsAlert(refusal: Refusal): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, alerts[refusal.code]]);
}
