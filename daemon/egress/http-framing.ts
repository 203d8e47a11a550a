/**
 * Where an HTTP/1.1 body ends (RFC 9112 §6), and which fields go on to the next hop (RFC 9110 §7.6.1). A message that says
 * its length twice, or in a coding other than `chunked`, is refused and never interpreted.
 */
import type { Fault, Field, RequestHead, ResponseHead } from './http-head.ts';

export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Of responses: until the host closes. */
  | { readonly kind: 'close' };

export interface Passage {
  readonly framing: Framing;
  /** Whether the sender wants to go on with this connection. */
  readonly keepAlive: boolean;
  /** What `Upgrade` asks for, or agrees to, in lower case. */
  readonly upgrade: string | undefined;
  readonly hosts: readonly string[];
  /** Field lines for the next hop, without those that say framing, connection or `Host`. */
  readonly lines: string;
}

const nowhere: ReadonlySet<string> = new Set();

/** Of one hop (RFC 9110 §7.6.1), or said anew by whoever passes the message on. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
]);

export function readRequestPassage(head: RequestHead): Passage | Fault {
  const said = collectFields(head, true);
  const { lengths, codings } = said;
  const framing = frameRequest(lengths, codings, head.minorVersion);
  return 'fault' in framing ? framing : { ...said, framing };
}

/** @param method of the request that this answers. */
export function readResponsePassage(head: ResponseHead, method: string): Passage | Fault {
  const said = collectFields(head, false);
  const framing = frameResponse(said.lengths, said.codings, head, method);
  if ('fault' in framing) return framing;
  // Without a body it says how long that would be (RFC 9110 §8.6).
  const tellsLength = framing.kind === 'none' && head.status >= 200 && head.status !== 204;
  const length = tellsLength ? said.lengths[0] : undefined;
  return { ...said, framing, lines: length === undefined ? said.lines : `${said.lines}Content-Length: ${length}\r\n` };
}

/** What a body's length is told by, for a message that this side writes. */
export function framingLine(framing: Framing): string {
  if (framing.kind === 'length') return `Content-Length: ${framing.bytes}\r\n`;
  return framing.kind === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
}

interface Said {
  readonly lengths: readonly string[];
  readonly codings: readonly string[];
  readonly keepAlive: boolean;
  readonly upgrade: string | undefined;
  readonly hosts: readonly string[];
  readonly lines: string;
}

function collectFields(head: RequestHead | ResponseHead, isRequest: boolean): Said {
  const named = connectionOptions(head.fields);
  const lengths: string[] = [];
  const codings: string[] = [];
  const hosts: string[] = [];
  let upgrade: string | undefined;
  let lines = '';
  for (const { name, lowerName, value } of head.fields) {
    if (lowerName === 'content-length') lengths.push(value);
    else if (lowerName === 'transfer-encoding') codings.push(value);
    else if (lowerName === 'upgrade') upgrade = upgrade === undefined ? value.toLowerCase() : `${upgrade}, ${value}`;
    else if (isRequest && lowerName === 'host') hosts.push(value);
    else if (!hopByHop.has(lowerName) && !named.has(lowerName)) lines += `${name}: ${value}\r\n`;
  }
  return {
    lengths,
    codings,
    hosts,
    lines,
    upgrade: named.has('upgrade') ? upgrade : undefined,
    keepAlive: head.minorVersion === 1 && !named.has('close'),
  };
}

/** The options of all `Connection` fields, and of `Proxy-Connection`, which some clients send in its place. */
function connectionOptions(fields: readonly Field[]): ReadonlySet<string> {
  let options: Set<string> | undefined;
  for (const { lowerName, value } of fields) {
    if (lowerName !== 'connection' && lowerName !== 'proxy-connection') continue;
    options ??= new Set();
    for (const option of value.toLowerCase().split(',')) options.add(option.trim());
  }
  return options ?? nowhere;
}

const none: Framing = { kind: 'none' };

function frameRequest(lengths: readonly string[], codings: readonly string[], minorVersion: 0 | 1): Framing | Fault {
  if (lengths.length === 0 && codings.length === 0) return none;
  if (codings.length > 0) {
    if (lengths.length > 0) return { status: 400, fault: 'both Content-Length and Transfer-Encoding are given' };
    if (minorVersion === 0) return { status: 400, fault: 'HTTP/1.0 has no Transfer-Encoding' };
    if (!isChunked(codings)) return { status: 501, fault: 'of transfer codings only `chunked` is understood' };
    return { kind: 'chunked' };
  }
  const bytes = lengths.length === 1 ? parseLength(lengths[0] as string) : undefined;
  if (bytes === undefined) return { status: 400, fault: 'Content-Length is not one number' };
  return { kind: 'length', bytes };
}

function frameResponse(
  lengths: readonly string[],
  codings: readonly string[],
  { status, minorVersion }: ResponseHead,
  method: string,
): Framing | Fault {
  // RFC 9112 §6.3: these have no body, whatever their fields say.
  if (status < 200 || status === 204) return none;
  if (codings.length > 0 && (lengths.length > 0 || minorVersion === 0 || !isChunked(codings))) {
    return { status: 502, fault: 'the answer says its length in a way that readers understand differently' };
  }
  const bytes = new Set(lengths).size === 1 ? parseLength(lengths[0] as string) : undefined;
  if (lengths.length > 0 && bytes === undefined) {
    return { status: 502, fault: 'Content-Length of the answer is not one number' };
  }
  if (method === 'HEAD' || status === 304) return none;
  if (codings.length > 0) return { kind: 'chunked' };
  return bytes === undefined ? { kind: 'close' } : { kind: 'length', bytes };
}

function isChunked(codings: readonly string[]): boolean {
  return codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
}

/** At most 15 digits, which a number holds exactly. */
function parseLength(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
