/** The error of one run: why its end is not known or not wanted, and what it had said by then. */
import { type ErrorCode, SbxError } from './protocol/errors.ts';

const brand = Symbol.for('sbx.run-error');

export interface RunErrorInput {
  readonly runId: string;
  readonly stdout: string | Buffer;
  readonly stderr: string | Buffer;
  readonly help?: string | undefined;
  readonly details?: Record<string, unknown> | undefined;
  readonly cause?: unknown;
}

/**
 * `aborted`, `output-too-large`, `daemon-lost`, `unknown-session`, or whatever else the daemon answered. A denial, a time
 * limit and a status other than 0 are results and never come as an error.
 */
export class RunError extends SbxError {
  static override [Symbol.hasInstance](value: unknown): value is RunError {
    return typeof value === 'object' && value !== null && brand in value;
  }

  readonly [brand] = true;
  readonly runId: string;
  /** What was collected until then, in the run's encoding. */
  readonly stdout: string | Buffer;
  readonly stderr: string | Buffer;

  constructor(code: ErrorCode, message: string, input: RunErrorInput) {
    super(code, message, { help: input.help, details: input.details, cause: input.cause });
    this.name = 'RunError';
    this.runId = input.runId;
    this.stdout = input.stdout;
    this.stderr = input.stderr;
  }
}
