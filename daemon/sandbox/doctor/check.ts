/** One mechanism that was tried: what the probe says of it, and what helps. */

export type CheckName =
  | 'platform'
  | 'nesting'
  | 'tools'
  | 'user namespaces'
  | 'mounts'
  | 'system call filter'
  | 'nested namespaces'
  | 'limits'
  | 'a command'
  | 'network'
  | 'host sockets'
  | 'host mounts';

export interface Outcome {
  readonly ok: boolean;
  readonly message: string;
  readonly help?: string;
  /** Without it the sandbox still stands; the result of a run says what is missing. */
  readonly optional?: true;
}

export interface ProbeCheck extends Outcome {
  readonly name: CheckName;
}

export const passed: Outcome = { ok: true, message: 'works' };

export function failed(message: string, help?: string): Outcome {
  return { ok: false, message, ...(help === undefined ? {} : { help }) };
}

export function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
