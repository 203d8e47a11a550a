/** What is known of a run by now: its collected output and the facts of its events, as a result or as part of an error. */
import { CollectedOutput, type Encoding } from './collected-output.ts';
import type { Decision } from './protocol/decision.ts';
import type { SbxError } from './protocol/errors.ts';
import type { Exit, Violation } from './protocol/events.ts';
import { RunError } from './run-error.ts';
import type { GapEvent, OutputEvent, RunStreamEvent } from './run-events.ts';
import type { FollowOptions } from './run-options.ts';

export interface RunResult<Text extends string | Buffer = string> {
  readonly runId: string;
  /** The command ran and its status is 0. */
  readonly ok: boolean;
  /** With a pty: everything that the terminal showed. */
  readonly stdout: Text;
  readonly stderr: Text;
  /** `reason` tells a denial, a time limit and a signal from an ordinary end. */
  readonly exit: Exit;
  /** Absent when the run was attached to after its beginning. */
  readonly decision?: Decision;
  readonly violations: readonly Violation[];
  /** Output that was lost on the way; empty unless a reconnect took too long or the run was joined late. */
  readonly gaps: readonly GapEvent[];
  /** Output that the daemon threw away because the run had asked not to wait. */
  readonly truncatedBytes: number;
}

const defaultMaxBufferBytes = 16 * 1024 * 1024;

export class RunSummary<Text extends string | Buffer> {
  readonly maxBufferBytes: number;
  readonly #runId: string;
  readonly #encoding: Encoding;
  readonly #output: CollectedOutput;
  readonly #violations: Violation[] = [];
  readonly #gaps: GapEvent[] = [];
  #decision: Decision | undefined;
  #truncatedBytes = 0;

  constructor(runId: string, { encoding, maxBufferBytes }: FollowOptions) {
    this.#runId = runId;
    this.#encoding = encoding ?? 'utf8';
    this.maxBufferBytes = maxBufferBytes ?? defaultMaxBufferBytes;
    this.#output = new CollectedOutput(this.maxBufferBytes);
  }

  /** False when it did not fit. */
  collect(output: OutputEvent): boolean {
    return this.#output.add(output);
  }

  record(event: RunStreamEvent): void {
    if (event.type === 'decided') this.#decision = event.decision;
    else if (event.type === 'violation') this.#violations.push(event.violation);
    else if (event.type === 'gap') this.#gaps.push(event);
    else if (event.type === 'truncated') this.#truncatedBytes = event.bytes;
  }

  makeResult(exit: Exit): RunResult<Text> {
    const { stdout, stderr } = this.#output.read(this.#encoding);
    return {
      runId: this.#runId,
      ok: exit.reason === 'exited' && exit.code === 0,
      stdout: stdout as Text,
      stderr: stderr as Text,
      exit,
      ...(this.#decision === undefined ? {} : { decision: this.#decision }),
      violations: this.#violations,
      gaps: this.#gaps,
      truncatedBytes: this.#truncatedBytes,
    };
  }

  makeError(
    code: SbxError['code'],
    message: string,
    { help, details, cause }: Partial<Pick<SbxError, 'help' | 'details' | 'cause'>> = {},
  ): RunError {
    const output = this.#output.read(this.#encoding);
    return new RunError(code, message, { runId: this.#runId, ...output, help, details, cause });
  }
}
