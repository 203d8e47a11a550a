/** What a caller may say about a run, and the request that comes of it: built once, because a repeat must be the same. */
import path from 'node:path';
import type { Encoding } from './collected-output.ts';
import { SbxError } from './protocol/errors.ts';
import type { Flags, Mode, Params } from './protocol/messages.ts';
import type { RunLimits } from './protocol/run-limits.ts';
import type { OnApproval } from './questions.ts';
import type { InputSource } from './run-input.ts';

export type StartParams = Params<'run.start'>;

/** Bash text, or a program with its arguments, which are never read as bash. */
export type Command = string | readonly [program: string, ...args: string[]];

/** `true`: 80 columns, 24 rows. */
export type PtyOption = true | { readonly columns?: number; readonly rows?: number; readonly term?: string };

export interface FollowOptions {
  /** How collected output comes; default `utf8`. */
  readonly encoding?: Encoding | undefined;
  /** An awaited run with more output than this is stopped and rejects with `output-too-large`; default 16 MiB. */
  readonly maxBufferBytes?: number | undefined;
  /** For questions of this run, instead of the client's. */
  readonly onApproval?: OnApproval | undefined;
  /** Stops the run: TERM, two seconds, KILL. It then rejects with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunOptions extends FollowOptions {
  /**
   * Default: a random one. The same id with the same request is the same run, also from another process, so a caller that
   * cannot know whether its request arrived asks again.
   */
  readonly runId?: string | undefined;
  /** Relative to the folder that the session was opened with. Default: where the session stands. */
  readonly cwd?: string | undefined;
  /** Passed by exact name, whatever the daemon's lists withhold. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** All that the command reads; then its input ends. */
  readonly input?: InputSource | undefined;
  /** `open`: `write` and `closeStdin` are used. Default `none`, which is /dev/null. */
  readonly stdin?: 'none' | 'open' | undefined;
  readonly pty?: PtyOption | undefined;
  readonly timeoutMs?: number | undefined;
  /** What it may use at most; of these, the session's and every policy's the strictest holds. */
  readonly limits?: RunLimits | undefined;
  readonly mode?: Mode | undefined;
  readonly autoAllow?: boolean | undefined;
  readonly flags?: Flags | undefined;
  /** Questions are put, also when this client has no callback: another approver answers. Default: whether there is one. */
  readonly approver?: boolean | undefined;
  /** Goes on until it is stopped or its session ends, whoever is connected. */
  readonly background?: boolean | undefined;
  /** How long it goes on without this client; default: as long as the client tries to reconnect. */
  readonly keepMs?: number | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly output?: StartParams['output'] | undefined;
}

export interface StartSurroundings {
  readonly runId: string;
  readonly sessionId: string;
  /** For a relative `cwd`. */
  readonly base: string;
  /** Of the caller's process; the daemon takes from it what its lists let through. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly keepMs: number;
  readonly canAnswer: boolean;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the fields that are there and undefined. */
export function withoutUndefined<T extends object>(fields: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Defined<T>>;
}

export function hasInput({ input, stdin, pty }: Pick<RunOptions, 'input' | 'stdin' | 'pty'>): boolean {
  return input !== undefined || stdin === 'open' || pty !== undefined;
}

function readPty(pty: PtyOption): StartParams['pty'] {
  const { columns = 80, rows = 24, term = 'xterm-256color' } = pty === true ? {} : pty;
  return { size: { columns, rows }, term };
}

/** @throws {SbxError} `bad-usage` for options that exclude each other */
export function makeStart(command: Command | undefined, options: RunOptions, around: StartSurroundings): StartParams {
  if (options.input !== undefined && options.stdin !== undefined) {
    throw new SbxError('bad-usage', 'a run has either `input` or `stdin`', {
      help: 'give `input` for what is known, `stdin: "open"` to write later',
    });
  }
  const own = options.env ?? {};
  const keepMs = options.keepMs ?? around.keepMs;
  return {
    runId: around.runId,
    sessionId: around.sessionId,
    ...(command === undefined ? { shell: true } : typeof command === 'string' ? { command } : { argv: [...command] }),
    env: { ...withoutUndefined(around.env), ...own } as Record<string, string>,
    ...(Object.keys(own).length === 0 ? {} : { grantEnv: Object.keys(own) }),
    stdin: hasInput(options) ? 'stream' : 'none',
    approver: options.approver ?? around.canAnswer,
    ...(options.background ? {} : { onDisconnect: keepMs > 0 ? { keepMs } : 'stop' }),
    ...withoutUndefined({
      cwd: options.cwd === undefined ? undefined : path.resolve(around.base, options.cwd),
      pty: options.pty === undefined ? undefined : readPty(options.pty),
      timeoutMs: options.timeoutMs,
      limits: options.limits,
      mode: options.mode,
      autoAllow: options.autoAllow,
      flags: options.flags,
      background: options.background,
      tags: options.tags === undefined ? undefined : [...options.tags],
      output: options.output,
    }),
  };
}
