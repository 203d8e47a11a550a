/**
 * Tells an answer from a notification in a text frame, and refuses what is neither: nothing behind this file has to
 * expect a message of another shape. By hand, because the path of `sbx run` does not load the validator.
 */
import type { WireError } from './protocol/errors.ts';

export type Incoming =
  | { readonly kind: 'result'; readonly id: number; readonly result: object }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'notification'; readonly method: string; readonly params: object }
  /** Well formed and of no use here, such as the answer to a request without an id. */
  | { readonly kind: 'other' };

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isApproval = (value: unknown): boolean =>
  isFields(value) && isText(value['approvalId']) && isNumber(value['timeoutMs']);

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

/** What is read of each event before a caller sees it. An event of a later daemon passes. */
const eventShapes: Readonly<Record<string, Shape>> = {
  decided: { decision: isFields },
  approvalNeeded: { approval: isApproval },
  approved: { approvalId: isText, answer: isText },
  started: { sandbox: isFields },
  violation: { violation: isFields },
  network: { use: isFields },
  truncated: { bytes: isCount },
  exited: { exit: (value) => isFields(value) && isText(value['reason']) },
};

function matches(value: Fields, shape: Shape): boolean {
  return Object.entries(shape).every(([name, isGood]) => isGood(value[name]));
}

function isEvent(value: unknown): boolean {
  if (!isFields(value) || typeof value['type'] !== 'string') return false;
  return matches(value, Object.hasOwn(eventShapes, value['type']) ? (eventShapes[value['type']] ?? {}) : {});
}

const notificationShapes: Readonly<Record<string, Shape>> = {
  'run.event': { runId: isText, seq: isCount, event: isEvent },
  'run.gap': { runId: isText, fromSeq: isCount, toSeq: isCount, offsets: isFields },
  'run.stdinAck': { runId: isText, bytes: isCount },
  'approval.pending': { runId: isText, sessionId: isText, approval: isApproval, remainingMs: isNumber },
  'approval.settled': { approvalId: isText, runId: isText, answer: isText },
};

function isWireError(value: unknown): value is WireError {
  if (!isFields(value) || typeof value['message'] !== 'string') return false;
  const data = value['data'];
  return data === undefined || (isFields(data) && isText(data['code']));
}

/** Undefined when the text is not a message of the protocol. */
export function readMessage(text: string): Incoming | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(message)) return undefined;
  const { id, method, params, result, error } = message as Fields & Record<string, unknown>;
  if (typeof method === 'string') {
    const shape = Object.hasOwn(notificationShapes, method) ? notificationShapes[method] : undefined;
    if (!shape) return { kind: 'other' };
    return isFields(params) && matches(params, shape) ? { kind: 'notification', method, params } : undefined;
  }
  if (id === null) return { kind: 'other' };
  if (typeof id !== 'number') return undefined;
  if (error !== undefined) return isWireError(error) ? { kind: 'error', id, error } : undefined;
  return isFields(result) ? { kind: 'result', id, result } : undefined;
}
