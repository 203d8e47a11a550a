/** A daemon's answer to a client that it does not take, or the answer of something that is no daemon. */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, SbxError } from './protocol/errors.ts';
import { showText } from './protocol/visible.ts';

/** As much of an answer as is read. */
const maxRefusalBytes = 4096;
/** Codes that a refusal may carry; anything else is not an answer of ours. */
const refusalCodes: readonly ErrorCode[] = ['unauthorized', 'too-many-clients', 'bad-request', 'stopping'];

interface RefusalBody {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly help?: unknown;
}

function parseBody(text: string): RefusalBody {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    return {};
  }
}

function toError(text: string, status: number | undefined): SbxError {
  const { code, message, help } = parseBody(text);
  const known = refusalCodes.find((one) => one === code);
  if (known === undefined || typeof message !== 'string') {
    return new SbxError('daemon-unreachable', `what listens there is no sbx daemon (HTTP status ${status})`, {
      help: 'look at the address',
    });
  }
  return new SbxError(known, showText(message), { help: typeof help === 'string' ? showText(help) : undefined });
}

/** What a daemon said instead of taking the connection. Its text is made safe to show. */
export function readRefusal(response: IncomingMessage): Promise<SbxError> {
  return new Promise((resolve) => {
    let body = '';
    const finish = () => resolve(toError(body, response.statusCode));
    response.on('data', (bytes: Buffer) => {
      body += bytes.toString('utf8');
      if (body.length > maxRefusalBytes) response.destroy();
    });
    response.on('close', finish);
    response.on('error', finish);
  });
}
