/**
 * The one table of error codes, and the one error class. Codes are stable and never reused; a test compares the table
 * with the documentation. A denial is not an error but a `Decision`.
 */

export type ErrorKind = 'input' | 'environment' | 'internal';

export const errorCodes = {
  'bad-usage': ['input', 'the command line of sbx could not be understood'],
  'bad-request': ['input', 'a request or its parameters are not of the documented shape'],
  'unknown-method': ['input', 'the method is not part of the protocol'],
  'not-available': ['input', 'the method is part of the protocol but this build does not have it'],
  'hello-first': ['input', 'the first request of a connection must be hello'],
  'protocol-mismatch': ['input', 'client and daemon speak different major versions'],
  'frame-too-large': ['input', 'a frame is over the size limit'],
  'bad-frame': ['input', 'a binary frame is malformed or belongs to no run of this connection'],
  'empty-command': ['input', 'the command is empty'],
  'bad-command': ['input', 'the command has a NUL byte or is not valid UTF-8'],
  'bad-environment': ['input', 'an environment variable has an unusable name or value'],
  'bad-cwd': ['input', 'the working directory does not exist or is not a directory'],
  'bad-workspace': ['input', 'the workspace does not exist or is not a directory'],
  'bad-policy': ['input', 'a policy file has an error'],
  'bad-rule': ['input', 'a rule given on the command line has an error'],
  'locked-by-policy': ['input', 'the policy forbids this option'],
  'unknown-session': ['input', 'no such session'],
  'unknown-run': ['input', 'no such run'],
  'run-exists': ['input', 'this run id is in use with another body'],
  'run-ended': ['input', 'the run has already ended'],
  'writer-taken': ['input', 'another connection sends input to this run'],
  'unknown-grant': ['input', 'no such grant in this session'],
  'unknown-approval': ['input', 'no such approval, or it was already answered'],
  'too-many-runs': ['environment', 'as many runs are live as the daemon allows'],
  'too-many-sessions': ['environment', 'as many sessions are open as the daemon allows'],
  'too-many-clients': ['environment', 'as many clients are connected as the daemon allows'],
  unauthorized: ['environment', 'the daemon wants another token, or none of this origin or host name'],
  'bad-listen': ['input', 'the address, token or certificate to listen with cannot be used'],
  'output-too-large': ['input', 'the output is larger than the caller wanted to hold'],
  aborted: ['input', 'the caller gave up'],
  'sandbox-unavailable': ['environment', 'the sandbox cannot be used on this machine as it is'],
  'sandbox-failed': ['environment', 'the sandbox could not be started'],
  'nested-sandbox': ['environment', 'sbx was started inside its own sandbox'],
  'run-directory': ['environment', 'the directory for the socket cannot be used'],
  'daemon-unreachable': ['environment', 'the daemon could not be started or reached'],
  'daemon-lost': ['environment', 'the connection to the daemon ended before the run did'],
  stopping: ['environment', 'the daemon is stopping and takes no new runs'],
  'unsupported-platform': ['environment', 'this platform or runtime is not supported'],
  internal: ['internal', 'a defect in sbx'],
} as const satisfies Record<string, readonly [ErrorKind, string]>;

export type ErrorCode = keyof typeof errorCodes;

const brand = Symbol.for('sbx.error');

export class SbxError extends Error {
  /** By mark, not by class: two bundles of one program each have their own copy of the class. */
  static override [Symbol.hasInstance](value: unknown): value is SbxError {
    return typeof value === 'object' && value !== null && brand in value;
  }

  readonly [brand] = true;
  readonly code: ErrorCode;
  /** What to do, one sentence. */
  readonly help: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { help?: string | undefined; details?: Record<string, unknown> | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'SbxError';
    this.code = code;
    this.help = options.help;
    this.details = options.details;
  }
}

/** JSON-RPC error object as it travels: the numeric code is only there for JSON-RPC; `data.code` is ours. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data: { readonly code: ErrorCode; readonly help?: string; readonly details?: Record<string, unknown> };
}

export function toWireError(error: SbxError): WireError {
  const data: WireError['data'] = {
    code: error.code,
    ...(error.help === undefined ? {} : { help: error.help }),
    ...(error.details === undefined ? {} : { details: error.details }),
  };
  return { code: -32000, message: error.message, data };
}

export function fromWireError(wire: WireError): SbxError {
  const code = wire.data?.code !== undefined && wire.data.code in errorCodes ? wire.data.code : 'internal';
  return new SbxError(code, wire.message, { help: wire.data?.help, details: wire.data?.details });
}
